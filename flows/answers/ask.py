"""`answers ask`: a question, its answer and where that is written."""

from __future__ import annotations

from pydantic import Field

from flows.answers.engine import ANSWERS
from flows.answers.holders import holder_of
from flows.answers.options import AnswersOptions
from flows.answers.starting import embed_first, models_for, wait_for_endpoints
from flows.engine_flow import engine_flow
from flows.options import Timed, timeout
from flows.report import Report, reporting
from tasks.answers.answering import Answer, NotSupported, read_answer
from tasks.answers.knowledge import How, NoKnowledgeBase
from tasks.models.embeddings import remembering
from tasks.plurals import counted
from tasks.waiting import Deadline


class SearchingOptions(AnswersOptions, frozen=True):
    """Options of flows that search passages."""

    how: How | None = Field(
        default=None,
        description="text (words), sparse or dense (meaning), or hybrid (all of them). Default: hybrid, if the index has embeddings.",
    )
    passages: int = Field(default=6, ge=1, le=100, description="Passages that a prompt may hold.")


class AskOptions(SearchingOptions, Timed, frozen=True):
    """The options of `answers ask`."""

    question: str = Field(description="The question.")
    reader: tuple[str, ...] = Field(
        default=(),
        description="The names that the reader goes by. Default: none, which finds only what everybody may read.",
    )
    timeout_minutes: float = timeout(20)


@engine_flow(ANSWERS, "ask", run_name="ask {name} on {target}")
def ask(options: AskOptions) -> Report:
    """Answer a question from a knowledge base, with the passages that the answer is taken from.

    Every sentence must cite a passage that was found, and hold against it; otherwise the answer is withheld. `NOT IN
    THE SOURCES` is an answer too. A model that is starting is waited for.

    Example:
        vector-search answers ask --name handbook "How many days of leave are there?" --target sandbox
    """
    holder, models = holder_of(options.engine), ANSWERS.settings(options.target)
    settings, deadline = (
        holder.engine.settings(options.target),
        Deadline.after(minutes=options.timeout_minutes),
    )
    with reporting("answers ask", options.name, options.target, holder.engine.where(settings)) as report:
        base = holder.read(settings, options.name)
        if base is None:
            raise NoKnowledgeBase(options.name, engine=options.engine)
        how = options.how or base.ways[-1]
        wait_for_endpoints(report, models, models_for(models, base, how), deadline)
        with report.step("search") as step, remembering():
            embed_first(models, base, how, options.question, deadline)
            found = holder.find(
                settings,
                models,
                base,
                options.question,
                how=how,
                most=options.passages,
                readers=options.reader,
            )
            step.saw(f"{counted(len(found), 'passage')} of {base.index}, {how}")
        with report.step("answer") as step:
            answer = read_answer(models, options.question, found, deadline)
            report.facts |= _facts(answer)
            if answer.problems:
                raise NotSupported(answer)
            step.saw(f"{answer.model}, {counted(answer.usage.completion, 'token')}")
        report.answer = answer.checked.text
        report.results = [
            {"cited": f"[{number}]", "source": answer.passages[number - 1].source}
            for number in answer.checked.cites
        ]
    return report


def _facts(answer: Answer) -> dict[str, object]:
    """What a program wants to know of an answer. The prompt itself is not kept, only its hash."""
    return {
        "answer": answer.checked.text,
        "abstains": answer.checked.abstains,
        "problems": list(answer.problems),
        "sources": {
            str(n): answer.passages[n - 1].source for n in answer.checked.cites if n <= len(answer.passages)
        },
        "passages": [id_ for passage in answer.passages for id_ in passage.ids],
        "left_out": answer.left_out,
        "model": answer.model,
        "prompt": answer.prompt_hash,
        "tokens": {"prompt": answer.usage.prompt, "answer": answer.usage.completion},
        "seconds": round(answer.seconds, 3),
    }
