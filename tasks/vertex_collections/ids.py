"""Ids of data objects: of 1 to 63 characters, as RFC 1035 has names, so that most ids of people's data are translated.

The translation can be undone, and no two ids become the same:

    products      products            allowed as it is
    17            id-17               with `id-` before it, it is allowed; so is one that begins with a prefix of ours
    SKU_7/b       b32-knfvkxzxf5ra    its UTF-8 bytes in base32, in lower case and without padding

An id that is longer than what its form has room for is refused: 63, 60 and 36 (bytes).
"""

from __future__ import annotations

import base64
import re

from tasks.errors import InvalidInput

MOST = 63
"""Characters of an id (CreateDataObjectRequest.data_object_id)."""
ALLOWED = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
"""Spelled out in the same place."""
PREFIX, CODED = "id-", "b32-"
_MOST_CODED = (MOST - len(CODED)) * 5 // 8
"""Bytes: base32 writes five of them as eight characters."""


class IdTooLong(InvalidInput):
    """An id that no form has room for."""

    def __init__(self, id_: str, *, row: int | None = None, source: str = "") -> None:
        self.id, self.row = id_, row
        where = "" if row is None else f"row {row} of "
        super().__init__(
            "This id is too long for a data object",
            value=id_,
            source=f"{where}{source}" if source else "",
            accepted=f"{MOST} characters if it has only lowercase letters, digits and dashes and begins with a letter, "
            f"{MOST - len(PREFIX)} if it begins with a digit or dash, and {_MOST_CODED} bytes of any other text",
            remedy="Name shorter ids with --ids-from.",
        )


def data_object_id(id_: str, *, row: int | None = None, source: str = "") -> str:
    """The id of the data object that stands for an id of the data.

    Args:
        id_: as the data has it, not empty.
        row: where it stands, for the error.
        source: the file, for the error.

    Raises:
        IdTooLong: it has no room.
    """
    if ALLOWED.fullmatch(id_) and not id_.startswith((PREFIX, CODED)):
        return id_
    if ALLOWED.fullmatch(PREFIX + id_):
        return PREFIX + id_
    raw = id_.encode()
    if len(raw) > _MOST_CODED:
        raise IdTooLong(id_, row=row, source=source)
    return CODED + base64.b32encode(raw).decode().rstrip("=").lower()


def original_id(data_object: str) -> str:
    """The id of the data that a data object stands for; one that is no translation of ours stays as it is."""
    if data_object.startswith(PREFIX):
        return data_object.removeprefix(PREFIX)
    if data_object.startswith(CODED):
        coded = data_object.removeprefix(CODED).upper()
        try:
            return base64.b32decode(coded + "=" * (-len(coded) % 8)).decode()
        except ValueError:
            return data_object
    return data_object
