"""A signature and a docstring from a model of options.

Prefect builds a flow's form from a function's signature and docstring, and cyclopts a command's options. Both get one
parameter for each field of the model.
"""

from __future__ import annotations

import inspect
from typing import Annotated, Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from flows.options import Confirmed, Interruptible, RunOptions, Timed

_FIRST = ("name", "target")
_LAST = (*Confirmed.model_fields, *Timed.model_fields, *Interruptible.model_fields)


def parameters(model: type[BaseModel | RunOptions]) -> list[inspect.Parameter]:
    """A keyword-only parameter for each field: required ones first, those that many flows share last."""
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.is_required() else field.get_default(),
            annotation=Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation,
        )
        for name, field in _in_order(model)
    ]


def docstring(written: str, model: type[BaseModel | RunOptions]) -> str:
    """A docstring with an `Args` section from the model's descriptions, inserted before its example."""
    said, example, rest = written.partition("\nExample:")
    lines = "".join(f"    {name}: {field.description}\n" for name, field in _in_order(model))
    return f"{said.rstrip()}\n\nArgs:\n{lines}{example}{rest}"


def _in_order(model: type[BaseModel | RunOptions]) -> list[tuple[str, FieldInfo]]:
    found: dict[str, FieldInfo] = vars(model)["__pydantic_fields__"]
    return sorted(found.items(), key=lambda item: _rank(*item))


def _rank(name: str, field: FieldInfo) -> tuple[int, int]:
    if name in _LAST:
        return 3, _LAST.index(name)
    if name in _FIRST and field.is_required():
        return 0, _FIRST.index(name)
    return (1 if field.is_required() else 2), 0


def options_of(function: Any) -> type[BaseModel]:
    """The model of the only argument of a flow's function, `options`."""
    return inspect.get_annotations(function, eval_str=True)["options"]
