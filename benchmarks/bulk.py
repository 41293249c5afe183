"""Loading a file of documents: ours against the helpers of the official client, into a server that does nothing.

    python -m benchmarks.bulk [--documents 40000]

The documents are WordNet's glosses, 180 bytes each, of a file of JSON lines. The helpers get what their documentation shows: a
generator that parses each line and names index and id. Ours also checks every line, keeps numbers as they are written, and sees
every refusal. Once the server answers at once, and once after 50 ms, as a cluster that has something to do.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from elasticsearch import Elasticsearch, helpers

from benchmarks.measured import Comparison, in_turn
from benchmarks.null_server import null_server
from tasks.batches import batches
from tasks.elastic.data.documents import DocumentSource, read_documents
from tasks.elastic.indices.bulks import IN_FLIGHT, MOST_BYTES, MOST_DOCUMENTS, Bulk, BulkLoad, size
from tasks.elastic.settings import ElasticSettings

GLOSSES = Path(__file__).parents[1] / "sandbox" / "data" / "wordnet-glosses.jsonl"
INDEX = "benchmark"


def actions(path: Path) -> Iterator[dict[str, Any]]:
    """A generator as in the client's documentation."""
    with path.open() as file:
        for line in file:
            document = json.loads(line)
            yield {"_index": INDEX, "_id": document["id"], "_source": document}


def load(settings: ElasticSettings, path: Path) -> None:
    """The project's way."""
    sending = BulkLoad(settings, INDEX, path.with_suffix(".refused"))
    documents = read_documents(DocumentSource(path=path, id_field="id"))
    bulks = map(Bulk, batches(documents, most=MOST_DOCUMENTS, most_bytes=MOST_BYTES, size_of=size))
    for bulk in sending.ahead(bulks, IN_FLIGHT):
        sending.send(bulk)


def comparisons(documents: int = 40_000) -> list[Comparison]:
    """One for each server."""
    found: list[Comparison] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "documents.jsonl"
        rows = [orjson.loads(line) for line in GLOSSES.read_bytes().splitlines()]
        with path.open("wb") as file:
            for number in range(documents):
                row = rows[number % len(rows)] | {"id": f"{number:09}"}
                file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        for seconds in (0.0, 0.05):
            with null_server(seconds) as url:
                client, settings = Elasticsearch(url), ElasticSettings(url=url)
                ways = {
                    "helpers.bulk": lambda client=client: helpers.bulk(client, actions(path)),
                    "helpers.parallel_bulk": lambda client=client: deque(
                        helpers.parallel_bulk(client, actions(path)), maxlen=0
                    ),
                    "ours": lambda settings=settings: load(settings, path),
                }
                how = f"after {1000 * seconds:.0f} ms" if seconds else "at once"
                title = f"Bulk load of {documents:,} documents, answered {how}"
                compared = in_turn(title, ways, count=documents, unit="documents/s")
                found.append(compared if seconds else compared.aiming("ours", rate=160_000))
    return found


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk")
    parser.add_argument("--documents", type=int, default=40_000)
    for comparison in comparisons(parser.parse_args().documents):
        print(comparison)


if __name__ == "__main__":
    main()
