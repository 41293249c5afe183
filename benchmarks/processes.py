"""Two processes for work that calls no service: two files converted one after the other, and at the same time.

    python -m benchmarks.processes [--rows 100000]

HDF5 to import files of Vertex AI, in both formats, checked and with their checksums. The processes are there before the time is taken, as those
of a worker with two slots are. Exact neighbors are not here: their matrix product takes all cores by itself.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import h5py

from benchmarks.import_files import SAMPLE, Writer, write_avro, write_json_lines
from benchmarks.measured import Comparison, in_turn

FORMATS: dict[str, Writer] = {"JSON lines": write_json_lines, "Avro": write_avro}


def comparisons(rows: int = 100_000) -> list[Comparison]:
    """Both formats."""
    with (
        tempfile.TemporaryDirectory() as name,
        ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool,
    ):
        jobs = [(Path(name) / f"{number}.hdf5", Path(name) / f"out-{number}") for number in range(2)]
        for source, _ in jobs:
            _write(source, rows)
        return [
            in_turn(
                f"Two files of {rows:,} rows to {title}",
                {
                    "one process": lambda writer=writer: _one_after_the_other(writer, jobs),
                    "two processes": lambda writer=writer: list(pool.map(writer, *zip(*jobs, strict=True))),
                },
                count=2 * rows,
                unit="rows/s",
            ).aiming("two processes", ratio=1.8)
            for title, writer in FORMATS.items()
        ]


def _one_after_the_other(writer: Writer, jobs: Sequence[tuple[Path, Path]]) -> None:
    for source, out in jobs:
        writer(source, out)


def _write(path: Path, rows: int) -> None:
    with h5py.File(SAMPLE) as sample, h5py.File(path, "w") as file:
        train = sample["train"][:]
        made = file.create_dataset("train", (rows, train.shape[1]), dtype="f4")
        for first in range(0, rows, len(train)):
            made[first : first + len(train)] = train[: rows - first]


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.processes")
    parser.add_argument("--rows", type=int, default=100_000)
    for comparison in comparisons(parser.parse_args().rows):
        print(comparison)


if __name__ == "__main__":
    main()
