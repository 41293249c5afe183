"""What a reindex and its repair have in common: each sends tasks over the documents until nothing is left to do.

A task that an earlier run started is found by its `X-Opaque-Id` and followed, not started again.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.elastic.cluster.disks import full_disks
from tasks.elastic.cluster.reindex_tasks import Following, TaskState, find_task, follow, rejections
from tasks.elastic.indices.full_disks import DiskFull
from tasks.elastic.reindex.batch_plans import BatchPlan, ReindexSpec
from tasks.elastic.settings import ElasticSettings
from tasks.interruption import WhenInterrupted
from tasks.measures.pace import Pace
from tasks.waiting import Deadline


@dataclass(frozen=True, kw_only=True)
class Passes:
    """The tasks of one specification in the cluster."""

    settings: ElasticSettings
    spec: ReindexSpec
    plan: BatchPlan
    deadline: Deadline
    when_interrupted: WhenInterrupted
    remote: ElasticSettings | None = None
    """The cluster that the source is in; None for the same one."""
    pace: Pace | None = None
    """Takes note of how fast documents go; None where nobody looks at it."""

    @property
    def source_settings(self) -> ElasticSettings:
        """Where the source is read."""
        return self.remote or self.settings

    def rejected(self) -> int:
        """Texts that the deployment has rejected so far; read before a task starts, to tell the task's own apart."""
        return rejections(self.settings, self.spec.deployment_id)

    def running(self, *kinds: str) -> str | None:
        """The running task of one of these kinds, or None."""
        return find_task(self.settings, [self.spec.opaque_id(kind) for kind in kinds])

    def follow(self, task_id: str, what: str, rejected: int) -> TaskState:
        """Follow a task until it has ended.

        Raises:
            TaskCancelled, TaskFailed: it did not finish.
            DiskFull: the disk of a node is almost full; the task has tried for a minute.
            DeadlinePassed: it keeps running.
        """
        how = Following(
            what=what,
            deployment_id=self.spec.deployment_id,
            speed=self.plan.per_second,
            rejected=rejected,
            when_interrupted=self.when_interrupted,
            pace=self.pace,
        )
        task = follow(self.settings, task_id, how, self.deadline)
        if blocked := next((failure for failure in task.failures if failure.is_disk_block), None):
            raise DiskFull(self.spec.dest, said=blocked.reason, disks=full_disks(self.settings))
        return task
