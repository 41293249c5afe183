"""What a result is a result of: the code that decides it, the packages and the machine."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from tests.forks import ROOT

_THAT_MATTERS = (
    "flows", "tasks", "sandbox", "protos", "tests/chaos", "tests/forks.py", "tests/polling.py", "tests/flows/preloaded.py",
    "tests/flows/client_settings.py", "requirements.lock", "locks/sparse-model.lock",
)  # fmt: skip
_FOREIGN = {
    "vertex": ("elastic", "models", "model_server", "sparse", "vertex_collections", "databricks", "answers"),
    "databricks": ("elastic", "models", "model_server", "sparse", "vertex_collections", "answers", "storage"),
    "answers-on-elastic": ("vertex", "storage", "google_cloud", "protos", "databricks"),
    "answers-on-databricks": ("elastic", "sparse", "vertex_collections", "storage"),
    "answers-on-vertex": ("elastic", "sparse", "vertex_collections", "databricks"),
    "vertex-collections": ("elastic", "models", "model_server", "sparse", "databricks", "answers"),
    "elastic": ("vertex", "storage", "google_cloud", "protos", "databricks", "answers"),
}
"""How folders and files begin that only the cases of other engines run."""
_OF_ONE = {
    "crash sweep": ("campaigns/crash_sweep.py",),
    "random kills": ("campaigns/random_kills.py",),
    "worker kills": ("campaigns/worker_kills.py", "prefect_worker.py"),
    "fault sweep": ("campaigns/fault_sweep.py",),
    "bad networks": ("campaigns/bad_networks.py", "campaigns/proxy.py"),
    "state machines": (
        "campaigns/state_machines.py",
        "campaigns/machine.py",
        "campaigns/elastic_machine.py",
        "campaigns/vertex_machine.py",
    ),
}
"""Files of tests/chaos that only the cases of one campaign run."""
_OF_NONE = ("__main__.py", "report.py", "results.py", "test_results.py", "versions.py")
"""Those that write down what the others have decided."""
_DOCUMENTS = {".md", ".gz", ".txt"}
_VERSIONS = ("prefect", "google-cloud-aiplatform", "google-cloud-storage", "grpcio", "elasticsearch")


def code(engine: str, campaign: str, root: Path = ROOT) -> str:
    """A hash of every file that decides how a case of this engine and campaign ends, as it is on disk.

    Another document or report leaves it as it was, and so does what only the cases of other engines or campaigns run.
    """
    others = [*_OF_NONE, *(file for one, own in _OF_ONE.items() if one != campaign for file in own)]
    left_out = {f"tests/chaos/{file}" for file in others}
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", *_THAT_MATTERS)
    digest = hashlib.sha256()
    for name in sorted(filter(None, listed.split("\0"))):
        file = root / name
        is_foreign = name in left_out or any(part.startswith(_FOREIGN[engine]) for part in name.split("/"))
        if file.suffix not in _DOCUMENTS and not is_foreign and file.is_file():
            digest.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:12]


def commit(root: Path = ROOT) -> str:
    """The commit that is checked out, for people: `code` is what decides."""
    return _git(root, "rev-parse", "--short=12", "HEAD").strip()


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide how a call fails."""
    return {"Python": sys.version.split()[0], **{name: version(name) for name in _VERSIONS}}


def machine() -> str:
    """The machine, in a few words."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, {gigabytes:.0f} GB"


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
