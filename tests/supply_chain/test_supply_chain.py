"""What is installed is what the locks name, byte for byte, under licenses that go with ours."""

from __future__ import annotations

import pytest

from tests.supply_chain import licenses
from tests.supply_chain.locks import LOCKS, NPM_LOCKS, Pin, npm_packages, pins

_READ = {"node_modules/querystring": "MIT"}
"""Of packages whose metadata states none: what their license file says."""


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_line_of_a_lock_is_a_version_with_its_hashes(lock):
    found = pins(lock)
    assert found
    assert [pin for pin, hashes in found.items() if not hashes] == []


@pytest.mark.parametrize(
    "line", ["one>=1 --hash=sha256:" + "0" * 64, "--find-links somewhere", "one @ file:///one.whl", "one"]
)
def test_a_lock_holds_nothing_else(tmp_path, line):
    lock = tmp_path / "a.lock"
    lock.write_text(f"{line}\n")
    with pytest.raises(ValueError, match=r"a\.lock has a line that is no pin"):
        pins(lock)


def test_a_pin_without_a_whole_hash_has_none(tmp_path):
    lock = tmp_path / "a.lock"
    lock.write_text(
        "One_two==1.0 ; python_version < '3.12' \\\n    --hash=sha256:12 \\\n    --hash=md5:" + "0" * 32
    )
    assert pins(lock) == {Pin("one-two", "1.0"): 0}


def test_every_locked_package_has_a_license_that_goes_with_ours():
    listed = licenses.table()
    locked = {pin for lock in LOCKS for pin in pins(lock)}
    assert listed.keys() == locked, "out of date: make licenses"
    refused = {pin: one for pin, one in listed.items() if not licenses.is_accepted(one)}
    assert refused == {}


def test_the_list_says_what_the_installed_packages_say():
    listed, installed = licenses.table(), licenses.installed()
    both = listed.keys() & installed.keys()
    assert len(both) > 100
    assert {pin: listed[pin] for pin in both} == {pin: installed[pin] for pin in both}


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=lambda lock: lock.parent.name)
def test_every_package_from_npm_is_a_version_with_its_hash_under_a_license_that_goes_with_ours(lock):
    found = npm_packages(lock)
    assert found
    assert [folder for folder, one in found.items() if not one["integrity"].startswith("sha512-")] == []
    assert [folder for folder, one in found.items() if "resolved" in one] == [], "an address"
    stated = {folder: one.get("license", _READ.get(folder, "unknown")) for folder, one in found.items()}
    assert {folder: one for folder, one in stated.items() if not licenses.is_accepted(one)} == {}


@pytest.mark.parametrize(
    ("expression", "accepted"),
    [
        ("(MIT OR GPL-3.0-only)", True),
        ("(GPL-2.0-only OR GPL-3.0-only)", False),
        ("MIT", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("Artistic-1.0-Perl OR GPL-2.0-or-later", True),
        ("GPL-3.0-only", False),
        ("MIT AND AGPL-3.0-only", False),
        ("MIT AND (GPL-3.0-only OR AGPL-3.0-only)", False),
        ("unknown", False),
        ("All rights reserved", False),
    ],
)
def test_a_license_is_accepted_by_all_that_it_demands(expression, accepted):
    assert licenses.is_accepted(expression) is accepted
