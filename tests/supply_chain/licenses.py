"""`make licenses`: writes locks/LICENSES.md, the license of every pin of every lock, as the package's own metadata states it.

What this environment does not have (another Python's, another platform's, another lock's) is fetched as a wheel. A license
that is not accepted here fails the tests, with the package's name: then somebody reads it and decides.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from tests.supply_chain.locks import LOCKS, ROOT, Pin, pins

FILE = ROOT / "locks" / "LICENSES.md"
ACCEPTED = {
    "0BSD", "Apache-2.0", "Artistic-1.0-Perl", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "ISC", "MIT", "MIT-0",
    "MIT-CMU", "PSF-2.0", "Unlicense", "Zlib",
    "BSD",  # without a number of clauses
    "MPL-2.0",  # its files stay under it; they are used as they are
}  # fmt: skip
"""SPDX identifiers that a program under Apache-2.0 may depend on. Nothing here is copied into this repository."""
_SPELLED = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "Artistic License": "Artistic-1.0-Perl",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD",
    "GNU General Public License (GPL)": "GPL-1.0-or-later",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Simplified BSD": "BSD-2-Clause",
}
"""How metadata that is older than license expressions says it."""
_IDENTIFIER = re.compile(r"[A-Za-z0-9.+-]+")
_LONGEST = 60
"""Characters; what is longer is a license's text."""
_PLATFORMS = ("linux", "windows", "macos")
_PYTHONS = ("3.11", "3.12", "3.13")
_ROW = re.compile(r"\| (\S+) \| (\S+) \| (.+?) \| (.+) \|")


def is_accepted(expression: str) -> bool:
    """Whether every license of an expression is accepted, or all of one of its alternatives."""
    if re.fullmatch(r"\([^()]*\)", expression):  # as npm writes alternatives
        expression = expression[1:-1]
    alternatives = [expression] if "(" in expression else [expression, *expression.split(" OR ")]
    return any(_identifiers(one) <= ACCEPTED for one in alternatives)


def stated(package: Distribution) -> str:
    """The license that a package's metadata states, as an SPDX expression where it can be told; else its own words."""
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return expression
    text = " ".join((metadata.get("License") or "").split())
    text = _SPELLED.get(text, text)
    if 0 < len(text) < _LONGEST and _identifiers(text) <= ACCEPTED:
        return text
    classifiers = [
        one.rpartition("::")[2].strip()
        for one in metadata.get_all("Classifier", [])
        if one.startswith("License ::")
    ]
    named = [_SPELLED.get(one, one) for one in classifiers if one not in {"OSI Approved", "DFSG approved"}]
    begins = (spelled for words, spelled in _SPELLED.items() if text.startswith(f"{words} "))
    return " OR ".join(named) or next(begins, text[:_LONGEST]) or "unknown"


def table() -> dict[Pin, str]:
    """The license of each pin, as the file has it."""
    rows = _ROW.findall(FILE.read_text()) if FILE.exists() else []
    return {Pin(name, version): license_ for name, version, license_, _ in rows[1:]}


def installed(*folders: Path) -> dict[Pin, str]:
    """The licenses that packages state which are here, in this environment or in these folders."""
    found = distributions(path=list(map(str, folders))) if folders else distributions()
    return {Pin.of(one.metadata["Name"], one.version): stated(one) for one in found}


def main() -> None:
    """Write the file."""
    wanted: dict[Pin, list[str]] = {}
    for lock in LOCKS:
        for pin in pins(lock):
            wanted.setdefault(pin, []).append(lock.name)
    known = {pin: license_ for pin, license_ in (table() | installed()).items() if pin in wanted}
    for pin in sorted(wanted.keys() - known.keys()):
        known[pin] = _fetched(pin)
        sys.stdout.write(f"{pin.name} {pin.version}: {known[pin]}\n")
    FILE.write_text("".join(f"{line}\n" for line in _lines(wanted, known)))


def _fetched(pin: Pin) -> str:
    """The license of a package that is not here, from the first wheel that there is for any platform."""
    for platform in _PLATFORMS:
        for python in _PYTHONS:
            with tempfile.TemporaryDirectory() as folder:
                command = [
                    "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", folder,
                    "--python-platform", platform, "--python-version", python, f"{pin.name}=={pin.version}",
                ]  # fmt: skip
                if (
                    subprocess.run([sys.executable, *command], capture_output=True, check=False).returncode
                    == 0
                ):
                    return installed(Path(folder))[pin]
    raise SystemExit(f"No wheel of {pin.name} {pin.version} can be had.")


def _lines(wanted: dict[Pin, list[str]], known: dict[Pin, str]) -> Iterator[str]:
    yield "# Licenses of all locked packages"
    yield ""
    yield "Written by `make licenses` from the packages' own metadata. This project is under Apache-2.0; tests/supply_chain"
    yield "lists what is accepted beside it."
    yield ""
    yield "| package | version | license | locks |"
    yield "|---|---|---|---|"
    for pin in sorted(wanted):
        yield f"| {pin.name} | {pin.version} | {known[pin]} | {', '.join(wanted[pin])} |"


def _identifiers(expression: str) -> set[str]:
    return set(_IDENTIFIER.findall(expression)) - {"AND", "OR"}


if __name__ == "__main__":
    main()
