"""Delta Sync indexes: built from a source table, synced with it, and what a failed pipeline is told as."""

from __future__ import annotations

import pytest

from tests.flows.vertex.conftest import write_vectors
from tests.polling import until

pytestmark = pytest.mark.slow
COLUMNS = ("--data-columns", "genre", "year", "--index-type", "DELTA_SYNC")
SYNC = "vector_search_indexes.sync_index"


@pytest.fixture
def sql(service, name):
    """Runs a statement on the source table of the test's name, which it calls `{table}`."""

    def run(statement):
        table = f"{service.full_name(name)}_source"
        answer = service.clients.statements.execute_statement(
            statement.format(table=table), service.settings.warehouse_id
        )
        assert answer.status.error is None, answer.status.error
        return answer.result.data_array

    return run


@pytest.mark.core
def test_a_build_fills_a_table_and_an_index_of_it_and_a_second_one_changes_nothing(service, build, sql, name):
    told = build(service, *COLUMNS).err
    assert (
        "Done: created the endpoint, created the source table, loaded 300 rows into it and created the index."
        in told
    )
    assert sql("SELECT genre, year FROM {table} WHERE id = '4'") == [["Crime", "1904"]]
    assert len(service.rows(name)) == 300
    assert "recall@10 1.000" in told
    assert service.tags(name)["content"]
    writes = service.writes
    assert "Nothing to do" in build(service, *COLUMNS).err
    assert service.writes == writes


def test_a_sync_brings_what_the_table_has_and_compares_the_numbers(service, build, command, found, sql, name):
    build(service, *COLUMNS)
    sql("DELETE FROM {table} WHERE year >= 2000")
    before = len(service.writes)
    command(service, "sync")
    assert found("sync") == {"rows": 100, "state": "ONLINE_NO_PENDING_UPDATE"}
    assert service.made_since(before) == ["sync_index"]
    assert len(service.rows(name)) == 100
    error = command(service, "remove-datapoints", "--ids", 7, code=2).error
    assert "The rows of a Delta Sync index come from its source table" in error
    direct = f"{name}-direct"
    build(service, name=direct)
    assert "has no source table" in command(service, "sync", code=2, name=direct).error


def test_columns_that_a_later_build_names_in_another_order_keep_their_values(
    service, build, sql, name, tmp_path
):
    def data(seed):
        return write_vectors(
            tmp_path / f"{seed}.hdf5", rows=20, seed=seed,
            genre=[f"genre {row}" for row in range(20)], title=[f"title {row}" for row in range(20)],
        )  # fmt: skip

    synced = ("--index-type", "DELTA_SYNC", "--data-columns")
    build(service, *synced, "genre", "title", data=data(1))
    build(service, *synced, "title", "genre", "--yes", data=data(2))
    assert sql("SELECT genre, title FROM {table} WHERE id = '4'") == [["genre 4", "title 4"]]
    assert (row := service.rows(name)["4"])["genre"] == "genre 4"
    assert row["title"] == "title 4"


def test_a_pipeline_that_fails_is_a_failure_although_the_index_is_online(service, build, command, sql, name):
    build(service, *COLUMNS)
    sql("INSERT INTO {table} SELECT * FROM {table} WHERE id = '7'")
    error = command(service, "sync", code=1).error
    assert f"The sync of index '{name}' ended as ONLINE_PIPELINE_FAILED" in error
    assert "still answers queries, with the rows of the last good sync" in error
    sql("DELETE FROM {table} WHERE id = '7'")
    command(service, "sync")
    assert len(service.rows(name)) == 299


def test_other_data_go_through_the_table_and_a_teardown_removes_it(service, build, command, name, other_data):
    build(service, "--index-type", "DELTA_SYNC")
    assert (
        "Not confirmed: replace all rows of the index."
        in build(service, "--index-type", "DELTA_SYNC", data=other_data, code=2).error
    )
    build(service, "--index-type", "DELTA_SYNC", "--yes", data=other_data)
    assert service.rows(name).keys() == {str(row) for row in range(250)}
    error = build(service, data=other_data, code=1).error
    assert "index_type='DELTA_SYNC', but 'DIRECT_ACCESS' was requested" in error
    asked = command(service, "teardown", code=2).error
    assert f"source table {service.full_name(name)}_source" in asked
    before = len(service.writes)
    command(service, "teardown", "--yes")
    assert service.made_since(before) == ["delete_index", "delete", "delete_endpoint"]
    assert service.index(name) is None


def test_an_index_whose_creation_failed_is_made_again_by_the_same_command(service, build, name):
    service.fault("vector_search_indexes.create_index", "internal", "end")
    before = len(service.writes)
    error = build(service, *COLUMNS, code=1).error
    assert (
        "ended as OFFLINE_FAILED: The index could not be created. The same command again removes it" in error
    )
    told = build(service, *COLUMNS).err
    assert "holds nothing (The index could not be created.): it is removed and made again" in told
    assert "Done: created the index." in told
    assert len(service.rows(name)) == 300
    made = service.made_since(before)
    assert (made.count("create_endpoint"), made.count("create_index"), made.count("delete_index")) == (
        1,
        2,
        1,
    )
    writes = service.writes
    assert "Nothing to do" in build(service, *COLUMNS).err
    assert service.writes == writes


@pytest.mark.parametrize(
    "method", ["statement_execution.execute_statement", "files.upload", "vector_search_indexes.create_index"]
)
def test_killed_before_the_reply_to_an_accepted_call_the_next_run_ends_alike(
    method, service, build, kill, name
):
    before, struck = len(service.writes), len(service.struck)
    service.fault(method, "stall", "after")
    command = build(service, *COLUMNS, begun=True)
    until(lambda: method in service.struck[struck:] or command.has_ended, "the fault")
    kill(command)
    build(service, *COLUMNS)
    assert len(service.rows(name)) == 300
    made = service.made_since(before)
    assert (made.count("create_endpoint"), made.count("create_index")) == (1, 1), made
    writes = service.writes
    assert "Nothing to do" in build(service, *COLUMNS).err
    assert service.writes == writes
