"""The similarities of an index: BM25 with parameters of its own, which a text or keyword field names in the mapping.

From SimilarityService.java and SimilarityProviders.java; the ranges of the parameters are those of Lucene's BM25Similarity.java.
Other kinds do nothing until a field names them, which is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.elastic import errors
from sandbox.elastic.indices import errors as indices_errors

BUILT_IN = ("BM25", "boolean")
_KINDS = (*BUILT_IN, "DFR", "IB", "LMDirichlet", "LMJelinekMercer", "DFI", "scripted")
_PARAMETERS = ("type", "k1", "b", "discount_overlaps")
_DEFAULT = "default"


@dataclass(frozen=True)
class Bm25:
    """BM25 with its two parameters."""

    k1: float = 1.2
    """How soon further occurrences of a term count less."""
    b: float = 0.75
    """How much long fields count less; 0 for not at all."""


class ScoredField(Protocol):
    """A field, as far as its scores matter."""

    @property
    def path(self) -> str:
        """Dotted."""
        ...

    @property
    def type(self) -> str:
        """The name of its type: the similarity of a dense_vector is something else."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Of its mapping."""
        ...


def of_field(field: ScoredField, settings: Mapping[str, str]) -> Bm25:
    """The similarity of a field of an index with these settings (flat, without `index.`)."""
    name = str(field.parameters.get("similarity", _DEFAULT))
    found = _defined(settings).get(name)
    return _read(found) if found else Bm25()


def check(fields: Iterable[ScoredField], settings: Mapping[str, str | None]) -> None:
    """Refuse definitions that the service refuses, and fields whose similarity is unknown or not imitated.

    Raises:
        Refusal: naming the similarity.
    """
    defined = _defined(settings)
    for name, own in defined.items():
        _check(name, own)
        if name == _DEFAULT and own["type"] != "BM25":
            raise indices_errors.SETTING_NOT_IMITATED.refusal(
                name="similarity.default.type", value=own["type"]
            )
    scored = [each for each in fields if each.type in ("text", "keyword")]
    used = {str(each.parameters.get("similarity", _DEFAULT)): each.path for each in scored}
    for name, path in used.items():
        if name not in (*defined, *BUILT_IN, _DEFAULT):
            raise indices_errors.NO_SIMILARITY.refusal(name=name, path=path)
        kind = defined[name]["type"] if name in defined else name
        if kind not in ("BM25", _DEFAULT):
            problem = (
                f"the sandbox does not support [similarity] with value [{name}] of type [{kind}] on [{path}]"
            )
            raise indices_errors.MAPPING.refusal(problem=problem)


def _check(name: str, own: Mapping[str, str]) -> None:
    problem = ""
    if name in BUILT_IN:
        problem = f"Cannot redefine built-in Similarity [{name}]"
    elif "type" not in own:
        problem = f"Similarity [{name}] must have an associated type"
    elif own["type"] not in _KINDS:
        problem = f"Unknown Similarity type [{own['type']}] for [{name}]"
    elif own["type"] == "BM25":
        unknown = ", ".join(each for each in own if each not in _PARAMETERS)
        problem = f"Unknown settings for similarity of type [BM25]: [{unknown}]" if unknown else _wrong(own)
    if problem:
        raise errors.ILLEGAL_ARGUMENT.refusal(problem=problem)


def _wrong(own: Mapping[str, str]) -> str:
    """Which parameter has no value that Lucene takes; empty for none."""
    for parameter in ("k1", "b"):
        try:
            value = float(own.get(parameter, 0))
        except ValueError:
            return f"Failed to parse value [{own[parameter]}] for setting [{parameter}]"
        if parameter == "k1" and not 0 <= value < math.inf:
            return f"illegal k1 value: {value}, must be a non-negative finite value"
        if parameter == "b" and not 0 <= value <= 1:
            return f"illegal b value: {value}, must be between 0 and 1"
    return ""


def _read(own: Mapping[str, str]) -> Bm25:
    return Bm25(float(own.get("k1", Bm25.k1)), float(own.get("b", Bm25.b)))


def _defined(settings: Mapping[str, str | None]) -> dict[str, dict[str, str]]:
    """The similarities that settings define, by name."""
    found: dict[str, dict[str, str]] = {}
    for key, value in settings.items():
        _, prefix, rest = key.partition("similarity.")
        name, _, parameter = rest.partition(".")
        if prefix and key.startswith(prefix) and value is not None:
            found.setdefault(name, {})[parameter] = value
    return found
