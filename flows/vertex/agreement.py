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
from tasks.vertex.costs import HourlyCost
from tasks.vertex.indexes import IndexState


@dataclass(frozen=True)
class Question:
    """What is to be agreed to."""

    step: str
    consequence: str


def cost_questions(settings: VertexSettings, cost: HourlyCost) -> list[Question]:
    """Say what a deployment costs an hour, and ask. A sandbox costs nothing, so nothing is asked there."""
    if settings.is_sandbox:
        say(f"{cost} The sandbox costs nothing.")
        return []
    say(str(cost))
    return [Question("deploy the index", str(cost))]


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
