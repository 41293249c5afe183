"""How full the disks of the data nodes are, to name the one that stops a load. Nothing is changed."""

from __future__ import annotations

from tasks.calls import ServiceRefused, ServiceUnwell
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.settings import ElasticSettings

HIGH_PERCENT = 90
"""The high watermark by default (`cluster.routing.allocation.disk.watermark.high`): below it a block is lifted."""
_COLUMNS = "node,disk.percent,disk.avail,disk.total"


def full_disks(settings: ElasticSettings) -> str:
    """The disks above the high watermark, or the fullest one: `instance-1 (97% used, 3gb of 100gb free)`.

    Empty where the key may not see them (cluster privilege monitor), or where there is nothing to see, as in a serverless project.
    """
    try:
        with calling("read how full the disks are"):
            rows: list[dict[str, str | None]] = (
                connect(settings).cat.allocation(format="json", h=_COLUMNS).body
            )  # pyright: ignore[reportAssignmentType]
    except (ServiceRefused, ServiceUnwell):  # the disk is full whether or not it can be named
        return ""
    known = ((int(row.get("disk.percent") or 0), row) for row in rows if row.get("disk.percent"))
    disks = sorted(known, key=lambda disk: disk[0])
    above = [disk for disk in disks if disk[0] >= HIGH_PERCENT] or disks[-1:]
    return ", ".join(
        f"{row['node']} ({percent}% used, {row['disk.avail']} of {row['disk.total']} free)"
        for percent, row in reversed(above)
    )
