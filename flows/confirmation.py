"""Confirmation before money is spent or something is deleted. A flow never asks: the command line does, if a person is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flows.plan import Plan, Planned, is_planning
from tasks.errors import NotConfirmed
from tasks.plurals import listed
from tasks.progress import say


@dataclass(frozen=True)
class Question:
    """Something that needs agreement."""

    step: str
    consequence: str


def billed(step: str, cost: str, *, is_sandbox: bool) -> list[Question]:
    """Say what a step costs, and ask. A sandbox costs nothing, so nothing is asked; a plan has a line of its own for costs.

    Args:
        step: `create the index`.
        cost: in whole sentences.
        is_sandbox: whether the target is one.
    """
    if not is_planning():
        say(f"{cost} The sandbox costs nothing." if is_sandbox else cost)
    return [] if is_sandbox else [Question(step, cost)]


def confirm(step: str, *, consequence: str, yes: bool, plan: Callable[[], Plan] | None = None) -> None:
    """Continue only with a `yes` that was given in advance.

    Raises:
        NotConfirmed, Planned: as `agree`.
    """
    agree([Question(step, consequence)], yes=yes, plan=plan)


def agree(questions: Sequence[Question], *, yes: bool, plan: Callable[[], Plan] | None = None) -> None:
    """Continue only if everything is agreed to.

    A run has one `yes` for all of its questions, so they are asked together: nobody agrees to something that was not shown.

    Args:
        questions: what needs agreement; none if nothing does.
        yes: agreed in advance.
        plan: makes the plan; not called unless somebody looks at it.

    Raises:
        NotConfirmed: nobody agreed. The command line then shows the plan, asks the person at the terminal and runs the flow again.
        Planned: the plan is all that was wanted.
    """
    if is_planning():
        if plan is None:  # asked in advance of what the plan is made from
            return
        raise Planned(_asking(plan(), questions))
    if questions and not yes:
        raise NotConfirmed(
            listed(question.step for question in questions),
            consequence=" ".join(question.consequence for question in questions),
            plan=_asking(plan(), questions) if plan else None,
        )


def _asking(plan: Plan, questions: Sequence[Question]) -> Plan:
    return plan.model_copy(update={"asks": tuple(f"{one.step}. {one.consequence}" for one in questions)})
