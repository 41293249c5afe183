"""A flow's options are written once: in its model. Its form, its command and its example say the same."""

from __future__ import annotations

import inspect
import re
import shlex

import pytest

from flows.command_line.tree import parse
from flows.commands import load
from flows.engines import ENGINES
from flows.options import RUN_OPTIONS, RunOptions
from flows.signatures import docstring, options_of, parameters
from tasks.program import PROGRAM
from tasks.settings import SANDBOX

FLOWS = [
    pytest.param(engine, entry, id=engine.command(entry)) for engine in ENGINES for entry in engine.flows
]


@pytest.mark.parametrize(("engine", "entry"), FLOWS)
def test_a_form_is_flat_typed_and_explained(engine, entry):
    flow = load(entry.entrypoint)
    model = options_of(inspect.unwrap(flow.fn))
    form = flow.parameters.properties
    assert flow.name == engine.command(entry)
    assert form.keys() == model.model_fields.keys()
    # A tour of every engine has the sandbox alone, which a form shows as a constant.
    if form["target"].get("const") != SANDBOX:
        services, block = form["target"]["anyOf"]
        assert services["enum"] == list(engine.targets)
        assert all(re.search(block["pattern"], target) for target in block["examples"])
        assert not re.search(block["pattern"], "elsewhere")
    for name, field in model.model_fields.items():
        assert form[name]["description"] == field.description
        assert field.description.endswith(".")
    order = [name for name, _ in sorted(form.items(), key=lambda item: item[1]["position"])]
    assert set(order[: len(flow.parameters.required)]) == set(flow.parameters.required)
    assert not form.keys() & set(RUN_OPTIONS)


@pytest.mark.parametrize(("engine", "entry"), FLOWS)
def test_its_help_has_an_example_that_its_own_command_accepts(engine, entry):
    example = inspect.getdoc(load(entry.entrypoint).fn).partition("Example:\n")[2].strip()
    assert example.startswith(f"{PROGRAM} {engine.command(entry)} ")
    parse(shlex.split(example)[1:], debug=False)


def test_arguments_are_put_before_the_example():
    said = docstring("Do it.\n\nExample:\n    do it", RunOptions)
    assert re.fullmatch(r"Do it\.\n\nArgs:\n(    \w+: .+\n){4}\nExample:\n    do it", said), said


def test_required_options_come_first_and_those_that_many_flows_share_last():
    build = options_of(inspect.unwrap(load("flows.vertex.build:build_index").fn))
    names = [one.name for one in parameters(build)]
    assert names[:3] == ["name", "target", "data"]
    assert names[-3:] == ["yes", "timeout_minutes", "when_interrupted"]
