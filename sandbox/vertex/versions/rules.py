"""The HTTP rules of every generated method of the API, as the official packages have them; see generate.py."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import orjson


class Rule(NamedTuple):
    """One way to call a method over HTTP."""

    method: str
    """Its full name: `google.cloud.aiplatform.v1.IndexService.CreateIndex`."""
    verb: str
    template: str
    """The path: `/v1/{parent=projects/*/locations/*}/indexes`."""
    body: str
    """The field that the body is; `*` for the whole request, empty for none."""

    @property
    def service(self) -> str:
        """The full name of the method's service."""
        return self.method.rpartition(".")[0]

    @property
    def name(self) -> str:
        """The method's short name."""
        return self.method.rpartition(".")[2]


@cache
def rules() -> tuple[Rule, ...]:
    """All of them, for both versions."""
    content = Path(__file__).with_name("http_rules.json").read_bytes()
    return tuple(Rule(*each) for each in orjson.loads(content))


def services() -> dict[str, list[str]]:
    """The short names of the methods of each service, by the service's full name."""
    found: dict[str, dict[str, None]] = {}
    for rule in rules():
        found.setdefault(rule.service, {})[rule.name] = None
    return {service: list(names) for service, names in found.items()}
