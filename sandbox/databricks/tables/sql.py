"""Queries over Arrow tables by DuckDB, which sees these tables and nothing else: no file, no extension, no variable of this process.

Its configuration is locked before the first word of a statement is read. DuckDB is loaded by the first statement: most sandboxes never
run one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Arrow: TypeAlias = Any
"""A table of pyarrow, which ships no types."""

_LOCKED = (
    "SET threads = 1",
    "SET memory_limit = '1GB'",
    "SET temp_directory = ''",
    "SET python_enable_replacements = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


class SqlFailed(Exception):
    """A statement cannot be run. Its message is DuckDB's."""


def run(statement: str, tables: Mapping[str, Arrow]) -> Arrow:
    """The result of one query.

    Args:
        statement: in DuckDB's SQL.
        tables: what it may name.

    Raises:
        SqlFailed: it is wrong, or wants more than these tables.
    """
    import duckdb  # noqa: PLC0415

    with duckdb.connect(":memory:") as connection:
        for setting in _LOCKED:
            connection.execute(setting)
        for name, table in tables.items():
            connection.register(name, table)
        try:
            found: Any = connection.execute(statement)
            return found.to_arrow_table()
        except duckdb.Error as error:
            raise SqlFailed(str(error)) from error
