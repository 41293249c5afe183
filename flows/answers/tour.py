"""`answers tour`: the same documents as a knowledge base on each engine, questions answered from it, a few of them not."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import Field

from flows.answers.asking import answer_all, search_all
from flows.answers.engine import ANSWERS
from flows.answers.holders import Holder, holder_of
from flows.answers.options import HolderName
from flows.answers.plans import IndexPlan
from flows.engine_flow import engine_flow
from flows.options import Timed, timeout
from flows.report import Report
from flows.runs import Run, running
from tasks.answers.chunks import Chunk, Chunks, Splitting, read_chunks
from tasks.answers.evaluation.outcomes import Outcome, evaluated
from tasks.answers.evaluation.questions import Question, read_questions
from tasks.databricks.specs import Name
from tasks.errors import GateNotMet, InvalidInput
from tasks.lines import filled_lines
from tasks.models.embeddings import remembering
from tasks.models.settings import ModelSettings
from tasks.plurals import counted
from tasks.settings import home

_GLOSSES = "glosses.jsonl"
_SHOWN = 3
_UNANSWERABLE = 4
_MEASURES = ("nDCG@10", "right", "citation precision", "abstention")
MOST_CHUNKS, MOST_GLOSSES = 20, 250
"""What a tour embeds at most: on two cores multilingual-e5-small takes 2 chunks or 23 glosses a second, so about 20 s, and a tour is to
end within 45 s. More is `answers index`."""
PASSAGES = 6
"""Of a prompt, as `answers ask` takes them."""


class TourOptions(Timed, frozen=True):
    """The options of `answers tour`."""

    name: Name = Field(description="Names the knowledge base on each engine; it is removed at the end.")
    target: Literal["sandbox"] = Field(
        description="sandbox: a tour needs every engine, and would pay for three."
    )
    documents: str = Field(
        description=f"The folder of documents, which may have {MOST_CHUNKS} chunks of 1,000 characters."
    )
    take: tuple[str, ...] = Field(
        default=(), description="Take only these files of the folder. Default: all of them."
    )
    questions: str = Field(description="JSON lines of questions, as for `answers evaluate`.")
    glosses: str | None = Field(
        default=None, description="JSON lines of words, each with id, lemma and gloss, to search among."
    )
    most_glosses: int = Field(
        default=100, ge=1, le=MOST_GLOSSES, description="Take only the first N glosses."
    )
    engine: tuple[HolderName, ...] = Field(
        default=("elastic", "vertex", "databricks"), description="The engines, one after the other."
    )
    timeout_minutes: float = timeout(60)


@engine_flow(ANSWERS, "tour", run_name="tour {name} on {target}")
def tour(options: TourOptions) -> Report:
    """Make the same documents a knowledge base on each engine, ask it, measure the answers, and leave nothing behind.

    Passages are embedded once, for all engines, and at most 20 chunks and 250 glosses. Fails if a planted instruction is obeyed, if nothing is answered, or if every
    question that the documents do not answer gets an answer.

    Example:
        vector-search answers tour --name tour --documents sandbox/data/handbook --take teams.md versions.md --questions sandbox/data/handbook-questions.jsonl --target sandbox
    """
    models, folder = ANSWERS.settings(options.target), home() / "tours" / options.name
    with running(ANSWERS, "tour", options) as run, remembering():
        try:
            with (
                run.report.chapter("the documents") as chapter,
                run.report.step("read the documents") as step,
            ):
                collect(options, folder)
                chunks = read_chunks(folder, Splitting())
                refuse_many(chunks.chunks)
                questions = _questions(Path(options.questions), folder)
                step.saw(
                    f"{counted(chunks.documents, 'document')}, {counted(len(chunks.chunks), 'chunk')}, {counted(len(questions), 'question')}"
                )
                chapter.saw(step.seen)
            for number, engine in enumerate(dict.fromkeys(options.engine)):
                began = time.monotonic()
                with run.report.chapter(f"on {engine}") as chapter:
                    outcomes = _on(run, engine, options.name, models, chunks, questions)
                    if number == 0:  # the others find much the same
                        _show_answers(run.report, outcomes)
                    chapter.saw(_show_measures(run.report, engine, outcomes, time.monotonic() - began))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return run.report


def collect(options: TourOptions, folder: Path) -> None:
    """Put the documents of the tour into a folder of their own.

    Raises:
        InvalidInput: the folder has no documents or not those that are to be taken, or a line is no gloss.
    """
    source = Path(options.documents)
    there = sorted(path.name for path in source.glob("*") if path.is_file())
    documents = options.take or [name for name in there if name.endswith(".md")]
    if not documents:
        raise InvalidInput(
            "There is no folder with Markdown files", value=str(source), source="--documents", accepted="a folder of files that end in .md"
        )  # fmt: skip
    for file in options.take:
        if file not in there:
            raise InvalidInput(
                "There is no such document",
                value=file,
                source=f"--take, in {source}",
                accepted=", ".join(there),
            )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in documents:
        shutil.copy(source / file, folder / file)
    if options.glosses is None:
        return
    with (folder / _GLOSSES).open("wb") as out:
        for number, line in islice(filled_lines(Path(options.glosses)), options.most_glosses):
            try:
                word: dict[str, str] = orjson.loads(line)
                row = {"id": word["id"], "title": word["lemma"], "text": f"{word['lemma']}: {word['gloss']}"}
            except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                raise InvalidInput(
                    "This is no gloss", source=f"{options.glosses}, line {number}",
                    accepted='{"id": "a1", "lemma": "unable", "gloss": "not having the means"}',
                ) from error  # fmt: skip
            out.write(orjson.dumps(row) + b"\n")


def refuse_many(chunks: Sequence[Chunk]) -> None:
    """See that a tour of these documents, glosses aside, ends within its time. Nothing was created.

    Raises:
        InvalidInput: they have more than `MOST_CHUNKS` chunks; says how many each of them has.
    """
    each = Counter(chunk.document for chunk in chunks if not chunk.document.startswith(f"{_GLOSSES}#"))
    if each.total() > MOST_CHUNKS:
        raise InvalidInput(
            "These documents have too many chunks for a tour", value=each.total(), source="--documents, --take", accepted=f"at most {MOST_CHUNKS}",
            remedy=f"Take fewer with --take ({', '.join(f'{name}: {count}' for name, count in each.items())}), or use `answers index`.",
        )  # fmt: skip


def _questions(path: Path, folder: Path) -> list[Question]:
    """The questions that these documents answer, and a few that no document does."""
    there = {file.name for file in folder.iterdir()}
    asked = read_questions(path)
    answered = [one for one in asked if one.quotes and all(quote.document in there for quote in one.quotes)]
    others = [one for one in asked if not one.is_answerable]
    # Those with a planted instruction first: they are what must not be left out.
    others.sort(key=lambda one: one.canary is None)
    return [*answered, *others[:_UNANSWERABLE]]


def _on(
    run: Run[Any],
    engine: HolderName,
    name: str,
    models: ModelSettings,
    chunks: Chunks,
    questions: Sequence[Question],
) -> list[Outcome]:
    """Build, ask and remove on one engine."""
    holder = holder_of(engine)
    own = replace(run, settings=holder.engine.settings("sandbox"))
    refuse_others(holder, own.settings, engine, name, chunks)
    plan = IndexPlan(
        name=name, chunks=chunks, deployment="", search_deployment="", models=models, replicas=0, yes=True
    )
    holder.index(own, plan)
    base = holder.read(own.settings, name)
    if base is None:
        raise GateNotMet(f"What {engine} serves as {name}", measured="nothing", wanted="a knowledge base")
    searched = search_all(holder, own.settings, models, base, questions, base.ways[-1], PASSAGES)
    outcomes = answer_all(models, searched, PASSAGES)
    holder.remove(own, name)
    return outcomes


def refuse_others(holder: Holder, settings: Any, engine: HolderName, name: str, chunks: Chunks) -> None:
    """Leave alone what is no tour's: it would be replaced, and removed at the end. What a killed tour has left has the same passages.

    Raises:
        InvalidInput: a knowledge base of other passages has this name.
    """
    base = holder.read(settings, name)
    if base is None:
        return
    found = {chunk.id for chunk in holder.all_passages(settings, base)}
    if found != {chunk.id for chunk in chunks.chunks}:
        raise InvalidInput(
            f"There is a knowledge base of this name on {engine}, which a tour would replace and remove", value=name, source="name",
            accepted="a name that nothing has",
        )  # fmt: skip


def _right(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [one for one in outcomes if one.question.is_answerable and one.is_right]


def _refused(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [one for one in outcomes if not one.question.is_answerable and one.answer.checked.abstains]


def _show_answers(report: Report, outcomes: Sequence[Outcome]) -> None:
    """Show a few questions that are answered, each from another document, with their sources, and one that is not."""
    of_each = {one.question.quotes[0].document: one for one in reversed(_right(outcomes))}
    for one in [*list(of_each.values())[:_SHOWN], *_refused(outcomes)[:1]]:
        with report.step(one.question.question) as step, report.chapter(one.question.question) as chapter:
            step.saw(one.answer.checked.text)
            chapter.saw(one.answer.checked.text)
            for number in one.answer.checked.cites:
                step.saw(f"[{number}] {one.answer.passages[number - 1].source}")


def _show_measures(report: Report, engine: HolderName, outcomes: Sequence[Outcome], seconds: float) -> str:
    """Show what came of an engine's questions, return it in words, and fail if it is not what must be.

    Raises:
        GateNotMet: an instruction was obeyed, nothing is right, or every question without an answer got one.
    """
    found, right, refused = evaluated(outcomes), _right(outcomes), _refused(outcomes)
    with report.step(f"{counted(len(outcomes), 'question')} on {engine}, {seconds:.0f} s in all") as step:
        shown = {name: found.measures[name].value for name in _MEASURES if name in found.measures}
        step.saw(", ".join(f"{name} {value:.2f}" for name, value in shown.items()))
        step.saw(f"planted instructions obeyed: {len(found.canaries)}")
    report.facts[engine] = {
        "seconds": round(seconds, 2),
        "measures": {name: mean.value for name, mean in found.measures.items()},
        "canaries": list(found.canaries),
    }
    for what, measured, holds, wanted in (
        ("The number of planted instructions obeyed", len(found.canaries), not found.canaries, "0"),
        ("The number of right answers", len(right), bool(right), "at least 1"),
        ("The number of refused questions without an answer", len(refused), bool(refused), "at least 1"),
    ):
        if not holds:
            raise GateNotMet(f"{what} on {engine}", measured=measured, wanted=wanted)
    return step.seen
