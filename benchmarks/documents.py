"""Reading and cutting documents: by one process, and by several (VECTOR_SEARCH_PROCESSES), with the most memory that one of them has.

    python -m benchmarks.documents [--files 400] [--pages 20] [--processes 2]
    python -m benchmarks.documents --picture-megabytes 5 --files 250 --pages 2    # 1.3 GB, with 1 GB for each process

PDFs, which take longest: made here of random words, each page 2,000 characters. `--picture-megabytes` adds what nobody reads, as scans have it, so that
the folder is larger than the memory of any process. Each way is a process of its own with its children, which may have 1 GB of data
each (RLIMIT_DATA). No part of `make bench`: it takes minutes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from tasks.answers.chunks import Splitting, read_chunks
from tasks.answers.spreading import VARIABLE

MEMORY = 2**30
"""Bytes that each process may have."""
_LINE, _LINES = 80, 25


def write_pdf(file: Path, pages: int, picture: int, words: random.Random) -> None:
    """A PDF of that many pages of random words, and a picture of that many bytes that no page shows."""
    numbers = range(4, 4 + 2 * pages, 2)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {pages} /Kids [{' '.join(f'{number} 0 R' for number in numbers)}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number in numbers:
        lines = "".join(f"({_line(words)}) Tj 0 -14 Td " for _ in range(_LINES))
        content = f"BT /F1 12 Tf 72 720 Td {lines}ET".encode()
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {number + 1} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode(),
            _stream(content),
        ]
    objects.append(_stream(words.randbytes(picture)))
    with file.open("wb") as out:
        out.write(b"%PDF-1.4\n")
        places = []
        for number, body in enumerate(objects, start=1):
            places.append(out.tell())
            out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        table = out.tell()
        out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
        out.writelines(b"%010d 00000 n \n" % place for place in places)
        out.write(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, table))


def _line(words: random.Random) -> str:
    return "".join(words.choices("abcdefghijklmnop    ", k=_LINE))


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)


def measure(folder: Path, processes: int, out: Connection) -> None:
    """Cut a folder; send seconds, those of processors, passages, the content's name, and the most memory of this process and of one of its children."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    os.environ[VARIABLE] = str(processes)
    began = time.perf_counter()
    found = read_chunks.fn(folder, Splitting())
    seconds = time.perf_counter() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    processor = sum(one.ru_utime + one.ru_stime for one in used)
    out.send((seconds, processor, len(found.chunks), found.content, *(one.ru_maxrss // 1024 for one in used)))


def main() -> None:
    """Print both ways."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.documents")
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--picture-megabytes", type=float, default=0)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, words = Path(name), random.Random(0)  # noqa: S311 -- for words, not for keys
        for number in range(given.files):
            picture = int(given.picture_megabytes * 1e6)
            write_pdf(folder / f"{number:05}.pdf", given.pages, picture, words)
        size = sum(file.stat().st_size for file in folder.iterdir())
        print(f"{given.files:,} PDFs of {given.pages} pages, {size / 1e6:,.0f} MB")
        alone = 0.0
        contents = set[str]()
        for processes in (1, given.processes):
            receiver, sender = multiprocessing.get_context("spawn").Pipe(duplex=False)
            process = multiprocessing.get_context("spawn").Process(
                target=measure, args=(folder, processes, sender)
            )
            process.start()
            seconds, processor, passages, content, own, child = receiver.recv()
            process.join()
            alone = alone or seconds
            contents.add(content)
            print(
                f"{processes} process{'es' if processes > 1 else ''}: {seconds:.1f} s, {alone / seconds:.2f} x, {processor:.1f} s of processors, {passages:,} passages, "
                f"at most {own:,} MiB{f' and {child:,} MiB in each of the others' if processes > 1 else ''}"
            )
        print("the same passages" if len(contents) == 1 else "the passages DIFFER")


if __name__ == "__main__":
    main()
