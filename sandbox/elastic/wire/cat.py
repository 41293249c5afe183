"""Tables of the cat APIs."""

from __future__ import annotations

from sandbox.elastic.wire.exchange import Reply, Request


def table(request: Request, rows: list[dict[str, str]]) -> Reply:
    """A cat API's reply: plain text, or JSON on request."""
    chosen = request.text("h").split(",") if request.text("h") else None
    rows = [{key: row[key] for key in chosen if key in row} if chosen else row for row in rows]
    if request.text("format") == "json":
        return Reply(rows)
    heads = [dict(zip(rows[0], rows[0], strict=True))] if rows and request.flag("v") else []
    widths = {key: max(len(row[key]) for row in [*heads, *rows]) for key in (rows[0] if rows else {})}
    lines = [" ".join(f"{row[key]:<{widths[key]}}" for key in row) for row in [*heads, *rows]]
    return Reply("".join(f"{line.rstrip()}\n" for line in lines))
