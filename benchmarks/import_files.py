"""Writing import files: ours against the loop of Google's stream-update notebook, on the same rows, in the same run.

    python -m benchmarks.import_files [--rows 60000]

Both write JSON lines with restricts and crowding tag to a temporary folder. The notebook's loop takes the rows from a
matrix in memory and builds each line of strings; ours also reads the HDF5 file, checks every value, and computes the
checksums. Each runs in a process of its own, so that the peak of memory is its own too; the best of three runs counts.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py

from tasks.vertex.data.import_files import write_import_files
from tasks.vertex.data.rules import NOTEBOOK_RULES
from tasks.vertex.data.vectors import VectorFile

SAMPLE = Path(__file__).parents[1] / "sandbox" / "data" / "glove-100-sample.hdf5"


def write_ours(source: Path, folder: Path) -> None:
    """The project's way."""
    with VectorFile(source) as file:
        write_import_files(file, NOTEBOOK_RULES, folder)


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


def measure(writer: Callable[[Path, Path], None], source: Path, results: multiprocessing.Queue) -> None:
    """Put the seconds of the best run and the process's peak of resident memory in MiB."""
    seconds = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            writer(source, Path(folder))
            seconds.append(time.perf_counter() - started)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    results.put((min(seconds), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit))


def main() -> None:
    """Print one line a writer, and how they compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_files")
    parser.add_argument(
        "--rows", type=int, default=60_000, help="rows of 100 floats, the sample over and over"
    )
    rows: int = parser.parse_args().rows
    processes = multiprocessing.get_context("spawn")
    speeds = {}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "vectors.hdf5"
        with h5py.File(SAMPLE) as sample, h5py.File(source, "w") as file:
            train = file.create_dataset("train", (rows, 100), dtype="f4")
            for first in range(0, rows, len(sample["train"])):  # piece by piece: a child starts with our peak
                train[first : first + len(sample["train"])] = sample["train"][: rows - first]
        for name, writer in (("notebook's loop", write_as_the_notebook_does), ("ours", write_ours)):
            results = processes.Queue()
            process = processes.Process(target=measure, args=(writer, source, results))
            process.start()
            seconds, memory = results.get()
            process.join()
            speeds[name] = rows / seconds
            print(
                f"{name:12} {speeds[name]:>9,.0f} rows/s   {memory:,.0f} MiB at its peak, libraries included"
            )
    print(f"ratio        {speeds['ours'] / speeds[next(iter(speeds))]:>9.1f}")


if __name__ == "__main__":
    main()
