"""Building, building again, and building with other data: what is there decides what is done."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def query(run, name, data):
    def of(town, data=data, row=0, *more):
        found = run(
            town,
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


def test_a_build_makes_one_of_each_and_a_second_one_changes_nothing(town, build, name):
    first = build(town)
    assert (
        "Did: uploaded the import files, created the index, created the endpoint and deployed the index."
        in first.err
    )
    assert town.counts(name) == (1, 1, 1)
    index = town.indexes(name)[0]
    assert index.index_stats.vectors_count == 300

    writes, generations = town.writes, town.generations(name)
    second = build(town)
    assert "Nothing to do: all of it is there already." in second.err
    assert town.writes == writes
    assert town.generations(name) == generations


def test_other_data_under_the_name_replace_the_contents_once(town, build, name, other_data):
    build(town)
    (index,), before, files = town.indexes(name), len(town.writes), set(town.generations(name))

    changed = build(town, "--yes", data=other_data)
    assert "replaced the contents of the index" in changed.err
    assert town.counts(name) == (1, 1, 1)
    assert town.indexes(name)[0].name == index.name
    assert town.writes[before:] == ["UpdateIndex"] * 3, (
        "mark that it is coming, overwrite, mark what it holds"
    )
    assert not files & set(town.generations(name)), "the old import files are gone"

    writes, generations = town.writes, town.generations(name)
    again = build(town, data=other_data)
    assert "Nothing to do" in again.err
    assert (town.writes, town.generations(name)) == (writes, generations)


def test_what_is_served_is_not_replaced_without_a_yes(town, build, name):
    build(town)
    writes, generations = town.writes, town.generations(name)
    error = build(town, "--limit", 200, code=2).error
    assert "Not confirmed: replace all content of the deployed index." in error
    assert "200 vectors in place of 300" in error
    assert "streamed into it are lost" in error
    assert (town.writes, town.generations(name)) == (writes, generations)
