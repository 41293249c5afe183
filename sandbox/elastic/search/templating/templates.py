"""Search templates: mustache with Elasticsearch's additions, which are JSON escaping, toJson, join and url.

pystache renders the mustache. List elements by position (`names.0`) are not imitated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import orjson
import pystache
from pystache.parser import ParsingError

from sandbox.elastic.search.templating import errors as templating_errors

# Prevents anything after it from being read as a tag: what a function returns is not a template.
_NO_MORE_TAGS = "{{=\x01 \x02=}}"
_SECTION = re.compile(r"{{\s*([#^/])\s*([^}\s]+)\s*}}")
_OPENING, _CLOSING = "{{", "}}"


class _Renderer(pystache.Renderer):
    def __init__(self) -> None:
        super().__init__(escape=_escaped)

    def str_coerce(self, val: Any) -> str:
        """Format values as Java does: `true`, not `True`."""
        if val is None:
            return ""
        return str(val).lower() if isinstance(val, bool) else str(val)


def source(given: Any) -> str:
    """The text of a template; an object is converted to JSON."""
    return given if isinstance(given, str) else orjson.dumps(given).decode()


def check(template: str) -> None:
    """Refuse a template with unclosed tags.

    Raises:
        Refusal: a general_script_exception with mustache's error as its cause.
    """
    position = template.find(_OPENING)
    broken = False
    while position >= 0 and not broken:
        end = template.find(_CLOSING, position)
        broken = end < 0
        position = template.find(_OPENING, end)
    try:
        pystache.parse(template)
    except ParsingError:
        broken = True
    open_sections: list[str] = []
    for kind, name in _SECTION.findall(template):
        if kind == "/" and (not open_sections or open_sections.pop() != name):
            broken = True
        elif kind != "/":
            open_sections.append(name)
    if broken or open_sections:
        cause = templating_errors.TEMPLATE_CAUSE.refusal()
        raise templating_errors.TEMPLATE_BROKEN.refusal(source=template, cause=cause)


def rendered(template: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """A template rendered with these parameters.

    Raises:
        Refusal: it is malformed, or does not render to a JSON object.
    """
    check(template)
    functions: dict[str, Callable[[str], str]] = {
        "toJson": lambda path: _literal(orjson.dumps(_found(params, path)).decode()),
        "join": lambda path: _literal(
            _escaped(",".join(_Renderer().str_coerce(each) for each in _list(params, path)))
        ),
        "url": lambda text: _literal(quote(_Renderer().render(text, params), safe="")),
    }
    text = _Renderer().render(template, {**functions, **params})
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise templating_errors.TEMPLATE_RESULT.refusal(problem=str(error)) from error
    if not isinstance(found, dict):
        raise templating_errors.TEMPLATE_RESULT.refusal(problem="Expected [START_OBJECT]")
    return found


def _escaped(text: str) -> str:
    return orjson.dumps(text).decode()[1:-1]


def _literal(text: str) -> str:
    return _NO_MORE_TAGS + text


def _found(params: Mapping[str, Any], path: str) -> Any:
    place: Any = params
    for name in path.strip().split("."):
        place = place.get(name) if isinstance(place, Mapping) else None
    return place


def _list(params: Mapping[str, Any], path: str) -> list[Any]:
    found = _found(params, path)
    return found if isinstance(found, list) else [] if found is None else [found]
