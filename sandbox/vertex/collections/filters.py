"""The filter of queries and searches on the data of data objects: the operators that the documentation lists.

"Querying Collections for Data Objects": $eq and $ne on numbers, strings and booleans; $gt, $gte, $lt and $lte on
numbers; $in and $nin on strings; $all on arrays; $and and $or on lists of filters. A dotted name reaches into objects.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from google.protobuf import json_format

from sandbox.vertex import errors

Condition = Callable[[Mapping[str, Any]], bool]
_ORDER = {"$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le}
_JOINED = {"$and": all, "$or": any}
_OPERATORS = ("$eq", "$ne", *_ORDER, "$in", "$nin", "$all")
_ABSENT = object()


def parse(given: Any) -> Condition:
    """The condition on `data`, a dict as JSON has it, that a Struct states; an empty one is always true.

    Raises:
        Refusal: INVALID_ARGUMENT for what is not understood.
    """
    return _all_of(json_format.MessageToDict(given))


def _all_of(stated: Any) -> Condition:
    if not isinstance(stated, dict):
        _refuse(stated, "a filter is an object")
    conditions = [_stated(name, value) for name, value in stated.items()]
    return lambda data: all(condition(data) for condition in conditions)


def _stated(name: str, value: Any) -> Condition:
    if name in _JOINED:
        if not isinstance(value, list) or not value:
            _refuse({name: value}, f"{name} takes a list of filters")
        joined, parts = _JOINED[name], [_all_of(each) for each in value]
        return lambda data: joined(part(data) for part in parts)
    if name.startswith("$"):
        _refuse({name: value}, f"{name} is not an operator of filters; those are {', '.join(_JOINED)}")
    if not isinstance(value, dict) or not value:
        _refuse({name: value}, f"a field takes operators, as in {{{name!r}: {{'$eq': ...}}}}")
    tests = [_test(name, operation, wanted) for operation, wanted in value.items()]
    return lambda data: all(test(_found(data, name)) for test in tests)


def _test(name: str, operation: str, wanted: Any) -> Callable[[Any], bool]:
    stated = {name: {operation: wanted}}
    if operation in _ORDER:
        if not _is_number(wanted):
            _refuse(stated, f"{operation} takes a number")
        compare = _ORDER[operation]
        return lambda value: _is_number(value) and compare(value, wanted)
    if operation in ("$eq", "$ne"):
        if not isinstance(wanted, str | bool | int | float):
            _refuse(stated, f"{operation} takes a number, a string or a boolean")
        return lambda value: _same(value, wanted) == (operation == "$eq")
    if operation not in ("$in", "$nin", "$all"):
        _refuse(stated, f"{operation} is not an operator of fields; those are {', '.join(_OPERATORS)}")
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        _refuse(stated, f"{operation} takes a list of strings")
    if operation == "$all":
        return lambda value: isinstance(value, list) and all(each in value for each in wanted)
    return lambda value: (value in wanted) == (operation == "$in")


def _found(data: Mapping[str, Any], name: str) -> Any:
    """The value of a field, `year` or `restricts.year`; _ABSENT if there is none."""
    value: Any = data
    for part in [name] if name in data else name.split("."):
        value = value.get(part, _ABSENT) if isinstance(value, dict) else _ABSENT
    return value


def _same(value: Any, wanted: Any) -> bool:
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse(stated: Any, problem: str) -> NoReturn:
    raise errors.INVALID_FILTER.refusal(filter=stated, problem=f"{problem}.")
