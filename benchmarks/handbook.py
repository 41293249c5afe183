"""The handbook's questions, searched in every way and answered: the table in docs/answers.md.

    python -m benchmarks.handbook [--chunk-size 1000] [--passages 6]

It starts the stand-ins of Elasticsearch and of models on a folder of its own, indexes `sandbox/data/handbook` by the project's own
steps, and asks `sandbox/data/handbook-questions.jsonl`. The handbook is embedded twice, which takes about half a minute
on two quiet cores.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from sandbox import process
from sandbox.announced import announcement
from sandbox.elastic.options import ElasticOptions
from sandbox.model_server.options import ModelServerOptions
from tasks.answers.answering import read_answer
from tasks.answers.chunks import Splitting, read_chunks
from tasks.answers.evaluation.outcomes import Evaluation, Outcome, evaluated
from tasks.answers.evaluation.questions import read_questions, relevant
from tasks.answers.evaluation.retrieval import DEPTH
from tasks.answers.knowledge import How, KnowledgeBase
from tasks.elastic.cluster.deployments import ensure_deployment, wait_for_deployment
from tasks.elastic.cluster.models import ensure_model, wait_for_model
from tasks.elastic.indices.indices import ensure_index
from tasks.elastic.indices.pipelines import ensure_pipeline
from tasks.elastic.passages.reading import read_all_passages, read_knowledge_base
from tasks.elastic.passages.searching import read_passages
from tasks.elastic.passages.specs import Embedders, passage_index, passage_pipeline
from tasks.elastic.passages.writing import apply_passages
from tasks.elastic.settings import ElasticSettings, elastic_settings
from tasks.elastic.specs import DeploymentSpec
from tasks.models.settings import ModelSettings, model_settings
from tasks.waiting import Deadline

DATA = Path(__file__).parents[1] / "sandbox" / "data"
NAME = "handbook"


def indexed(
    settings: ElasticSettings, models: ModelSettings, splitting: Splitting, folder: Path
) -> KnowledgeBase:
    """The handbook in an index with sparse and dense embeddings."""
    deadline = Deadline.after(minutes=20)
    spec = DeploymentSpec(id=f"{NAME}-ingest", allocations=2)
    ensure_model.fn(settings, spec.model_id)
    wait_for_model.fn(settings, spec.model_id, deadline)
    ensure_deployment.fn(settings, spec, deadline)
    wait_for_deployment.fn(settings, spec, deadline)
    chunks = read_chunks.fn(DATA / "handbook", splitting)
    embedders = Embedders(
        deployment=spec.id, search_deployment=spec.id, model=spec.model_id, dense=models.embedding()
    )
    index, pipeline = passage_index(NAME, chunks, embedders, replicas=0), passage_pipeline(NAME, spec.id)
    ensure_pipeline.fn(settings, pipeline)
    ensure_index.fn(settings, index)
    began = time.perf_counter()
    apply_passages.fn(
        settings, index.name, chunks.chunks, deadline, previous="", embedders=embedders, pipeline=pipeline.id,
        models=models, refused_file=folder / "refused.jsonl",
    )  # fmt: skip
    print(f"{len(chunks.chunks)} passages embedded twice in {time.perf_counter() - began:.1f} s")
    found = read_knowledge_base.fn(settings, index.name)
    if found is None:
        raise SystemExit("The index of the handbook is gone.")
    return found


def asked(
    settings: ElasticSettings, models: ModelSettings, base: KnowledgeBase, how: How, passages: int
) -> Evaluation:
    """Every question, searched in one way and answered."""
    questions = read_questions.fn(DATA / "handbook-questions.jsonl")
    gold = relevant(questions, read_all_passages.fn(settings, base.index))
    outcomes: list[Outcome] = []
    for question in questions:
        began = time.perf_counter()
        found = read_passages.fn(
            settings, models, base, question.question, how=how, most=DEPTH, readers=question.readers
        )
        seconds = time.perf_counter() - began
        answer = read_answer.fn(models, question.question, found[:passages])
        ranking = tuple(passage.first.id for passage in found)
        outcomes.append(
            Outcome(question=question, relevant=gold[question.id], ranking=ranking, answer=answer, search_seconds=seconds)
        )  # fmt: skip
    return evaluated(outcomes)


def main() -> None:
    """Print every measure for every way of searching."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunk-size", type=int, default=1000)
    parser.add_argument("--passages", type=int, default=6)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        options = ElasticOptions(download_seconds=0.1, start_seconds=0.05), ModelServerOptions()
        with process.running(state, *options):
            os.environ["VECTOR_SEARCH_SANDBOX"] = str(announcement(state))
            settings, models = elastic_settings("sandbox"), model_settings("sandbox")
            base = indexed(settings, models, Splitting(size=given.chunk_size), state)
            for how in base.ways:
                found = asked(settings, models, base, how, given.passages)
                print(f"\n{how}: {dict(found.causes)}, obeyed instructions: {len(found.canaries)}")
                for name, measure in found.measures.items():
                    print(f"  {name:20} {measure}")


if __name__ == "__main__":
    main()
