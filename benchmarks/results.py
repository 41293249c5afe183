"""The report of all benchmarks: where they ran, and a table of every comparison. It names no host and no path."""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks.measured import ROUNDS, Comparison, Figure
from tasks.plurals import counted

PACKAGES = (
    "numpy", "orjson", "h5py", "fastavro", "elasticsearch", "elastic-transport", "google-cloud-aiplatform", "protobuf", "grpcio",
)  # fmt: skip

_HEAD = """\
# What `make bench` measured

{date}: {machine}.

Every comparison times its ways in turn, in one process, {rounds} times after one round that does not count. Rates are medians, with the
slowest and the fastest round, unless a comparison says otherwise (noticing, growth and starting do); a ratio is the median of the rounds' own ratios to the first way, which a machine that others
use changes far less than a rate. Sandboxes and servers run on the same machine, and their work is in the numbers.

{aims}
"""


def comparisons_of(name: str) -> list[Comparison]:
    """Run one benchmark. Here, because a process that is started anew finds nothing of `__main__`."""
    return importlib.import_module(f"benchmarks.{name}").comparisons()


def machine() -> str:
    """Processor, cores, memory, system, versions, and how busy it is now."""
    cores = os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [
        f"{_processor()}, {cores} cores, {memory:.0f} GiB",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        ", ".join(f"{package} {version(package)}" for package in PACKAGES),
        f"load before the first run {os.getloadavg()[0]:.1f}",
    ]
    return "; ".join(parts)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def results(where: str, day: date, found: Mapping[str, Sequence[Comparison]]) -> str:
    """The report as Markdown.

    Args:
        where: from `machine`.
        day: when they ran.
        found: the comparisons of each benchmark, by its name.
    """
    parts = [_HEAD.format(date=day.isoformat(), machine=where, rounds=ROUNDS, aims=aims_of(found))]
    for name, comparisons in found.items():
        parts.append(f"\n## `python -m benchmarks.{name}`\n")
        parts += map(_table, comparisons)
    return "".join(parts)


def aims_of(found: Mapping[str, Sequence[Comparison]]) -> str:
    """How many aims are met, in a sentence."""
    aims = [figure.aim for each in found.values() for one in each for figure in one.figures if figure.aim]
    return f"{sum(aim.met for aim in aims)} of {counted(len(aims), 'aim')} are met."


def _table(comparison: Comparison) -> str:
    rows = [_row(figure) for figure in comparison.figures]
    head = f"| way | {comparison.unit} | slowest to fastest | ratio | beside | aim |\n|---|---:|---:|---:|---|---|\n"
    return f"\n{comparison.title}:\n\n{head}{''.join(rows)}"


def _row(figure: Figure) -> str:
    return f"| {figure.way} | {figure.rate} | {figure.spread} | {figure.times or '1'} | {figure.note} | {figure.aim or ''} |\n"
