"""Replicas of an index that are asked for without its least number, which is read from what runs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from flows.vertex_collections import build as module
from tasks.errors import InvalidInput


class Begun(Exception):
    """The data is being read."""


@pytest.fixture
def build(monkeypatch):
    """Begins a build with these options, until the index is specified: `build(max_replicas=1)`."""
    validated = SimpleNamespace(
        rows=1, dense_rows=1, sparse_rows=0, dimensions=8, content="c", converted_from="", unused=()
    )

    def begin(*_, **__):
        raise Begun

    def of(**options):
        monkeypatch.setattr(module, "read_data_fields", lambda *_: ())
        monkeypatch.setattr(module, "read_validated", lambda *_: validated)
        monkeypatch.setattr(module, "running", lambda *_: _Run())
        monkeypatch.setattr(module, "build", begin)
        module.build_collection.fn(name="films", data="films.hdf5", target="sandbox", **options)

    return of


class _Run:
    """A run, its report and its steps in one."""

    settings = None

    @property
    def report(self):
        return self

    def step(self, _):
        return self

    def saw(self, _):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def test_a_maximum_alone_is_compared_with_the_replicas_that_run_and_not_with_the_default(build):
    with pytest.raises(Begun):
        build(max_replicas=1)


def test_a_maximum_below_the_minimum_is_refused_at_once(build):
    with pytest.raises(InvalidInput, match="4 or more"):
        build(min_replicas=4, max_replicas=3)
