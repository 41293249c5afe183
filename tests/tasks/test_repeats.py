"""Repeated ids, whatever their number and wherever their hashes meet."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import repeats
from tasks.errors import InvalidInput
from tasks.repeats import HashedIds


def found(ids):
    hashed = HashedIds()
    for id_ in ids:
        hashed.add(id_)
    return {repeat.number: list(repeat.before) for repeat in hashed.repeats()}


@pytest.mark.parametrize(("part", "buffered"), [(2**20, 2**16), (3, 4), (1, 1)])
@given(ids=st.lists(st.text("abc", max_size=2), max_size=30))
def test_every_repeated_id_is_found_with_those_before_it_in_parts_too(part, buffered, ids):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "PART", part)
        patch.setattr(repeats, "_BUFFERED", buffered)
        expected = {
            number: [before for before in range(number) if ids[before] == id_]
            for number, id_ in enumerate(ids)
            if id_ in ids[:number]
        }
        assert found(ids) == expected


def test_a_full_disk_is_one_clear_error(monkeypatch):
    hashed = HashedIds()
    hashed.add("a")

    class Full:
        def seek(self, *_):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hashed, "_file", Full())
    with pytest.raises(InvalidInput, match=r"No space left on device.*TMPDIR"):
        list(hashed.repeats())
