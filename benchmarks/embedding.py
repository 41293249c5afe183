"""Embedding by a flow, beside the same texts sent straight to the deployment that embeds them: how much of the model a flow uses.

    python -m benchmarks.embedding [--seconds 60]

A deployment of eight allocations, each of which takes 0.2 s for a text (the real ELSER about 0.37) and has no cache: it is the limit, not
this machine. Asked directly, it gets as many texts as it takes, in calls of `_infer`, several at a time, for a while before each flow.
A flow is timed whole: `elastic embed` from the first look at the source until the alias has moved to the verified index, `answers index`
from reading and cutting the documents (the pages in docs/, over and over) on. What a flow spends beside the embedding does not grow with
the number of texts, so a short one uses less of the model: these work for a minute. A Prefect server of its own runs on the
same machine.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import orjson
from elasticsearch import Elasticsearch

from benchmarks.measured import Aim, Comparison, Figure
from benchmarks.orchestrated import orchestrated
from flows.answers.index import index_documents
from flows.elastic.deploy import deploy_model
from flows.elastic.embed import embed_documents
from flows.elastic.load import load_documents
from sandbox.elastic.options import ElasticOptions
from tasks.answers.chunks import Chunk, Splitting, read_chunks
from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.connection.clients import connect
from tasks.elastic.passages.specs import PASSAGE
from tasks.elastic.settings import elastic_settings

DATA, DOCS = Path(__file__).parents[1] / "sandbox" / "data", Path(__file__).parents[1] / "docs"
ALLOCATIONS, SECONDS = 8, 0.2
NAME, DEPLOYMENT = "benchmark", "benchmark-ingest"
CHUNK = 300
"""Characters of a passage: as short as a gloss, so that the stand-in's model keeps up with the simulated time."""
_CALL, _CALLS = 64, 4
_DIRECT_SECONDS = 10


def rate_of_direct_calls(client: Elasticsearch, texts: Sequence[str]) -> float:
    """Texts that the deployment embeds in a second when nothing else is done."""
    parts = [texts[start : start + _CALL] for start in range(0, len(texts), _CALL)]

    def infer(part: Sequence[str]) -> None:
        docs = [{"text_field": text} for text in part]
        client.ml.infer_trained_model(model_id=DEPLOYMENT, docs=docs, timeout="60s")

    began = time.perf_counter()
    with ThreadPoolExecutor(_CALLS) as pool:
        list(pool.map(infer, parts))
    return len(texts) / (time.perf_counter() - began)


def compared(
    title: str, texts: Sequence[str], flow: Callable[[], object], name: str, field: str
) -> Comparison:
    """Direct calls for a few seconds, then the flow.

    Args:
        title: what is compared.
        texts: what the flow embeds.
        flow: does it.
        name: the alias of the index that it makes.
        field: where each embedding is stored there.
    """
    client = connect(elastic_settings("sandbox")).options(request_timeout=90)
    direct = rate_of_direct_calls(client, texts[: int(_DIRECT_SECONDS * ALLOCATIONS / SECONDS)])
    began = time.perf_counter()
    flow()
    rate = len(texts) / (time.perf_counter() - began)
    lost = len(texts) - client.count(index=name, query={"exists": {"field": field}})["count"]
    there = read_deployment.fn(elastic_settings("sandbox"), DEPLOYMENT)
    refused, share = (there.rejected if there else 0), rate / direct
    aim = Aim("at least 0.95 x, 0 lost, 0 refused", met=share >= 0.95 and lost == refused == 0)
    note = f"{lost} lost, {refused} refused by the queue"
    figures = [
        Figure(way="the deployment, asked directly", rates=[direct], ratio=None),
        Figure(way="ours", rates=[rate], ratio=share, note=note, aim=aim),
    ]
    return Comparison(title=title, unit="texts/s", figures=figures)


def comparisons(seconds: int = 60) -> list[Comparison]:
    """An index, and a folder of documents; each for about that many seconds."""
    texts = int(seconds * ALLOCATIONS / SECONDS)
    with orchestrated(ElasticOptions(inference_seconds=SECONDS, download_seconds=0.1)) as folder:
        deploy_model(
            name=NAME, target="sandbox", ingest_allocations=ALLOCATIONS, search_allocations=0, cache_size="0b"
        )
        return [_of_an_index(folder, texts), _of_documents(folder, texts)]


def _of_an_index(folder: Path, most: int) -> Comparison:
    glosses = folder / "glosses.jsonl"
    with (DATA / "wordnet-glosses.jsonl").open("rb") as file:
        lines = list(islice(file, most))
    glosses.write_bytes(b"".join(lines))
    load_documents(name="glosses", data=str(glosses), id_field="id", text_fields=("gloss",), target="sandbox")
    return compared(
        f"Embedding an index of {len(lines):,} documents",
        [orjson.loads(line)["gloss"] for line in lines],
        lambda: embed_documents(
            name="catalog",
            source="glosses",
            fields=("gloss",),
            deployment=DEPLOYMENT,
            replicas=0,
            target="sandbox",
        ),
        "catalog",
        "gloss_embedding",
    )


def _of_documents(folder: Path, most: int) -> Comparison:
    documents, chunks = folder / "documents", list[Chunk]()
    while len(chunks) < most:
        shutil.copytree(
            DOCS,
            documents / f"{len(chunks)}",
            ignore=shutil.ignore_patterns("*.png", "*.ipynb", "*.py"),
        )
        chunks = read_chunks.fn(documents, Splitting(size=CHUNK)).chunks
    return compared(
        f"Cutting and embedding documents of {len(chunks):,} passages",
        [chunk.passage for chunk in chunks],
        lambda: index_documents(
            name="handbook",
            documents=str(documents),
            deployment=DEPLOYMENT,
            chunk_size=CHUNK,
            replicas=0,
            target="sandbox",
        ),
        "handbook",
        PASSAGE.output,
    )


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedding")
    parser.add_argument("--seconds", type=int, default=60, help="how long each flow works, about")
    for comparison in comparisons(parser.parse_args().seconds):
        print(comparison)


if __name__ == "__main__":
    main()
