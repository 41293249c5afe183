"""Every command of ours that an error, a remedy, a help text or a document names can be pasted: our own parsers take it."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from flows.command_line.tree import parse
from sandbox.__main__ import app as sandbox
from tasks.program import PROGRAM, command, on_target

ROOT = Path(__file__).parents[2]
SANDBOX = "python -m sandbox"
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
WORD = "some"
"""In place of what is only known at run time."""
CHOSEN = {"engine": "elastic"}
"""The same for options that take only some words."""
SOURCES = [
    (file.relative_to(ROOT), ast.parse(file.read_text()))
    for room in ("flows", "tasks")
    for file in sorted((ROOT / room).rglob("*.py"))
]


def text_of(node):
    """The text of a string as it is shown, a word in place of what it inserts."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(text_of(part) for part in parts)
        case ast.FormattedValue(value=ast.Name(id="PROGRAM")):
            return PROGRAM
        case _:
            return WORD


def in_strings():
    """Commands between backticks, and those of the docstrings' examples."""
    for file, tree in SOURCES:
        parts = {id(p) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for p in node.values}
        for node in ast.walk(tree):
            if isinstance(node, (ast.Constant, ast.JoinedStr)) and id(node) not in parts:
                text = text_of(node)
                examples = re.findall(rf"^ +({PROGRAM} .*)$", text, re.MULTILINE)
                for found in [*re.findall(r"`([^`]+)`", text), *examples]:
                    yield f"{file}:{node.lineno}", found


def in_documents():
    """Commands between backticks, and the lines of code blocks."""
    for file in (*DOCUMENTS, *sorted((ROOT / "docs").glob("*.md"))):
        for number, line in enumerate(file.read_text().replace("\\\n", " ").splitlines(), start=1):
            code = [line] if line.startswith((PROGRAM, SANDBOX)) else []
            for found in [*code, *re.findall(r"`([^`]+)`", line)]:
                yield f"{file.name}:{number}", found


def made():
    """The commands that `command` makes, a word in place of what is computed."""
    for file, tree in SOURCES:
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id="command"), args=[ast.Constant(value=str(flow))]):
                    given = {
                        one.arg: getattr(one.value, "value", WORD)
                        if isinstance(one.value, ast.Constant)
                        else CHOSEN.get(one.arg, WORD)
                        for one in node.keywords
                        if one.arg
                    }
                    with on_target("sandbox"):
                        yield f"{file}:{node.lineno}", command(flow, **given)


def commands():
    """What of all these is a command of ours, each once; `COMMAND` and dots stand for any."""
    seen = set()
    for where, text in (*in_strings(), *in_documents(), *made()):
        said = " ".join(text.split())
        found = re.fullmatch(
            rf'(?:eval "\$\()?(?P<program>{PROGRAM}|{SANDBOX}) (?P<rest>[a-z].*?)(?:\)")?', said
        )
        if found and said not in seen:
            seen.add(said)
            yield pytest.param(found["program"], found["rest"], id=f"{where} {said}")


@pytest.mark.parametrize(("program", "rest"), list(commands()))
def test_a_command_that_is_named_can_be_pasted(program, rest):
    words = [
        {"N": "60"}.get(word, word.lower()) if re.fullmatch("[A-Z]+", word) else word
        for word in shlex.split(rest, comments=True)
    ]
    if program == SANDBOX:
        sandbox.parse_args(words, exit_on_error=False, print_error=False)
    else:
        parse(words, debug=False)


def test_commands_are_found_in_remedies_help_and_documents():
    assert len(list(made())) > 20
    strings, documents = dict(in_strings()), dict(in_documents())
    assert any(text == f"{PROGRAM} up" for text in strings.values())
    assert any(text.startswith(f"{PROGRAM} vertex swap ") for text in strings.values()), (
        "a docstring's example"
    )
    assert any(text.startswith(f"{PROGRAM} vertex check ") for text in documents.values())


def test_a_command_names_the_target_of_the_running_flow_and_quotes_what_a_shell_would_split():
    with on_target("google-cloud"):
        named = command("vertex network-ensure", name="a b", private_service_connect=True)
    assert (
        named
        == f"{PROGRAM} vertex network-ensure --name 'a b' --private-service-connect --target google-cloud"
    )
    assert command("vertex check").endswith("--target TARGET")
