"""`make setup` with the newest pip, and the wheel, in an environment of its own, while newer releases of pinned packages exist."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from tests.installation.environments import ROOT, assert_is_as_pinned, set_up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def newest(index, tmp_path_factory):
    """What `make setup` makes with the newest pip that we know."""
    return set_up(tmp_path_factory.mktemp("newest") / "venv", index, pip_lock="locks/newest-pip.lock")


@pytest.fixture(scope="module")
def wheel(newest, tmp_path_factory):
    """The wheel, built by the pinned hatchling."""
    folder = tmp_path_factory.mktemp("dist")
    newest.run("pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", folder, ROOT)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(newest, wheel):
    """The same environment with the wheel in place of the checkout."""
    newest.run("pip", "install", "--quiet", "--no-deps", "--no-index", "--force-reinstall", wheel)
    return newest


def test_the_newer_hatchling_breaks_what_builds_in_isolation(newest, tmp_path):
    assert "a broken release of hatchling" in newest.run(
        "pip", "wheel", "--no-deps", "-w", tmp_path, ROOT, code=1
    )


def test_set_up_installs_what_the_lock_pins(newest):
    assert_is_as_pinned(newest, "locks/newest-pip.lock")


def test_the_wheel_holds_every_file_of_its_packages(wheel):
    packages = [ROOT / name for name in ("flows", "tasks", "protos", "sandbox", "deployments")]
    files = {str(file.relative_to(ROOT)) for each in packages for file in each.rglob("*") if file.is_file()}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == {file for file in files if "__pycache__" not in file}


def test_the_wheel_works_in_a_folder_that_has_modules_of_our_names(installed, tmp_path):
    for module in ("tasks", "sandbox", "flows/__init__", "protos/__init__"):
        file = tmp_path / f"{module}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text("raise ImportError('the module of somebody else')")

    def run(*words, **variables):
        return installed.run(*words, folder=tmp_path, **variables)

    package = Path(run("python", "-P", "-c", "import flows; print(flows.__path__[0])").strip())
    assert package.is_relative_to(installed.folder)
    assert "vertex" in run("vector-search", "--help")
    vectors = package.with_name("sandbox") / "data" / "glove-100-sample.hdf5"
    try:
        run("vector-search", "up")
        told = dict(re.findall(r"export (\w+)=(\S+)", run("vector-search", "env")))
        build = ("--name", "words", "--data", vectors, "--target", "sandbox", "--limit", 500, "--yes")
        assert "words" in run("vector-search", "vertex", "build", *build, **told)
        values = ("name=words", f"data={vectors}", "limit=500", "yes=true")
        parameters = [word for value in values for word in ("--param", value)]
        run("prefect", "deployment", "run", "vertex build/vertex-build", "--watch", *parameters, **told)
        query = ("--name", "words", "--datapoint-id", "1", "--target", "sandbox")
        assert "words" in run("vector-search", "vertex", "query", *query, **told)
    finally:
        assert "is stopped" in run("vector-search", "down")
