"""Growth: how the time of every step that reads data grows from 10,000 to 1,000,000 rows.

    python -m benchmarks.growth [--rows 1000000]

Rows of 100 floats from one HDF5 file, of which more and more is read, and documents of 180 bytes. The exponent is the slope of the line
through the logarithms of rows and seconds: 1 is a time that grows as the rows do, 2 would be their square. A rate is of one size, the best of
two runs (of the largest, one); the ratio is the rate of all rows to that of the fewest. Processor time, which other programs on the machine change least.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
import orjson

from benchmarks.bulk import GLOSSES, load
from benchmarks.import_files import SAMPLE
from benchmarks.measured import Aim, Comparison, Figure
from benchmarks.null_server import null_server
from tasks.elastic.data.documents import DocumentSource, read_checked_documents
from tasks.elastic.settings import ElasticSettings
from tasks.measures.neighbors import exact_neighbors
from tasks.vertex.data.import_files import write_import_files
from tasks.vertex.data.rules import NOTEBOOK_RULES
from tasks.vertex.data.validation import validate_vectors
from tasks.vertex.data.vectors import VectorFile

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
QUERIES = 200
ROUNDS, ROUNDS_OF_MANY, MANY = 2, 1, 300_000
"""How often each size is measured, and one of that many rows or more, whose time varies least."""

Step = Callable[[int], object]
"""Does its work for that number of rows."""


def steps_on_vectors(path: Path, out: Path) -> Mapping[str, Step]:
    """What `vertex build` and `vertex verify` do with a file of vectors."""
    with h5py.File(SAMPLE) as sample:
        asked = sample["test"][:QUERIES]

    def validated(rows: int) -> None:
        with VectorFile(path, limit=rows) as file:
            validate_vectors(file, NOTEBOOK_RULES)

    def json_lines(rows: int) -> None:
        with VectorFile(path, limit=rows) as file:
            write_import_files(file, NOTEBOOK_RULES, out)

    def avro(rows: int) -> None:
        with VectorFile(path, limit=rows) as file:
            write_import_files(file, NOTEBOOK_RULES, out, import_format="avro")

    def neighbors(rows: int) -> None:
        with VectorFile(path, limit=rows) as file:
            exact_neighbors(file.blocks(), asked, 10, measure="DOT_PRODUCT_DISTANCE")

    return {
        "validation": validated,
        "import files, JSON lines": json_lines,
        "import files, Avro": avro,
        f"exact neighbors of {QUERIES} queries": neighbors,
    }


def steps_on_documents(folder: Path, url: str) -> Mapping[str, Step]:
    """What `elastic load` does with a file of documents."""
    settings = ElasticSettings(url=url)
    return {
        "check of documents": lambda rows: read_checked_documents.fn(
            DocumentSource(path=folder / f"{rows}.jsonl", id_field="id")
        ),
        "bulk load, answered at once": lambda rows: load(settings, folder / f"{rows}.jsonl"),
    }


def comparisons(rows: int = SIZES[-1]) -> list[Comparison]:
    """One."""
    sizes = [size for size in SIZES if size <= rows]
    with tempfile.TemporaryDirectory() as name, null_server() as url:
        folder = Path(name)
        (folder / "out").mkdir()
        _write_vectors(folder / "vectors.hdf5", sizes[-1])
        _write_documents(folder, sizes)
        steps = {
            **steps_on_vectors(folder / "vectors.hdf5", folder / "out"),
            **steps_on_documents(folder, url),
        }
        gc.freeze()
        figures = [_grown(what, step, sizes) for what, step in steps.items()]
    title = f"Growth from {sizes[0]:,} to {sizes[-1]:,} rows"
    return [Comparison(title=title, unit="rows/s", figures=figures)]


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """The slope of the line through the logarithms, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def _grown(what: str, step: Step, sizes: list[int]) -> Figure:
    step(sizes[0])  # what is made once belongs to no size
    seconds = [
        min(_processor_seconds(step, size) for _ in range(ROUNDS if size < MANY else ROUNDS_OF_MANY))
        for size in sizes
    ]
    rates = [size / took for size, took in zip(sizes, seconds, strict=True)]
    grows = exponent(sizes, seconds)
    return Figure(
        way=what,
        rates=rates,
        ratio=rates[-1] / rates[0],
        note=f"exponent {grows:.2f}",
        aim=Aim("exponent at most 1.05", grows <= 1.05),
    )


def _processor_seconds(step: Step, rows: int) -> float:
    began = time.process_time()
    step(rows)
    return time.process_time() - began


def _write_vectors(path: Path, rows: int) -> None:
    with h5py.File(SAMPLE) as sample, h5py.File(path, "w") as file:
        train = sample["train"][:]
        made = file.create_dataset("train", (rows, train.shape[1]), dtype="f4")
        for first in range(0, rows, len(train)):
            made[first : first + len(train)] = train[: rows - first]


def _write_documents(folder: Path, sizes: list[int]) -> None:
    glosses = [orjson.loads(line) for line in GLOSSES.read_bytes().splitlines()]
    for rows in sizes:
        with (folder / f"{rows}.jsonl").open("wb") as file:
            for number in range(rows):
                row = glosses[number % len(glosses)] | {"id": f"{number:09}"}
                file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument("--rows", type=int, default=SIZES[-1], help="the most")
    for comparison in comparisons(parser.parse_args().rows):
        print(comparison)


if __name__ == "__main__":
    main()
