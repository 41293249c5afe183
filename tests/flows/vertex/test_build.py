"""Building, building again, and building with other data: what is there decides what is done."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def query(run, name, data):
    def of(service, data=data, row=0, *more):
        found = run(
            service,
            "vertex",
            "query",
            "--name",
            name,
            "--data",
            data,
            "--row",
            row,
            "--target",
            "sandbox",
            *more,
        )
        report = json.loads(found.out.split("report: ")[1].strip().join(["", ""]) or "{}")
        return found, report

    return of


@pytest.mark.core
def test_a_build_makes_one_of_each_and_a_second_one_changes_nothing(service, build, name):
    first = build(service)
    assert (
        "Done: uploaded the import files, created the index, created the endpoint and deployed the index."
        in first.err
    )
    assert service.counts(name) == (1, 1, 1)
    index = service.indexes(name)[0]
    assert index.index_stats.vectors_count == 300

    writes, generations = service.writes, service.generations(name)
    second = build(service)
    assert "Nothing to do: everything is already there." in second.err
    assert service.writes == writes
    assert service.generations(name) == generations


def test_other_data_under_the_name_replace_the_contents_once(service, build, name, other_data):
    build(service)
    (index,), before, files = service.indexes(name), len(service.writes), set(service.generations(name))

    changed = build(service, "--yes", data=other_data)
    assert "replaced the contents of the index" in changed.err
    assert service.counts(name) == (1, 1, 1)
    assert service.indexes(name)[0].name == index.name
    assert service.made_since(before) == ["UpdateIndex"] * 3, (
        "mark that it is coming, overwrite, mark what it holds"
    )
    assert not files & set(service.generations(name)), "the old import files are gone"

    writes, generations = service.writes, service.generations(name)
    again = build(service, data=other_data)
    assert "Nothing to do" in again.err
    assert (service.writes, service.generations(name)) == (writes, generations)


def test_what_is_served_is_not_replaced_without_a_yes(service, build, name):
    build(service)
    writes, generations = service.writes, service.generations(name)
    error = build(service, "--limit", 200, code=2).error
    assert "Not confirmed: replace all content of the deployed index." in error
    assert "200 vectors in place of 300" in error
    assert "streamed into it are lost" in error
    assert (service.writes, service.generations(name)) == (writes, generations)
