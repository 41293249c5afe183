"""Tables of the cat APIs."""

from __future__ import annotations

from sandbox.elastic import errors
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.sizes import FACTORS


def table(request: Request, rows: list[dict[str, str]]) -> Reply:
    """A cat API's reply: plain text, or JSON on request."""
    chosen = request.text("h").split(",") if request.text("h") else None
    for column in reversed(request.text("s").split(",") if request.text("s") else []):
        name, _, order = column.partition(":")
        rows = sorted(
            rows, key=lambda row, name=name: _comparable(row.get(name, "")), reverse=order == "desc"
        )
    rows = [{key: row[key] for key in chosen if key in row} if chosen else row for row in rows]
    if request.text("format") == "json":
        return Reply(rows)
    heads = [dict(zip(rows[0], rows[0], strict=True))] if rows and request.flag("v") else []
    widths = {key: max(len(row[key]) for row in [*heads, *rows]) for key in (rows[0] if rows else {})}
    lines = [" ".join(f"{row[key]:<{widths[key]}}" for key in row) for row in [*heads, *rows]]
    return Reply("".join(f"{line.rstrip()}\n" for line in lines))


def cat_size(request: Request, size: int) -> str:
    """A size in bytes as a cat API shows it: in the unit of `bytes`, without its name; otherwise with it.

    Raises:
        Refusal: the unit is unknown.
    """
    unit = request.text("bytes")
    if not unit:
        return f"{size}b"
    if unit not in FACTORS:
        raise errors.ILLEGAL_ARGUMENT.refusal(problem=f"No matching unit [{unit}]")
    return str(size // FACTORS[unit])


def _comparable(text: str) -> tuple[int, int, str]:
    """Numbers before texts, and as numbers."""
    number = text.removesuffix("b")
    return (0, int(number), "") if number.isdigit() else (1, 0, text)
