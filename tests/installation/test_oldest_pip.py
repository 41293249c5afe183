"""`make setup` with the pip of Python 3.11, while newer releases exist. CI sets itself up with that pip each time."""

from __future__ import annotations

import pytest

from tests.installation.environments import ROOT, assert_is_as_pinned, set_up

pytestmark = [pytest.mark.compat, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def oldest(index, tmp_path_factory):
    """What `make setup` makes with it."""
    return set_up(tmp_path_factory.mktemp("oldest") / "venv", index, pip_lock="locks/oldest-pip.lock")


def test_the_newer_release_breaks_what_resolves_the_lock(oldest):
    resolve = ["--quiet", "--dry-run", "--ignore-installed", "--require-hashes", "-r"]
    assert "google-auth[pyopenssl]" in oldest.run(
        "pip", "install", *resolve, ROOT / "requirements.lock", code=1
    )


def test_set_up_installs_what_the_lock_pins(oldest):
    assert_is_as_pinned(oldest, "locks/oldest-pip.lock")
