"""The key of the local stack's Prefect server: made once, readable by its owner alone, refused when it is not."""

from __future__ import annotations

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from flows.stack import key
from flows.stack.key import NoKey


@pytest.fixture
def open_umask():
    """What this process creates is open to everybody, if it does not say otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("open_umask")
def test_a_key_is_made_once_for_its_owner_alone(tmp_path):
    assert key.ensure(tmp_path)
    made = key.read(tmp_path)
    assert not key.ensure(tmp_path), "the one that is there stays"
    assert key.read(tmp_path) == made
    file = key.file(tmp_path)
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_all_that_start_at_the_same_moment_have_the_same_key(tmp_path):
    together = threading.Barrier(8)

    def begin(_):
        together.wait()
        return key.ensure(tmp_path), key.read(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(begin, range(8)))
    assert sorted(made) == [(False, key.read(tmp_path))] * 7 + [(True, key.read(tmp_path))]
    assert [each.name for each in key.file(tmp_path).parent.iterdir()] == [key.file(tmp_path).name]


def test_every_home_folder_has_a_key_of_its_own(tmp_path):
    key.ensure(tmp_path / "one")
    key.ensure(tmp_path / "other")
    assert key.read(tmp_path / "one") != key.read(tmp_path / "other")


def test_a_folder_that_an_earlier_version_left_open_is_closed(tmp_path):
    (tmp_path / "prefect").mkdir(mode=0o755)
    key.ensure(tmp_path)
    assert mode(tmp_path / "prefect") == 0o700


def test_a_missing_key_is_told_with_its_file_and_what_to_do(tmp_path):
    with pytest.raises(NoKey, match=r"does not exist.*`vector-search down`, then `vector-search up`") as told:
        key.read(tmp_path)
    assert str(key.file(tmp_path)) in str(told.value)


@pytest.mark.parametrize("others", [0o640, 0o604, 0o660, 0o610, 0o644], ids=oct)
def test_a_key_that_others_may_use_is_refused_and_not_shown(others, tmp_path):
    key.ensure(tmp_path)
    secret = key.read(tmp_path)
    key.file(tmp_path).chmod(others)
    for use in (key.read, key.ensure):
        with pytest.raises(NoKey, match=f"its mode is {others:04o}; 0600 is accepted") as told:
            use(tmp_path)
        assert secret not in str(told.value)


@pytest.mark.parametrize(
    "content", ["", "\n", "admin:", "admin:short", "admin:" + "é" * 43, "x" * 49, "admin:" + "a" * 44]
)
def test_a_file_that_holds_no_key_is_refused_and_its_content_not_shown(content, tmp_path):
    key.ensure(tmp_path)
    key.file(tmp_path).write_text(content)
    with pytest.raises(NoKey, match="holds something else") as told:
        key.read(tmp_path)
    assert not content.strip() or content not in str(told.value)


def test_a_key_that_cannot_be_read_is_told_without_a_trace(tmp_path):
    key.ensure(tmp_path)
    key.file(tmp_path).unlink()
    key.file(tmp_path).mkdir()
    with pytest.raises(NoKey, match="cannot be read"):
        key.read(tmp_path)
