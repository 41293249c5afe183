"""Every step of the Elastic road, as Prefect will see it."""

import importlib
import pkgutil
import string
import typing

import pytest
from prefect import Task

import tasks.elastic

VERBS = ("read_", "ensure_", "wait_for_", "apply_", "verify_", "remove_")


MODULES = [m.name for m in pkgutil.iter_modules(tasks.elastic.__path__, "tasks.elastic.")]
STEPS = [
    pytest.param(value, id=name)
    for module in MODULES
    for name, value in vars(importlib.import_module(module)).items()
    if isinstance(value, Task) and value.fn.__module__ == module
]


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
            found = typing.get_type_hints(found)[attribute]
        assert found is not None


@pytest.mark.parametrize("step", STEPS)
def test_a_step_says_what_it_raises_or_returns(step):
    assert step.fn.__doc__
    assert "return" in typing.get_type_hints(step.fn)
