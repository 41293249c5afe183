"""A question answered from passages: the prompt, the completion, the check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.answers.citations import Checked, checked
from tasks.answers.passages import Passage
from tasks.answers.prompts import ABSTENTION, prompt_of
from tasks.errors import PermanentError
from tasks.models.chat import UnusableCompletion, complete
from tasks.models.serving import when_started
from tasks.models.settings import ModelSettings
from tasks.models.usage import Usage
from tasks.steps import step
from tasks.waiting import Deadline


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model made of a question and its passages."""

    checked: Checked
    passages: tuple[Passage, ...]
    """Those in the prompt; the first has the number 1."""
    left_out: int
    """Passages that were found and had no room."""
    model: str
    usage: Usage
    seconds: float
    prompt_hash: str
    unusable: str = ""
    """Why the completion cannot be used; empty if it can."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it must not be shown as an answer; empty if it holds."""
        return (self.unusable,) if self.unusable else self.checked.problems


class NotSupported(PermanentError):
    """An answer says what its sources do not."""

    def __init__(self, answer: Answer) -> None:
        self.model, self.problems = answer.model, answer.problems
        super().__init__(
            f"The answer of {answer.model} is withheld, because its sources do not support it: {'; '.join(answer.problems)}. "
            "Ask again in other words, or choose another model (OPENAI_CHAT_MODEL)."
        )


@step("answer {question!r}")
def read_answer(
    settings: ModelSettings, question: str, found: Sequence[Passage], deadline: Deadline | None = None
) -> Answer:
    """Answer a question from the passages that it found. Without any, no model is asked.

    Args:
        settings: where, and which model.
        question: as it was asked.
        found: best first.
        deadline: until when a model that is starting is waited for; None for not at all.

    Returns:
        The answer, checked. Look at its `problems`.

    Raises:
        InvalidInput: the question is too long, or the context too small.
        ServingFailed, DeadlinePassed: the model does not start, or not in time.
        Exception: as `tasks.models.errors.calling`.
    """
    prompt = prompt_of(question, found, settings)
    if not prompt.passages:
        nothing = Checked(ABSTENTION, abstains=True, statements=())
        return Answer(
            checked=nothing, passages=(), left_out=0, model="", usage=Usage(), seconds=0.0, prompt_hash=prompt.hash
        )  # fmt: skip
    unusable, text, model, usage, seconds = "", "", settings.chat(), Usage(), 0.0
    try:
        if deadline is None:
            said = complete(settings, prompt.messages)
        else:
            said = when_started(model, lambda: complete(settings, prompt.messages), deadline)
        text, model, usage, seconds = said.text, said.model, said.usage, said.seconds
    except UnusableCompletion as error:
        unusable, usage, seconds = error.reason, error.usage, error.seconds
    return Answer(
        checked=checked(text, question, prompt.passages), passages=prompt.passages, left_out=len(prompt.left_out),
        model=model, usage=usage, seconds=seconds, prompt_hash=prompt.hash, unusable=unusable,
    )  # fmt: skip
