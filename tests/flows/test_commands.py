"""Commands as they are written beside their flows: what is read is what the flow says, and no type gets lost on the way."""

from __future__ import annotations

import inspect
import re
from typing import Literal

import pytest

from flows import commands
from flows.command_line.help_text import as_typed
from flows.command_line.tree import groups, parse
from flows.commands import Command, command_of, loaded
from flows.engine import Engine, Entry
from flows.engines import ENGINES
from tasks.elastic.specs import AdaptiveAllocations

FLOWS = [
    pytest.param(engine, entry, id=engine.command(entry)) for engine in ENGINES for entry in engine.commands
]


@pytest.mark.parametrize(("engine", "entry"), FLOWS)
def test_what_is_read_is_what_the_flow_says(engine, entry):
    assert command_of(engine, entry) == loaded(entry)


def of_types(tmp_path, monkeypatch, *annotations):
    """What is read of a flow with an option of each type."""
    options = [
        inspect.Parameter(f"option_{number}", inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
        for number, annotation in enumerate(annotations)
    ]
    monkeypatch.setattr(commands, "_FLOWS", tmp_path)
    monkeypatch.setattr(commands, "loaded", lambda _: Command("Do it.", tuple(options)))
    entry = Entry("do", "nowhere:nothing", "Do it.")
    engine = Engine[None](
        name="it", title="It", targets=("sandbox",), target_variable="IT_TARGET", read_settings=lambda _: None,
        settings_prefix="IT_", flows=(entry,),
    )  # fmt: skip
    (tmp_path / "it").mkdir()
    commands.file_of(engine).write_text(commands.written(engine))
    return [one.annotation for one in command_of(engine, entry).options]


def test_every_type_of_an_option_is_read_as_it_was_written(tmp_path, monkeypatch):
    types = [
        str, int, float, bool, str | None, Literal["a", "b"], Literal[1, 2] | None, tuple[float, ...],
        tuple[Literal["a"], ...] | None, AdaptiveAllocations | None,
    ]  # fmt: skip
    assert of_types(tmp_path, monkeypatch, *types) == types


@pytest.mark.parametrize("annotation", [dict[str, int], str | int, tuple[str, int], list[str]], ids=str)
def test_a_type_that_the_file_cannot_hold_is_refused_by_name(annotation, tmp_path, monkeypatch):
    with pytest.raises(TypeError, match="No option of a command can be of type"):
        of_types(tmp_path, monkeypatch, annotation)


@pytest.mark.parametrize(
    "words", [f"{engine.name} {entry.name}" for engine in ENGINES for entry in engine.commands]
)
def test_help_says_no_default_that_is_nothing(words, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    parse([*words.split(), "--help"], debug=False)()
    told = capsys.readouterr().out
    assert "--target" in told
    assert not re.search(r"default: *(\(\)|\[\]|None)?\]", told)
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize(("engine", "entry"), FLOWS)
def test_help_breaks_no_option_and_no_word_in_eighty_columns(engine, entry, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    parse([engine.name, entry.name, "--help"], debug=False)()
    told = capsys.readouterr().out
    asked = command_of(engine, entry)
    said = dict(re.findall(r"^    (\w+): (.+)$", asked.docstring, re.MULTILINE))
    for option in asked.options:
        assert re.search(
            rf"^  ([A-Z]+, )?--{option.name.strip('_').replace('_', '-')}([ .][^ ].*)?$", told, re.MULTILINE
        ), option
        if f"  --{option.name.replace('_', '-')}." in told:  # of a model: its fields have texts of their own
            continue
        plain = as_typed(said[option.name], (each.name for each in asked.options)).replace("`", "")
        assert not set(plain.split()) - set(told.split()), option


def test_help_shows_options_in_groups(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    parse(["vertex", "build", "--help"], debug=False)()
    told = capsys.readouterr().out
    assert told.startswith("Usage: vector-search vertex build")
    assert re.findall(r"^[A-Z]\w+(?= *$)", told, re.MULTILINE) == [
        "Options",
        "Data",
        "Index",
        "Serving",
        "Run",
        "Output",
    ]


@pytest.mark.parametrize("command", [command for rows in groups().values() for command, _ in rows])
def test_the_help_of_every_command_ends_with_an_example_of_it(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    parse([*command.split(), "--help"], debug=False)()
    last = capsys.readouterr().out.rstrip().splitlines()[-1]
    assert re.match(rf'Example: (eval "\$\()?vector-search {command}\b', last), last
