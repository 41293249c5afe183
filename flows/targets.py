"""Where a flow works, in one word: a target of its engine, or `block:NAME`, the settings of a real service that Prefect keeps."""

from __future__ import annotations

import re
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from tasks.errors import InvalidInput

_BLOCK = "block:"
_NAME = "[a-z0-9-]+"
"""Of a block, as Prefect accepts it (`BlockDocumentName` in prefect/types/names.py)."""


def of_block(name: str) -> str:
    """The target that a block is: `block:production`."""
    return f"{_BLOCK}{name}"


def block_of(target: str) -> str | None:
    """The name of the block that a target is; None for any other target."""
    return target.removeprefix(_BLOCK) if target.startswith(_BLOCK) else None


def check_block(name: str, *, source: str) -> None:
    """Refuse a name that no block can have.

    Raises:
        InvalidInput: with what is accepted.
    """
    if not re.fullmatch(_NAME, name):
        raise InvalidInput(
            "A block cannot have this name", value=name, source=source,
            accepted="lower-case letters, digits and dashes",
        )  # fmt: skip


class Target:
    """Marks an option as a target: one of these names, or a block. Forms have a choice of the two, commands check it in words.

    Args:
        names: of the engine's targets.
    """

    def __init__(self, *names: str) -> None:
        self.names = names

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the word."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """A form has a list of the names, and beside it a field for a block, whose names nobody knows in advance.

        The list is first: Prefect's older UI shows every text in the first entry of its type.
        """
        plain = handler(schema)
        kind = plain.pop("type")
        services = {"title": "service", "type": kind, "enum": list(self.names)}
        block = {
            "title": "block",
            "type": kind,
            "pattern": f"^{_BLOCK}{_NAME}$",
            "examples": [of_block("production")],
        }
        return {**plain, "anyOf": [services, block]}

    def check(self, target: str) -> str:
        """The target, if it is one.

        Raises:
            ValueError: it is none.
        """
        name = block_of(target)
        if target not in self.names if name is None else not re.fullmatch(_NAME, name):
            raise ValueError(
                f"A target is {', '.join(self.names)} or {_BLOCK}NAME, whose name has lower-case letters, digits and dashes"
            )
        return target
