"""A disk that is almost full: Elasticsearch forbids writing to every index on it, and answers as if it were throttling.

It looks at its disks every 30 seconds (`cluster.info.update.interval`), and lifts the block by itself once a disk is below the
high watermark: because shards were moved, or something was deleted. So a block is waited for, but not for long: most often
somebody has to free space, and nobody does so who only sees a load that is throttled.
"""

from __future__ import annotations

from tasks.elastic.cluster.disks import full_disks
from tasks.elastic.settings import ElasticSettings
from tasks.errors import PermanentError
from tasks.waiting import Unchanged

GRACE_SECONDS = 60.0
"""Two looks of the cluster at its disks. A reindex task tries a rejected document for as long by itself."""


class DiskFull(PermanentError):
    """The disk of a node is almost full, so that an index takes no documents."""

    def __init__(self, index: str, *, said: str, disks: str, seconds: float = GRACE_SECONDS) -> None:
        self.index, self.said, self.disks, self.seconds = index, said, disks, seconds
        shown = f"The disk of {disks}. " if disks else "`GET _cat/allocation?v` shows the disks. "
        super().__init__(
            f"The index {index!r} has taken no documents for {seconds:.0f} s, because the disk of a node is almost full: {said.rstrip(';')}. "
            f"{shown}Delete what is not needed, or add a node or a larger disk; "
            "Elasticsearch lifts the block by itself when the disk is below its high watermark (90% by default). What was "
            "stored is kept. Then run the same command again."
        )


class DiskBlock:
    """How long an index has taken no documents because of a full disk."""

    def __init__(self, settings: ElasticSettings, index: str) -> None:
        self._settings, self._index, self._unchanged = settings, index, Unchanged()

    def see(self, said: str) -> None:
        """Take note of the block, or with an empty text, that there is none.

        Raises:
            DiskFull: it is there for longer than the cluster needs to lift it.
        """
        seconds = self._unchanged.seconds(bool(said))
        if said and seconds >= GRACE_SECONDS:
            raise DiskFull(self._index, said=said, disks=full_disks(self._settings), seconds=seconds)
