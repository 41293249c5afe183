"""What the command `blocks` does in Prefect: register the types, save the settings of this shell, list what is there."""

from __future__ import annotations

from typing import Any, NamedTuple

from flows import engines
from flows.blocks import targets
from flows.blocks.loading import names_of
from flows.blocks.targets import Target
from flows.engine import Engine
from flows.targets import check_block, of_block
from tasks.errors import InvalidInput


class Kept(NamedTuple):
    """The blocks of one type."""

    block_type: str
    flows: tuple[str, ...]
    """The engines whose flows take them."""
    targets: tuple[str, ...]
    """The blocks, as targets: `block:production`."""


class Saved(NamedTuple):
    """What became of the settings of one service."""

    block_type: str
    is_saved: bool
    seen: str


def register() -> None:
    """Register every type, or bring it up to date."""
    for kind in targets.TARGETS:
        kind.register_type_and_schema()


def kept() -> list[Kept]:
    """What is there, for each type."""
    return [
        Kept(
            kind.get_block_type_name(),
            tuple(engine.name for engine in engines.ENGINES if engine.block == kind.__name__),
            tuple(map(of_block, names_of(kind.__name__))),
        )
        for kind in targets.TARGETS
    ]


def save_environment(name: str) -> list[Saved]:
    """Save the settings in the environment and `.env` as blocks of a name, one for each service whose settings are complete.

    Raises:
        InvalidInput: the name cannot be a block's, or no service's settings are complete; it says what is missing.
    """
    check_block(name, source="--save")
    engine_of = {engine.block: engine for engine in reversed(engines.ENGINES)}
    saved = [_saved(kind, engine_of[kind.__name__], name) for kind in targets.TARGETS]
    if not any(one.is_saved for one in saved):
        why = " ".join(f"{one.block_type}: {one.seen}" for one in saved)
        raise InvalidInput("Nothing was saved, because no service's settings are complete", remedy=why)
    return saved


def _saved(kind: type[Target], engine: Engine[Any], name: str) -> Saved:
    block_type = kind.get_block_type_name()
    try:
        settings = engine.read_settings(engine.real_target)
    except InvalidInput as error:
        return Saved(block_type, is_saved=False, seen=f"not saved. {error.what}.")
    held = {field: getattr(settings, field) for field in kind.model_fields}
    kind(**held).save(name, overwrite=True)
    return Saved(block_type, is_saved=True, seen=f"saved as {of_block(name)}")
