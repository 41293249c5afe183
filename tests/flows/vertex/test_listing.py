"""`list`: what stands on a target, asked of the service itself."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def test_a_built_index_is_listed_with_what_it_holds_serves_and_costs(listed, service, build, name):
    build(service, "--machine-type", "e2-standard-2", "--shard-size", "SHARD_SIZE_SMALL", "--max-replicas", 3)
    (index,) = listed(service, name)
    assert (index["engine"], index["kind"], index["holds"]) == ("vertex", "index", "300 vectors")
    assert index["serves"].endswith(f" on {name}")
    assert index["hourly"] == pytest.approx(0.094)
    assert index["since"].startswith("20")


def test_a_table_says_what_all_of_it_costs(run, service, build, name):
    build(service)
    told = run(service, "list", "--target", "sandbox", code=1).out
    assert f"vertex {name}: index " in told
    assert "About " in told.splitlines()[-1]


def test_a_sweep_through_prefect_removes_what_expired_and_keeps_what_is_named(run, service_with, build, name):
    service = service_with(clock_factor=19_000)  # a sandbox of its own: others are swept too
    build(service)
    build(service, name=f"{name}-kept")
    words = ("sweep", "--target", "sandbox", "--expires", "0h", "--keep", f"{name}-kept", "--apply")
    assert f"for good: vertex {name}." in run(service, *words, code=2).error
    # Engines without a stand-in here could not be asked, which is said and is no success.
    told = run(service, *words, "--yes", code=1)
    assert "elastic was not looked at" in told.err
    assert not service.indexes(name)
    assert len(service.deployed(f"{name}-kept")) == 1


def test_an_unknown_target_is_refused_with_those_that_there_are(run, service):
    error = run(service, "list", "--target", "moon", code=2).error
    assert "There is no such target: 'moon'" in error
    assert "sandbox, google-cloud, elastic, databricks" in error
