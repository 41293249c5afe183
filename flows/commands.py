"""What a command asks for, as plain data: the text and the options of a flow, written beside the flows of its engine.

A flow's options are its model's, but to read them from there loads Prefect and a service's client, which takes seconds.
`make deployments` writes them into `commands.json`, from which help is printed and wrong options are refused at once; a test
fails when a file is out of date. A flow that is in no file is loaded. A program, which Prefect does not
run, is written as the flows are.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from flows.engine import Engine, Entry
from tasks.settings import check_env_file

_FLOWS = Path(__file__).parent
_PLAIN = {each.__name__: each for each in (str, int, float, bool)}


class Command(NamedTuple):
    """What a command asks for."""

    docstring: str
    """Google style: its `Args` explain the options, its example shows them."""
    options: tuple[inspect.Parameter, ...]
    """Keyword-only, in the order of the form; types without the constraints that only the flow checks."""


def load(entrypoint: str) -> Any:
    """Import the flow of an entrypoint, `package.module:name`."""
    # No ephemeral server: it needs 10 to 20 s to start, hangs on Ctrl-C and leaves orphaned processes.
    os.environ["PREFECT_SERVER_EPHEMERAL_ENABLED"] = "false"
    # Prefect reports first uses to its vendor from interactive terminals; operations tools do not call home.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    # gRPC's core writes to the terminal by itself, even about connections that end well; errors reach us as exceptions.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # A run that belongs to a deployment and is silent for three of the workers' heartbeats is taken for dead. This is Prefect's minimum.
    os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "30")
    check_env_file()  # Prefect reads it too, when it is imported
    module, _, name = entrypoint.partition(":")
    return getattr(import_module(module), name)


def command_of(engine: Engine[Any], entry: Entry) -> Command:
    """What the command of a flow asks for: as written, otherwise from the flow itself."""
    written = _read(file_of(engine)).get(entry.name)
    return loaded(entry) if written is None else _decoded(written)


def loaded(entry: Entry) -> Command:
    """What the command of a flow asks for, from the flow itself."""
    found = load(entry.entrypoint)
    function = getattr(found, "fn", found)  # a program is the function itself
    hints = get_type_hints(function)
    options = inspect.signature(function).parameters.values()
    return Command(
        inspect.getdoc(function) or "",
        tuple(
            one.replace(annotation=hints[one.name], kind=inspect.Parameter.KEYWORD_ONLY) for one in options
        ),
    )


def option_names(engines: Iterable[Engine[Any]], words: Sequence[str]) -> frozenset[str]:
    """The names of the options of the written command that a command line names; none if it names no such command."""
    engine = next((one for one in engines if list(words[:1]) == [one.name]), None)
    command = _read(file_of(engine)).get(words[1]) if engine and len(words) > 1 else None
    return frozenset(one["name"] for one in command["options"]) if command else frozenset()


def file_of(engine: Engine[Any]) -> Path:
    """Where the commands of an engine are written."""
    return _FLOWS / engine.folder / "commands.json"


def written(engine: Engine[Any]) -> str:
    """The text of an engine's file: for each command the lines of its docstring, and one line for each option.

    Raises:
        TypeError: an option has a type that the file cannot hold.
    """
    commands = {entry.name: _encoded(loaded(entry)) for entry in engine.commands}
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {text}" for name, text in commands.items()) + "\n}\n"


@cache
def _read(file: Path) -> Mapping[str, Any]:
    return json.loads(file.read_bytes()) if file.exists() else {}


def _encoded(command: Command) -> str:
    docstring = ",\n".join(f"    {json.dumps(line)}" for line in command.docstring.splitlines())
    options = ",\n".join(
        f"    {json.dumps({'name': one.name, **_type(one.annotation), **_default(one)})}"
        for one in command.options
    )
    return f'{{\n  "docstring": [\n{docstring}\n  ],\n  "options": [\n{options}\n  ]\n}}'


def _decoded(written: Mapping[str, Any]) -> Command:
    options = (
        inspect.Parameter(
            one["name"],
            inspect.Parameter.KEYWORD_ONLY,
            default=_value(one["default"]) if "default" in one else inspect.Parameter.empty,
            annotation=_annotation(one),
        )
        for one in written["options"]
    )
    return Command("\n".join(written["docstring"]), tuple(options))


def _default(option: inspect.Parameter) -> dict[str, Any]:
    return {} if option.default is inspect.Parameter.empty else {"default": option.default}


def _value(default: Any) -> Any:
    return tuple(default) if isinstance(default, list) else default  # pyright: ignore[reportUnknownArgumentType]


def _type(annotation: Any) -> dict[str, Any]:
    """A type as the file has it: what one value is, and whether it may be None (`optional`) or several (`many`)."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType) and len(inner) == 2 and inner[1] is NoneType:
        return {**_type(inner[0]), "optional": True}
    if origin is tuple and len(inner) == 2 and inner[1] is ...:
        return {**_type(inner[0]), "many": True}
    if origin is Literal:
        return {"choices": list(inner)}
    if origin is None and isinstance(annotation, type):
        is_plain = _PLAIN.get(annotation.__name__) is annotation
        return {"type": annotation.__name__ if is_plain else f"{annotation.__module__}:{annotation.__name__}"}
    raise TypeError(f"No option of a command can be of type {annotation}: {__name__} says which can")


def _annotation(option: Mapping[str, Any]) -> Any:
    one: Any = Literal[tuple(option["choices"])] if "choices" in option else _named(option["type"])
    if option.get("many"):
        one = tuple[one, ...]
    return one | None if option.get("optional") else one


def _named(name: str) -> Any:
    if name in _PLAIN:
        return _PLAIN[name]
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
