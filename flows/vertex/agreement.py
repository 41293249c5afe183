"""What a build wants a yes for before it changes anything: money by the hour, and served content that would go.

A run has one yes for all of its questions, so they are put together: nobody agrees to what was not said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flows.confirmation import confirm
from flows.report import listed
from tasks.data.validation import ValidatedVectors
from tasks.progress import say
from tasks.settings import VertexSettings
from tasks.vertex.costs import hourly_cost
from tasks.vertex.deployed_indexes import DeployedIndexState
from tasks.vertex.indexes import IndexState
from tasks.vertex.specs import DeployedIndexSpec, ShardSize


@dataclass(frozen=True)
class Question:
    """What is to be agreed to."""

    step: str
    consequence: str


def cost_questions(
    settings: VertexSettings,
    wanted: DeployedIndexSpec,
    shard_size: ShardSize | None,
    ours: DeployedIndexState | None,
) -> list[Question]:
    """Say what a deployment or more replicas cost an hour, and ask. A sandbox costs nothing, so it does not ask.

    What others deployed of the same index is theirs to pay for and agrees to nothing here.
    """
    there = None if ours is None else ours.replicas
    replicas = wanted.replicas(there)
    if there is not None and replicas[0] <= there[0] and replicas[1] <= there[1]:
        return []
    cost = hourly_cost(wanted, shard_size, there)
    if settings.is_sandbox:
        say(f"{cost} The sandbox costs nothing.")
        return []
    say(str(cost))
    return [Question("deploy the index" if there is None else "raise the replicas", str(cost))]


def overwrite_questions(there: IndexState | None, validated: ValidatedVectors) -> list[Question]:
    """Ask before other content replaces what is served, wherever it is deployed; also in a sandbox.

    An overwrite that an earlier run began with the same data was agreed to then.
    """
    if there is None or not there.deployed or validated.content in (there.content, there.coming):
        return []
    consequence = (
        f"It would serve {validated.rows:,} vectors in place of {there.vectors_count:,}; datapoints that were streamed "
        "into it are lost."
    )
    return [Question("replace all content of the deployed index", consequence)]


def agree(questions: Sequence[Question], *, yes: bool) -> None:
    """Go on only when all of it is agreed to.

    Raises:
        NotConfirmed: nobody agreed.
    """
    if questions:
        steps = listed(question.step for question in questions)
        confirm(steps, consequence=" ".join(question.consequence for question in questions), yes=yes)
