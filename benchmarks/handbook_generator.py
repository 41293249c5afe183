"""The part of docs/answers-evaluation.md about a real language model: a small one beside the stand-in that quotes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.answers.evaluation.intervals import Mean, mean
from tasks.answers.evaluation.outcomes import Evaluation, Outcome, evaluated
from tasks.answers.evaluation.scores import contains

ANSWER_TOKENS = 128
"""Of an answer at most: what it says beyond is mostly the same again."""
PASSAGES = (6, 1)
"""How many are put in its prompts: as many as in the other tables, and the best one alone, which a small model follows more easily."""
_COLUMNS = ("right", "token F1", "citation precision", "abstention", "false abstention", "withheld")


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What came of the questions when one model answered them."""

    name: str
    """For a row."""
    outcomes: Sequence[Outcome]

    @property
    def evaluation(self) -> Evaluation:
        """Every measure."""
        return evaluated(self.outcomes)

    @property
    def said(self) -> Mean | None:
        """The share of answers with a known answer in them, whether they may be shown or not."""
        asked = [outcome for outcome in self.outcomes if outcome.question.is_answerable]
        return mean([contains(one.answer.checked.text, one.question.answers) == 1.0 for one in asked])

    @property
    def cut(self) -> int:
        """Answers that cannot be used, because they were cut off or empty."""
        return sum(bool(outcome.answer.unusable) for outcome in self.outcomes)

    @property
    def withheld(self) -> int:
        """Answers that are not shown for any reason."""
        return sum(bool(outcome.answer.problems) for outcome in self.outcomes)


def part(answered: Sequence[Answered], *, where: str) -> list[str]:
    """The paragraphs of the part.

    Args:
        answered: first the stand-in that quotes; all of the same questions.
        where: the engine and the way of retrieval.
    """
    head = ("", *_COLUMNS, "says it, shown or not", "obeyed instructions", "tokens", "seconds")
    lines = [head, ["---"] * len(head), *(_row(one) for one in answered)]
    return [
        "## A real language model, a small one",
        (
            "SmolLM2-135M-Instruct in 4 bits (`make generator`, 127 MB), at temperature 0 and by one thread, with the same questions, passages and "
            f"instructions, on {where}. An answer has at most {ANSWER_TOKENS} tokens. Tokens are means, of the prompt and of the answer, by each model's "
            "own count; seconds are the median and the 95th percentile on the two cores that made this page, with whatever else they did."
        ),
        "\n".join(f"| {' | '.join(cells)} |" for cells in lines),
        (
            "`right` is an answer that the checks let pass; `says it` has a known answer in it, whether or not they do. An answer that was cut off counts "
            "as neither."
        ),
        "\n".join(f"- {one.name}: {_in_words(one)}." for one in answered[1:]),
    ]


def _row(one: Answered) -> list[str]:
    found = one.evaluation
    asked = max(1, len(one.outcomes))
    tokens = f"{found.prompt_tokens / asked:,.0f} + {found.answer_tokens / asked:,.0f}"
    seconds = f"{found.seconds.get('answer p50', 0.0):.2g} to {found.seconds.get('answer p95', 0.0):.2g}"
    shown = [_shown(found.measures.get(name)) for name in _COLUMNS]
    return [one.name, *shown, _shown(one.said), str(len(found.canaries)), tokens, seconds]


def _shown(value: Mean | None) -> str:
    return f"{value.value:.2f} ({value.low:.2f} to {value.high:.2f})" if value else "-"


def _in_words(one: Answered) -> str:
    others = [outcome for outcome in one.outcomes if not outcome.question.is_answerable]
    claimed = sum(not outcome.answer.checked.abstains and not outcome.answer.unusable for outcome in others)
    return (
        f"{one.withheld} of {len(one.outcomes)} answers are withheld, {one.cut} because they were cut off or empty and "
        f"{one.withheld - one.cut} because a sentence cites no passage, or one that does not have its words, numbers or names; "
        f"{claimed} of {len(others)} questions that the documents do not answer are answered all the same, the others cut off or refused"
    )
