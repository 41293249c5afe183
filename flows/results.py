"""What a query or a search found, as records, and as a table for a terminal of any width."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_GAP = 2
_NARROW = 40
"""Columns that a long text needs at least, to be read as a text."""


def result(id_: str, scores: Mapping[str, float], fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a query found, as a record: a field that is called as the id or a score keeps both."""
    first: dict[str, Any] = {"id": id_, **scores}
    return first | {f"{name} (field)" if name in first else name: value for name, value in fields.items()}


def value_text(value: Any) -> str:
    """A value of a cell: a number with the digits that tell neighbors apart."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else str(value)


@dataclass(frozen=True)
class ResultTable:
    """Records in columns. Where these leave a long text too little room it stands beneath its row; of several, all texts do.

    Args:
        rows: at least one; all have the names of the first. The first value is an id that somebody copies, so it stays whole.
    """

    rows: Sequence[Mapping[str, Any]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render it for the width of a console."""
        widths = {name: self._width(name) for name in self.rows[0]}
        long = [name for number, name in enumerate(widths) if number and widths[name] > _NARROW]
        others = sum(width + _GAP for name, width in widths.items() if name not in long)
        if not long or options.max_width - others >= _NARROW * len(long):
            yield self._table(tuple(widths), self.rows, {})
            return
        if len(long) > 1:
            long = [name for number, name in enumerate(widths) if number and not self._is_number(name)]
        short = {name: width for name, width in widths.items() if name not in long}
        for number, row in enumerate(self.rows):
            yield self._table(tuple(short), [row], short, with_header=number == 0)
            yield Padding(_beneath(row, long), (0, 0, 0, _GAP))

    def _width(self, name: str) -> int:
        return max(Text(text).cell_len for text in (name, *(value_text(row.get(name)) for row in self.rows)))

    def _is_number(self, name: str) -> bool:
        first = self.rows[0][name]
        return isinstance(first, (int, float)) and not isinstance(first, bool)

    def _table(
        self,
        names: Sequence[str],
        rows: Sequence[Mapping[str, Any]],
        widths: Mapping[str, int],
        *,
        with_header: bool = True,
    ) -> Table:
        table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="bold", show_header=with_header)
        for number, name in enumerate(names):
            table.add_column(
                Text(name), justify="right" if self._is_number(name) else "left", overflow="fold", no_wrap=not number, min_width=widths.get(name, 3),
            )  # fmt: skip
        for row in rows:
            table.add_row(*(Text(value_text(row.get(name))) for name in names))
        return table


def _beneath(row: Mapping[str, Any], names: Sequence[str]) -> Text | Table:
    """The texts that stand beneath a row, with their names if there are several."""
    if len(names) == 1:
        return Text(value_text(row.get(names[0])))
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name in names:
        grid.add_row(Text(name), Text(value_text(row.get(name))))
    return grid
