"""What becomes of a query parameter: it is honoured, it makes no difference here, or it is refused by name.

A parameter that the table does not name is refused as the service refuses what no handler has read (BaseRestHandler.java).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sandbox.elastic import errors
from sandbox.elastic.wire.exchange import Request, duration

_CLOSE = 0.5
"""How similar a known name must be to be suggested, from 0 to 1; LevenshteinDistance.java (Lucene)."""


@dataclass(frozen=True)
class Rule:
    """What becomes of one parameter."""

    word: str
    """As COVERAGE.md shows it: `honoured`, `no difference`, `refused`."""
    accepted: tuple[str, ...] | None = None
    """The values that are accepted; None for all."""
    check: Callable[[str, str], object] | None = None
    """Refuses an invalid value, given the parameter's name and the value."""

    def apply(self, api: str, name: str, value: str) -> None:
        """Refuse a value that is not imitated, or invalid.

        Raises:
            Refusal: naming parameter and value.
        """
        value = value or "true"
        if self.accepted is not None and value not in self.accepted:
            raise errors.NOT_IMITATED.refusal(name=name, value=value, api=api)
        if self.check:
            self.check(name, value)


def only(*values: str) -> Rule:
    """Accepted with these values, which are the defaults or mean the same here; refused otherwise."""
    return Rule(f"refused unless {' or '.join(values)}", values)


HONOURED = Rule("honoured")
NO_DIFFERENCE = Rule("no difference")
TIME = Rule("no difference", check=duration)
"""How long to wait for what takes no time here."""
OFF = only("false")
ON = only("true")
REFUSED = Rule("refused", ())
Rules = Mapping[str, Rule]


def rules(rule: Rule, names: str) -> dict[str, Rule]:
    """One rule for several parameters, named with spaces between."""
    return dict.fromkeys(names.split(), rule)


def apply(api: str, known: Rules, request: Request) -> None:
    """Check all query parameters of a request.

    Raises:
        Refusal: one is unknown, or is not imitated.
    """
    unknown = sorted(name for name in request.query if name not in known)
    if unknown:
        raise unrecognized(request.path, unknown, known)
    for name, value in request.query.items():
        known[name].apply(api, name, value)


def unrecognized(path: str, names: Iterable[str], known: Iterable[str]) -> Exception:
    """The refusal of unknown parameters, with similar known ones."""
    hints = {name: suggested(name, known) for name in names}
    shown = [f"[{name}]{' ->' if hint else ''}{hint}" for name, hint in hints.items()]
    few = "parameter" if len(shown) == 1 else "parameters"
    return errors.UNRECOGNIZED.refusal(path=path, few=few, names=", ".join(shown))


def suggested(name: str, known: Iterable[str]) -> str:
    """The known names that are close to an unknown one, best first, as a question; empty if there are none."""
    scored = sorted((-_similarity(name, each), each) for each in known)
    close = [each for score, each in scored if -score > _CLOSE]
    if not close:
        return ""
    listed = f"[{', '.join(close)}]"
    return f" did you mean {listed if len(close) == 1 else f'any of {listed}'}?"


def _similarity(one: str, other: str) -> float:
    """1 without the share of letters to insert, delete or replace."""
    before = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        now = [row]
        for column, there in enumerate(other, start=1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (letter != there)))
        before = now
    return 1 - before[-1] / max(len(one), len(other), 1)
