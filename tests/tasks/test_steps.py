"""Every step of every engine, as Prefect will see it, speaks one dialect."""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import string
import types
import typing

import pytest
from prefect import Task

import flows
import tasks
from flows.engines import ENGINES
from tasks.outcomes import Ensured

VERBS = ("read_", "ensure_", "wait_for_", "apply_", "verify_", "remove_")
WIDE = 5
"""A record with this many fields is built by keyword: five values in a row are easily misread."""

MODULES = [m.name for m in pkgutil.walk_packages(tasks.__path__, "tasks.") if not m.ispkg]


def defined_in(module, kind):
    found = vars(importlib.import_module(module)).items()
    return [(name, value) for name, value in found if isinstance(value, kind)]


STEPS = [
    pytest.param(value, id=f"{module.removeprefix('tasks.')}.{name}")
    for module in MODULES
    for name, value in defined_in(module, Task)
    if value.fn.__module__ == module
]
RECORDS = [
    pytest.param(value, id=f"{module.removeprefix('tasks.')}.{name}")
    for module in MODULES
    for name, value in defined_in(module, type)
    if value.__module__ == module and dataclasses.is_dataclass(value)
]


SHARED = {"models"}
"""What has steps of its own and is no engine."""


def returned(step):
    return typing.get_type_hints(step.fn)["return"]


def type_of(owner, attribute):
    """The type of a field or a property."""
    defined = inspect.getattr_static(owner, attribute, None)
    if isinstance(defined, property):
        return typing.get_type_hints(defined.fget)["return"]
    return typing.get_type_hints(owner)[attribute]


def engine_of(step):
    return step.fn.__module__.split(".")[1]


def test_there_are_steps_of_every_engine():
    engines = {engine.name.replace("-", "_") for engine in ENGINES}
    assert engines == {engine_of(param.values[0]) for param in STEPS} - SHARED
    assert len(engines) > 1


@pytest.mark.parametrize("step", STEPS)
def test_a_steps_name_begins_with_its_verb(step):
    assert step.fn.__name__.startswith(VERBS)


@pytest.mark.parametrize("step", STEPS)
def test_a_run_name_only_names_what_the_step_is_given(step):
    hints = typing.get_type_hints(step.fn)
    for _, field, _, _ in string.Formatter().parse(step.task_run_name):
        if field is None:
            continue
        first, *path = field.split(".")
        found = hints[first]
        for attribute in path:
            found = type_of(found, attribute)
        assert found is not None


@pytest.mark.parametrize("step", STEPS)
def test_a_step_says_what_it_raises_or_returns(step):
    assert step.fn.__doc__
    assert "return" in typing.get_type_hints(step.fn)


@pytest.mark.parametrize("step", STEPS)
def test_ensure_returns_what_is_there_and_what_it_did_and_remove_what_it_removed(step):
    name = step.fn.__name__
    if name.startswith("ensure_"):
        assert typing.get_origin(returned(step)) is Ensured
    if name.startswith("remove_"):
        assert returned(step) == tuple[str, ...]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_may_be_tried_again(step):
    assert step.retries
    assert step.retry_condition_fn is not None


@pytest.mark.parametrize("module", MODULES)
def test_a_step_calls_another_as_a_plain_function(module):
    steps = {name for name, _ in defined_in(module, Task)}
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not steps & called, "a task within a task: call its .fn"


PLAIN = {
    "endpoint_spec", "forget_local_import_files", "import_uri", "local_folder", "served_index", "way_through",
    "with_model",
}  # fmt: skip
"""Functions of settings that call no service."""


def of_settings():
    """The plain functions of tasks/ that a flow imports and that take a target's settings first, with who imports them."""
    for flow in pkgutil.walk_packages(flows.__path__, "flows."):
        for name, value in defined_in(flow.name, types.FunctionType):
            if (
                value.__module__.startswith("tasks.")
                and next(iter(inspect.signature(value).parameters), "") == "settings"
            ):
                yield f"{value.__module__}.{name}, in {flow.name}"


def test_what_a_flow_asks_a_service_is_a_step_and_so_is_tried_again():
    assert [one for one in of_settings() if one.partition(",")[0].rpartition(".")[2] not in PLAIN] == []


@pytest.mark.parametrize("record", RECORDS)
def test_a_wide_record_is_built_by_keyword(record):
    fields = [field for field in dataclasses.fields(record) if field.init]
    assert len(fields) < WIDE or all(field.kw_only for field in fields)
