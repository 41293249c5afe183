"""Writing import files: ours against the loop of Google's stream-update notebook, Polars and fastavro, on the same rows.

    python -m benchmarks.import_files [--rows 60000]

All write restricts and crowding tag too. The notebook's loop takes the rows from a matrix in memory and builds each line of
strings; Polars (where it is installed, as by `make bench`) and fastavro get all rows from memory as well. Ours reads the HDF5
file block by block, checks every value, and computes the checksums.
Peaks of memory are of processes of their own, libraries included.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import fastavro
import h5py

from benchmarks.measured import Comparison, in_turn
from tasks.vertex.data import avro
from tasks.vertex.data.import_files import write_import_files
from tasks.vertex.data.rules import NOTEBOOK_RULES
from tasks.vertex.data.vectors import VectorFile
from tests.memory import peak_megabytes

SAMPLE = Path(__file__).parents[1] / "sandbox" / "data" / "glove-100-sample.hdf5"

Writer = Callable[[Path, Path], None]


def write_json_lines(source: Path, folder: Path) -> None:
    """The project's way, JSON lines."""
    with VectorFile(source) as file:
        write_import_files(file, NOTEBOOK_RULES, folder)


def write_avro(source: Path, folder: Path) -> None:
    """The project's way, Avro."""
    with VectorFile(source) as file:
        write_import_files(file, NOTEBOOK_RULES, folder, import_format="avro")


def write_as_the_notebook_does(source: Path, folder: Path) -> None:
    """The notebook's way, without its stop at row 100."""
    with h5py.File(source) as file:
        train = file["train"][:]
    with (folder / "glove100.json").open("w") as out:
        for i in range(len(train)):
            out.write('{"id":"' + str(i) + '",')
            out.write('"embedding":[' + ",".join(str(x) for x in train[i]) + "],")
            out.write('"restricts":[{"namespace": "class", "allow": ["' + str(i) + '"]}],')
            out.write('"crowding_tag":' + ('"a"' if i % 2 == 0 else '"b"') + "}")
            out.write("\n")


def write_with_fastavro(source: Path, folder: Path) -> None:
    """What fastavro's readme shows: a generator of plain records."""
    with h5py.File(source) as file:
        train = file["train"][:]
    records = (
        {
            "id": str(row),
            "embedding": vector.tolist(),
            "restricts": [{"namespace": "class", "allow": [str(row)]}],
            "crowding_tag": "ab"[row % 2],
        }
        for row, vector in enumerate(train)
    )
    with (folder / "glove100.avro").open("wb") as out:
        fastavro.writer(out, avro.SCHEMA, records)


def write_with_polars(source: Path, folder: Path) -> None:
    """A data frame, written by Polars."""
    polars = import_module("polars")
    with h5py.File(source) as file:
        train = file["train"][:]
    ids = [str(row) for row in range(len(train))]
    columns = {
        "id": ids,
        "embedding": polars.Series(train).arr.to_list(),
        "restricts": [[{"namespace": "class", "allow": [id_]}] for id_ in ids],
        "crowding_tag": ["ab"[row % 2] for row in range(len(train))],
    }
    polars.DataFrame(columns).write_ndjson(folder / "glove100.jsonl")


JSON_LINES: dict[str, Writer] = {"notebook's loop": write_as_the_notebook_does}
if find_spec("polars"):
    JSON_LINES["Polars"] = write_with_polars
JSON_LINES["ours"] = write_json_lines
AIMS = 205_000, 450_000
"""Rows a second, of each format: what the fastest lines that we could write by hand do, which check nothing."""
AVRO: dict[str, Writer] = {"fastavro": write_with_fastavro, "ours": write_avro}


def comparisons(rows: int = 60_000) -> list[Comparison]:
    """Both formats."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "vectors.hdf5", Path(folder) / "out"
        out.mkdir()
        with h5py.File(SAMPLE) as sample, h5py.File(source, "w") as file:
            train = file.create_dataset("train", (rows, 100), dtype="f4")
            for first in range(0, rows, len(sample["train"])):  # piece by piece: a child starts with our peak
                train[first : first + len(sample["train"])] = sample["train"][: rows - first]
        found = [
            in_turn(
                f"HDF5 to {name}, 100 floats, a restrict and a crowding tag",
                {way: partial(writer, source, out) for way, writer in writers.items()},
                count=rows,
                unit="rows/s",
                notes={
                    way: f"{peak_memory(writer, source, out):,.0f} MiB" for way, writer in writers.items()
                },
            )
            for name, writers in (("JSON lines", JSON_LINES), ("Avro", AVRO))
        ]
        return [each.aiming("ours", rate=aim) for each, aim in zip(found, AIMS, strict=True)]


def peak_memory(writer: Writer, source: Path, folder: Path) -> int:
    """MiB of a process that writes them once."""
    processes = multiprocessing.get_context("spawn")
    results = processes.Queue()
    process = processes.Process(target=_put_peak, args=(writer, source, folder, results))
    process.start()
    peak = results.get()
    process.join()
    return peak


def _put_peak(writer: Writer, source: Path, folder: Path, results: multiprocessing.Queue) -> None:
    writer(source, folder)
    results.put(peak_megabytes())


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_files")
    parser.add_argument("--rows", type=int, default=60_000, help="the sample over and over")
    for comparison in comparisons(parser.parse_args().rows):
        print(comparison)


if __name__ == "__main__":
    main()
