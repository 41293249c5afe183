"""What stands on a target, of every engine that has it: what bears our mark, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flows import engines
from flows.engine import Engine, lazily
from flows.targets import block_of
from tasks.built import Built, Stranger
from tasks.errors import InvalidInput, PermanentError, TransientError

T = TypeVar("T")
Errors = dict[str, PermanentError | TransientError]
"""Why an engine could not be asked, by its name."""

TARGETS = tuple(
    dict.fromkeys(target for engine in engines.ENGINES if engine.built for target in engine.targets)
)


def look(target: str) -> tuple[list[tuple[Engine[Any], Built]], Errors]:
    """What bears our mark on a target, and why an engine could not be asked.

    Raises:
        InvalidInput: no engine has such a target.
        PermanentError, TransientError: none could be asked.
    """
    return _asked(target, lambda engine: engine.built)


def strangers(target: str) -> tuple[list[tuple[Engine[Any], Stranger]], Errors]:
    """What of the same kinds does not bear our mark.

    Raises:
        InvalidInput, PermanentError, TransientError: as `look`.
    """
    return _asked(target, lambda engine: engine.strangers)


def _has_target(engine: Engine[Any], target: str) -> bool:
    """Whether an engine can work there. Blocks of several services may have the same name."""
    name = block_of(target)
    if name is None or engine.block is None:
        return target in engine.targets
    return name in lazily("flows.blocks.loading:names_of")(engine.block)


def _asked(
    target: str, question: Callable[[Engine[Any]], Callable[[Any], list[T]] | None]
) -> tuple[list[tuple[Engine[Any], T]], Errors]:
    asked = [
        (one, ask)
        for one in engines.ENGINES
        if (ask := question(one)) is not None and _has_target(one, target)
    ]
    if not asked:
        accepted = f"{', '.join(TARGETS)}, or block:NAME"
        raise InvalidInput("There is no such target", value=target, source="--target", accepted=accepted)
    found, errors = list[tuple[Engine[Any], T]](), Errors()
    for engine, ask in asked:
        try:
            found += [(engine, one) for one in ask(engine.settings(target))]
        except (PermanentError, TransientError) as error:
            errors[engine.name] = error
    if len(errors) == len(asked):
        raise next(iter(errors.values()))
    return found, errors
