"""Writes with and without `?refresh`."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.elastic import errors
from sandbox.elastic.documents.operations import Operation, Outcome
from sandbox.elastic.documents.writing import DocumentWriter
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.wire.exchange import Request


class RefreshingWriter:
    """Writes, then refreshes if the request says so."""

    def __init__(self, writer: DocumentWriter, indices: Indices, refresh: Callable[[Index], object]) -> None:
        self._writer = writer
        self._indices = indices
        self._refresh = refresh

    def refresh(self, index: Index) -> None:
        """Make everything written to an index visible."""
        self._refresh(index)

    def write(self, request: Request, operations: list[Operation]) -> tuple[list[Outcome], bool]:
        """The outcomes, and whether a refresh was forced; `wait_for` does not wait but refreshes at once.

        Raises:
            Refusal: `?refresh` has an unknown value; nothing is written.
        """
        refresh = request.text("refresh", "false")
        if refresh not in ("", "true", "false", "wait_for"):
            raise errors.ILLEGAL_ARGUMENT.refusal(problem=f"Unknown value for refresh: [{refresh}].")
        outcomes = self._writer.write(operations)
        if refresh == "false":
            return outcomes, False
        for name in {outcome.index for outcome in outcomes if outcome.error is None}:
            index = self._indices.get(name)
            if index:
                self._refresh(index)
        return outcomes, refresh != "wait_for"
