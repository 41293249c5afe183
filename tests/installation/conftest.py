"""An index in which somebody has published newer releases of what we pin."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.installation.environments import ROOT, publish_newer_releases

LOCKS = ("requirements.lock", "locks/sparse-model.lock", "locks/oldest-pip.lock", "locks/newest-pip.lock")


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A folder in place of an index: what the locks name, downloaded once, and newer releases beside it."""
    folder = tmp_path_factory.mktemp("index")
    for lock in LOCKS:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
             "--only-binary", ":all:", "--dest", str(folder), "-r", str(ROOT / lock)],
            check=True, timeout=900,
        )  # fmt: skip
    publish_newer_releases(folder)
    links = " ".join(filter(None, [str(folder), os.environ.get("PIP_FIND_LINKS")]))
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": links, "PIP_NO_COMPILE": "1"}
