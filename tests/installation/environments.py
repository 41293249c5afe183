"""Virtual environments set up as a stranger does it, and an index whose newest releases would break them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SECONDS = 900
_FOREIGN = ("PYTHON", "PREFECT_", "VECTOR_SEARCH_", "VERTEX_", "ELASTIC_", "VIRTUAL_ENV", "MAKE", "MFLAGS")


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and the settings with which pip fills it."""

    folder: Path
    python: str
    """The interpreter that it is made from."""
    index: dict[str, str]
    """Environment variables that tell pip where to find packages."""

    def run(self, command, *words, folder=None, code=0, **variables):
        """Run a command of this environment (`pip`, `vector-search`) and return what it prints."""
        return self._run([str(self.folder / "bin" / command), *map(str, words)], folder, code, variables)

    def make(self, *words):
        """Run the project's Makefile with this environment in place of `.venv`."""
        return self._run(["make", *words, f"VENV={self.folder}", f"PYTHON={self.python}"], ROOT, 0, {})

    def _run(self, command, folder, code, variables):
        # The project must come from the environment, and `make` must not take over the settings of an outer `make`.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        ended = subprocess.run(
            command,
            cwd=folder or self.folder,
            env=inherited | self.index | variables,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert ended.returncode == code, f"{' '.join(command)}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout if code == 0 else ended.stderr


def set_up(folder, index, *, python=sys.executable, pip_lock=None):
    """Create an environment and let `make setup` fill it.

    Args:
        folder: where it goes.
        index: the environment variables that tell pip where to find packages.
        python: the interpreter.
        pip_lock: the lock of the pip to start with; default the one that the interpreter brings.
    """
    environment = Environment(folder, python, index)
    if pip_lock:
        subprocess.run([python, "-m", "venv", folder], check=True, timeout=_SECONDS)
        environment.run("python", "-m", "pip", "install", "--require-hashes", "-r", ROOT / pip_lock)
    environment.make("setup")
    return environment


def write_wheel(folder, name, version, *, metadata=(), source=""):
    """Write a wheel that holds one module."""
    package = name.replace("-", "_")
    record = f"{package}-{version}.dist-info"
    files = {
        f"{package}/__init__.py": source,
        f"{record}/METADATA": "\n".join(
            ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata, ""]
        ),
        f"{record}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    listing = "".join(f"{file},,\n" for file in [*files, f"{record}/RECORD"])
    with zipfile.ZipFile(folder / f"{package}-{version}-py3-none-any.whl", "w") as wheel:
        for file, content in (files | {f"{record}/RECORD": listing}).items():
            wheel.writestr(file, content)


def publish_newer_releases(folder):
    """Put into a folder what somebody may publish tomorrow, within the bounds that others and pyproject.toml set."""
    write_wheel(folder, "google-auth", "2.999", metadata=["Provides-Extra: pyopenssl"])
    write_wheel(folder, "hatchling", "1.999", source="raise ImportError('a broken release of hatchling')")


def pinned(lock):
    """The versions in a lock: `pinned("requirements.lock")["google-auth"]`."""
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / lock).read_text(), re.MULTILINE))


def assert_is_as_pinned(environment, pip_lock):
    """See that an environment holds what the lock pins, and that its commands start."""
    assert "No broken requirements found." in environment.run("pip", "check")
    found = dict(re.findall(r"^(\S+)==(\S+)$", environment.run("pip", "freeze", "--all"), re.MULTILINE))
    assert found["pip"] == pinned(pip_lock)["pip"]
    lock = pinned("requirements.lock")
    for name in ("google-auth", "hatchling", "prefect", "ruff"):
        assert found[name] == lock[name]
    assert "vertex" in environment.run("vector-search", "--help")
    assert "vertex" in environment.run("python", "-m", "flows", "--help")
