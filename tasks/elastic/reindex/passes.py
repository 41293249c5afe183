"""What a reindex and its repair have in common: each sends tasks over the documents until nothing is left to do.

A task that an earlier run began is known by its `X-Opaque-Id` and followed, not begun again.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.elastic.cluster.reindex_tasks import Following, TaskState, find_task, follow, rejections
from tasks.elastic.reindex.batch_plans import BatchPlan, ReindexSpec
from tasks.elastic.settings import ElasticSettings
from tasks.interruption import WhenInterrupted
from tasks.waiting import Deadline


@dataclass(frozen=True, kw_only=True)
class Passes:
    """The tasks of one specification in the cluster."""

    settings: ElasticSettings
    spec: ReindexSpec
    plan: BatchPlan
    deadline: Deadline
    when_interrupted: WhenInterrupted

    def rejected(self) -> int:
        """Texts that the deployment has rejected so far; taken before a task begins, it tells the task's own."""
        return rejections(self.settings, self.spec.deployment_id)

    def running(self, *kinds: str) -> str | None:
        """The task of one of these kinds that runs now, or None."""
        return find_task(self.settings, [self.spec.opaque_id(kind) for kind in kinds])

    def follow(self, task_id: str, what: str, rejected: int) -> TaskState:
        """Look at a task until it has ended.

        Raises:
            TaskCancelled, TaskFailed: it came to a bad end.
            DeadlinePassed: it goes on.
        """
        how = Following(
            what=what,
            deployment_id=self.spec.deployment_id,
            speed=self.plan.per_second,
            rejected=rejected,
            when_interrupted=self.when_interrupted,
        )
        return follow(self.settings, task_id, how, self.deadline)
