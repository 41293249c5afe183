"""Tables, volumes, statements, and Delta Sync indexes that follow them, through the official SDK."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from databricks.sdk.errors import BadRequest, NotFound
from databricks.sdk.service.catalog import VolumeType
from databricks.sdk.service.files import FilesAPI
from databricks.sdk.service.sql import StatementState
from databricks.sdk.service.vectorsearch import (
    DeltaSyncVectorIndexSpecRequest,
    EmbeddingVectorColumn,
    PipelineType,
    VectorIndexType,
)
from pyarrow import parquet

from tests.polling import until

COLUMNS = "id STRING, `year` BIGINT, vector ARRAY<FLOAT>"
FEED = "TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'team' = 'films')"
ROWS = "VALUES ('a', 1990, [1.0, 0.0]), ('b', 1995, [2.0, 0.0])"
_numbers = itertools.count()


@pytest.fixture
def sql(workspace):
    """Runs a statement: its rows, every value as text; or the whole answer with `failing=True`."""

    def run(statement, *, failing=False):
        warehouse = workspace.environment["DATABRICKS_WAREHOUSE_ID"]
        answer = workspace.client.statement_execution.execute_statement(statement, warehouse)
        if failing:
            assert answer.status.state == StatementState.FAILED, answer
            return answer.status.error.message
        assert answer.status.state == StatementState.SUCCEEDED, answer.status
        return answer.result.data_array if answer.result else []

    return run


@pytest.fixture
def table(sql):
    """A new table with two rows and a change data feed."""
    name = f"main.default.table_{next(_numbers)}"
    sql(f"CREATE TABLE IF NOT EXISTS {name} ({COLUMNS}) USING DELTA {FEED}")
    sql(f"INSERT INTO {name} {ROWS}")
    return name


@pytest.fixture
def make_index(workspace):
    """Begins a Delta Sync index of a table."""

    def of(source, *, endpoint="", dimension=2):
        spec = DeltaSyncVectorIndexSpecRequest(
            source_table=source,
            pipeline_type=PipelineType.TRIGGERED,
            embedding_vector_columns=[EmbeddingVectorColumn(embedding_dimension=dimension, name="vector")],
        )
        name = f"main.default.synced_{next(_numbers)}"
        workspace.indexes.create_index(
            name,
            endpoint or workspace.endpoint(),
            "id",
            VectorIndexType.DELTA_SYNC,
            delta_sync_index_spec=spec,
        )
        return name

    return of


@pytest.fixture
def state(workspace):
    """The `detailed_state` of an index; the SDK's class leaves it out."""
    return lambda name: workspace.rest.get(f"/api/2.0/vector-search/indexes/{name}").json()["status"][
        "detailed_state"
    ]


def test_the_server_loads_what_tables_need_with_the_first_one():
    code = "import sys, sandbox.databricks.server; print(*({'deltalake', 'duckdb', 'pyarrow'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "\n"
    )


def test_a_table_is_a_delta_table_with_its_columns_and_properties(workspace, sql, table):
    shown = workspace.client.tables.get(table)
    assert [(column.name, column.type_text) for column in shown.columns] == [
        ("id", "string"), ("year", "bigint"), ("vector", "array<float>"),
    ]  # fmt: skip
    assert shown.properties == {"delta.enableChangeDataFeed": "true", "team": "films"}
    (folder,) = [
        each for each in (workspace.state / "databricks-tables").iterdir() if each.name == shown.table_id
    ]
    assert len(list((folder / "_delta_log").glob("*.json"))) == 2
    sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('content' = 'abc')")
    sql(f"ALTER TABLE {table} UNSET TBLPROPERTIES ('team')")
    assert workspace.client.tables.get(table).properties["content"] == "abc"
    assert "team" not in workspace.client.tables.get(table).properties
    assert sql(f"SELECT count(*), max(`year`) FROM {table}") == [["2", "1995"]]
    sql(f"DELETE FROM {table} WHERE id = 'a'")
    sql(f"INSERT INTO {table} SELECT 'c', 2000, [3.0, 0.0] UNION ALL SELECT id, 1, vector FROM {table}")
    assert sorted(sql(f"SELECT id, year FROM {table}")) == [["b", "1"], ["b", "1995"], ["c", "2000"]]
    sql(f"DROP TABLE {table}")
    with pytest.raises(NotFound):
        workspace.client.tables.get(table)


def test_of_two_statements_at_once_that_replace_the_rows_of_a_table_one_stands(sql, table):
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(sql, [f"INSERT OVERWRITE {table} {ROWS}"] * 8))
    assert sql(f"SELECT count(*) FROM {table}") == [["2"]]


def test_a_file_of_a_volume_is_read_by_a_statement(workspace, sql, table):
    files, volumes = FilesAPI(workspace.client.api_client), workspace.client.volumes
    volumes.create("main", "default", "data", VolumeType.MANAGED)
    path, content = "/Volumes/main/default/data/films/rows 1.parquet", io.BytesIO()
    rows = pa.table(
        {
            "id": ["x", "y"],
            "year": [1, 2],
            "vector": pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32())),
        }
    )
    parquet.write_table(rows, content)
    files.upload(path, io.BytesIO(content.getvalue()))
    assert files.get_metadata(path).content_length == len(content.getvalue())
    assert files.download(path).contents.read() == content.getvalue()
    sql(f"INSERT OVERWRITE {table} SELECT id, year, vector FROM read_files('{path}', format => 'parquet')")
    assert sorted(sql(f"SELECT id FROM {table}")) == [["x"], ["y"]]
    files.delete(path)
    assert "does not exist" in sql(f"SELECT * FROM read_files('{path}', format => 'parquet')", failing=True)
    with pytest.raises(NotFound, match="Volume"):
        files.upload("/Volumes/main/default/absent/a", io.BytesIO(b"x"))
    for elsewhere in ("/etc/passwd", "/Volumes/main/default/../a"):
        with pytest.raises(BadRequest):
            files.upload(elsewhere, io.BytesIO(b"x"))


ESCAPES = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM '{secret}'",
    "SELECT * FROM glob('/*')",
    "WITH a AS (SELECT 1) SELECT * FROM read_parquet('{secret}'), a",
    "SELECT * FROM found",
    "SELECT * FROM sqlite_scan('{state}/databricks.sqlite', 'records')",
    "SELECT * FROM duckdb_secrets(); SELECT 1",
    "SELECT * FROM read_files('{secret}', format => 'parquet')",
]


@pytest.mark.parametrize("statement", ESCAPES)
def test_a_statement_reads_no_file_and_no_variable_of_the_stand_in(workspace, sql, tmp_path, statement):
    secret = tmp_path / "secret.txt"
    secret.write_text("hunter2")
    text = statement.format(secret=secret, state=workspace.state)
    assert "hunter2" not in sql(text, failing=True)


@pytest.mark.parametrize(
    "statement", ["COPY x TO '/tmp/x'", "ATTACH '/tmp/x.db'", "SET a = 1", "INSTALL httpfs", "PRAGMA x"]
)
def test_other_statements_are_refused_by_name(workspace, statement):
    warehouse = workspace.environment["DATABRICKS_WAREHOUSE_ID"]
    with pytest.raises(Exception, match="the statement") as caught:
        workspace.client.statement_execution.execute_statement(statement, warehouse)
    assert caught.value.error_code == "NOT_IMPLEMENTED"


def test_a_statement_that_nobody_waits_for_runs_until_it_is_looked_at(workspace, sql):
    workspace.fault("statement_execution.execute_statement", "stall", "end", seconds=1)
    execution = workspace.client.statement_execution
    begun = execution.execute_statement(
        "SELECT 1", workspace.environment["DATABRICKS_WAREHOUSE_ID"], wait_timeout="0s"
    )
    assert begun.status.state == StatementState.RUNNING
    ended = until(
        lambda: (
            (found := execution.get_statement(begun.statement_id)).status.state != StatementState.RUNNING
            and found
        ),
        "the statement",
    )
    assert ended.result.data_array == [["1"]]
    workspace.fault("statement_execution.execute_statement", "internal", "end")
    assert "failed" in sql("SELECT 1", failing=True)


def test_an_index_takes_the_rows_of_its_table_once_for_each_sync(workspace, sql, table, make_index, state):
    workspace.fault("vector_search_indexes.sync_index", "stall", "end", seconds=0.5)
    name = make_index(table)
    assert state(name).startswith("PROVISIONING_")
    until(
        lambda: (
            state(name) == "PROVISIONING_INITIAL_SNAPSHOT" or workspace.indexes.get_index(name).status.ready
        ),
        "it",
    )
    until(lambda: state(name) == "ONLINE_NO_PENDING_UPDATE", "the first sync")
    assert workspace.found(name, columns=("id", "year")) == [["a", 1990, 1 / 2], ["b", 1995, 1 / 5]]
    sql(f"INSERT INTO {table} VALUES ('c', 2000, [3.0, 0.0])")
    assert len(workspace.found(name)) == 2
    workspace.fault("vector_search_indexes.sync_index", "stall", "end", seconds=0.5)
    workspace.indexes.sync_index(name)
    assert state(name) == "ONLINE_TRIGGERED_UPDATE"
    with pytest.raises(BadRequest, match="Pipeline is in state RUNNING"):
        workspace.indexes.sync_index(name)
    assert len(workspace.found(name)) == 2, "it answers with what it had"
    until(lambda: state(name) == "ONLINE_NO_PENDING_UPDATE", "the sync")
    assert [row[0] for row in workspace.found(name)] == ["a", "b", "c"]
    for refused in (
        lambda: workspace.upsert(name, []),
        lambda: workspace.indexes.delete_data_vector_index(name, ["a"]),
    ):
        with pytest.raises(BadRequest, match="DELTA_SYNC"):
            refused()


def test_a_pipeline_that_fails_leaves_the_rows_of_the_last_good_sync(
    workspace, sql, table, make_index, state
):
    name = make_index(table)
    until(lambda: state(name) == "ONLINE_NO_PENDING_UPDATE", "the first sync")
    sql(f"INSERT INTO {table} VALUES ('a', 2000, [3.0, 0.0])")
    workspace.indexes.sync_index(name)
    until(lambda: state(name) == "ONLINE_PIPELINE_FAILED", "the failure: a key occurs twice")
    assert [row[0] for row in workspace.found(name)] == ["a", "b"]
    sql(f"DELETE FROM {table} WHERE year = 1990")
    workspace.indexes.sync_index(name)
    until(lambda: state(name) == "ONLINE_NO_PENDING_UPDATE", "the sync")
    workspace.fault("vector_search_indexes.sync_index", "internal", "end")
    failed = make_index(table)
    until(lambda: state(failed) == "OFFLINE_FAILED", "a first sync that fails")


def test_a_table_that_no_index_can_follow_is_refused(workspace, sql, make_index):
    endpoint = workspace.endpoint()
    without = f"main.default.table_{next(_numbers)}"
    sql(f"CREATE TABLE {without} ({COLUMNS})")
    with pytest.raises(BadRequest, match="Change Data Feed is not enabled"):
        make_index(without, endpoint=endpoint)
    sql(f"ALTER TABLE {without} SET {FEED}")
    make_index(without, endpoint=endpoint)
    with pytest.raises(NotFound, match="Table"):
        make_index("main.default.absent", endpoint=endpoint)
    name = workspace.index()
    with pytest.raises(BadRequest, match="DIRECT_ACCESS"):
        workspace.indexes.sync_index(name)
