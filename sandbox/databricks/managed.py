"""Embeddings that the service makes: the texts of an index's rows, and those of its queries, by a model serving endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sandbox.databricks import errors
from sandbox.databricks.calls import Body
from sandbox.databricks.serving import Serving
from sandbox.databricks.store import Store

DIMENSIONS = 384
"""Of the one model."""
AT_ONCE = 32
"""Texts that one look at an index embeds at most, so that a look does not take longer than a call may."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A column whose texts are embedded."""

    column: str
    endpoint: str
    query_endpoint: str
    dimensions: int = DIMENSIONS

    @property
    def vector(self) -> str:
        """What the vectors are called in the store. Answers do not show them."""
        return f"__db_{self.column}_vector"


class EmbeddedTexts:
    """Keeps the vectors of texts.

    Args:
        store: where rows are that have theirs.
        serving: what embeds.
    """

    def __init__(self, store: Store, serving: Serving) -> None:
        self._store, self._serving = store, serving
        self._known: dict[tuple[str, str], list[float]] = {}

    def source(self, given: Any) -> Source | None:
        """The column of a specification, or None where rows have vectors.

        Raises:
            Refusal: it has several, or names no endpoint that embeds.
        """
        if not given:
            return None
        columns = cast("list[Any]", given) if isinstance(given, list) else []
        if len(columns) != 1 or not isinstance(columns[0], dict):
            raise errors.INVALID.refusal(problem="embedding_source_columns must have one column")
        column = cast("Body", columns[0])
        name, endpoint = column.get("name"), column.get("embedding_model_endpoint_name")
        if not isinstance(name, str) or not isinstance(endpoint, str):
            raise errors.INVALID.refusal(
                problem="embedding_source_columns need name and embedding_model_endpoint_name each"
            )
        asks = str(column.get("model_endpoint_name_for_query") or endpoint)
        for each in (endpoint, asks):
            self._serving.check(each)
        return Source(column=name, endpoint=endpoint, query_endpoint=asks)

    def check(self, source: Source, columns: Mapping[str, str]) -> None:
        """See that a column holds texts.

        Raises:
            Refusal: it does not.
        """
        if columns.get(source.column) != "string":
            raise errors.INVALID.refusal(
                problem=f"The embedding source column {source.column} must be a string"
            )

    def is_managed(self, index: Body) -> bool:
        """Whether the service embeds the texts of an index."""
        return self._of(index) is not None

    def own_vectors(self, index: Body) -> dict[str, int]:
        """The vector columns that the rows of an index bring themselves."""
        return {} if self.is_managed(index) else index["vectors"]

    def are_missing(self, index: Body, rows: Sequence[Body]) -> bool:
        """Embed some of the texts that have no vector yet. Returns whether there is something to wait for: others, or a model that starts."""
        source = self._of(index)
        if source is None or self._serving.have_failed:
            return False
        self._remember(index, source)
        missing = list(dict.fromkeys(text for row in rows if (text := row[source.column]) and (source.endpoint, text) not in self._known))  # fmt: skip
        if not missing:
            return False
        if not self._serving.are_ready:
            return True
        part = missing[:AT_ONCE]
        vectors = self._serving.embed(source.endpoint, part, "passage").tolist()
        self._known.update(zip(((source.endpoint, text) for text in part), vectors, strict=True))
        return len(missing) > len(part)

    def with_vectors(self, index: Body, rows: list[Body]) -> list[Body] | None:
        """The rows with their vectors, or None if the model made none; those without a text are left out, since no query finds them."""
        source = self._of(index)
        if source is None:
            return rows
        if self._serving.have_failed:
            return None
        return [
            {**row, source.vector: self._known[source.endpoint, row[source.column]]}
            for row in rows
            if row[source.column]
        ]

    def of_query(self, index: Body, text: str) -> list[float]:
        """The vector of a query's text.

        Raises:
            Refusal: the model does not answer.
        """
        source = self._of(index)
        endpoint = source.query_endpoint if source else ""
        return self._serving.embed(endpoint, [text], "query")[0].tolist()

    def _of(self, index: Body) -> Source | None:
        return self.source(index.get("delta_sync_index_spec", {}).get("embedding_source_columns"))

    def _remember(self, index: Body, source: Source) -> None:
        """What rows of the index were embedded as: a restarted stand-in has forgotten it."""
        if self._known:
            return
        for row in self._store.rows(index["id"]):
            if row.get(source.column) and source.vector in row:
                self._known[source.endpoint, row[source.column]] = row[source.vector]
