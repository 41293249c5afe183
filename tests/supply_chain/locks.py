"""The pins of every lock file: what is installed, wherever it is installed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NPM_LOCKS = tuple(sorted((ROOT / "locks").glob("*/package-lock.json")))
LOCKS = (ROOT / "requirements.lock", *sorted((ROOT / "locks").glob("*.lock")))
_PIN = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;\\]+)(?P<rest>.*)", re.DOTALL)
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}(?=\s|$)")


@dataclass(frozen=True, order=True)
class Pin:
    """One version of one package."""

    name: str
    """As the package indexes compare names: lower case, hyphens."""
    version: str

    @classmethod
    def of(cls, name: str, version: str) -> Pin:
        """The pin of a package, however its name is spelled."""
        return cls(re.sub(r"[-_.]+", "-", name).lower(), version)


def npm_packages(lock: Path) -> dict[str, dict[str, Any]]:
    """The packages of a package-lock.json, by the folder that each is installed into."""
    packages = json.loads(lock.read_text())["packages"]
    return {folder: package for folder, package in packages.items() if folder}


def pins(lock: Path) -> dict[Pin, int]:
    """The pins of a lock and how many hashes each has.

    Raises:
        ValueError: a line is no pin: an option, an address, a range of versions.
    """
    found: dict[Pin, int] = {}
    text = re.sub(r"^#.*\n", "", lock.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(str.strip, text.splitlines()):
        pin = _PIN.fullmatch(line)
        if pin is None:
            raise ValueError(f"{lock.name} has a line that is no pin: {line.strip()!r}")
        found[Pin.of(pin["name"], pin["version"])] = len(_HASH.findall(pin["rest"]))
    return found
