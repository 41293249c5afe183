"""The lock serves every Python that we support, wherever one is found on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installation.environments import publish_newer_releases, set_up

pytestmark = [pytest.mark.compat, pytest.mark.timeout(1800)]

OTHERS = sorted({"3.11", "3.12", "3.13"} - {"{}.{}".format(*sys.version_info)})
IMPORT_EVERYTHING = """
import importlib, pkgutil
for package in ("flows", "tasks", "protos", "sandbox"):
    for module in pkgutil.walk_packages([importlib.import_module(package).__path__[0]], package + "."):
        importlib.import_module(module.name)
        print(module.name)
"""


def interpreter(version):
    """The path of a Python of that version; None if this machine has none."""
    installed = Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")
    for candidate in filter(None, [shutil.which(f"python{version}"), *installed]):
        # pyenv puts a command on the PATH also for versions that it will not run.
        tried = subprocess.run([candidate, "-c", "import ensurepip"], capture_output=True, check=False)
        if tried.returncode == 0:
            return str(candidate)
    return None


@pytest.fixture(params=OTHERS)
def environment(request, tmp_path):
    """What `make setup` makes of another Python."""
    python = interpreter(request.param)
    if not python:
        pytest.skip(f"there is no Python {request.param} on the PATH or in ~/.pyenv/versions")
    publish_newer_releases(tmp_path)
    links = " ".join(filter(None, [str(tmp_path), os.environ.get("PIP_FIND_LINKS")]))
    return set_up(tmp_path / "venv", {"PIP_FIND_LINKS": links}, python=python)


def test_everything_is_installed_and_imported(environment):
    assert "No broken requirements found." in environment.run("pip", "check")
    assert "vertex" in environment.run("vector-search", "--help")
    assert "flows.command_line.main" in environment.run("python", "-c", IMPORT_EVERYTHING).split()
