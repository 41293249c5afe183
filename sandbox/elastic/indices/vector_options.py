"""`index_options` of a dense_vector field: how its vectors are indexed, and which changes of that are allowed.

From `DenseVectorFieldMapper.java` and https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/dense-vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.elastic.errors import in_java
from sandbox.elastic.indices import errors as indices_errors

_HNSW = {"m", "ef_construction"}
_QUANTIZED = {"confidence_interval", "rescore_vector"}
_OPTIONS: Mapping[str, set[str]] = {
    "flat": set(),
    "int8_flat": _QUANTIZED,
    "int4_flat": _QUANTIZED,
    "bbq_flat": {"rescore_vector"},
    "hnsw": _HNSW,
    "int8_hnsw": _HNSW | _QUANTIZED,
    "int4_hnsw": _HNSW | _QUANTIZED,
    "bbq_hnsw": _HNSW | {"rescore_vector"},
    "bbq_disk": {"cluster_size", "default_visit_percentage", "rescore_vector"},
}
"""The types, with what each may have beside it; a field may become of any later type but the last."""
_LATER = tuple(_OPTIONS)[:-1]
_OF_BYTES = ("hnsw", "flat")
_CONNECTIONS = 16
"""`m` by default."""
_LEAST_DIMENSIONS = 64
"""Of the types whose names begin with bbq."""
_MOST_OVERSAMPLING = 10_000


def check(name: str, kind: str, options: Any, dims: int | None) -> None:
    """Refuse options that do not fit a field, its element type or its dimensions.

    Raises:
        Refusal: naming the option.
    """
    if options is None:
        return
    if not isinstance(options, Mapping) or "type" not in options:
        raise _refusal("[index_options] requires field [type] to be configured")
    indexed = str(options["type"])
    if indexed not in _OPTIONS:
        raise _refusal(f"Unknown vector index options type [{indexed}] for field [{name}]")
    if kind == "byte" and indexed not in _OF_BYTES:
        raise _refusal(f"[element_type] cannot be [{kind}] when using index type [{indexed}]")
    if problem := dimension_problem(options, dims):
        raise _refusal(problem)
    unknown = [option for option in options if option not in _OPTIONS[indexed] | {"type"}]
    if unknown:
        shown = " ".join(f" [{option} : {in_java(options[option])}]" for option in unknown)
        raise _refusal(f"Mapping definition for [{name}] has unsupported parameters: {shown}")
    for option in ("m", "ef_construction"):
        if option in options and not _is_whole(options[option]):
            raise _refusal(f'For input string: "{in_java(options[option])}"')
    if options.get("rescore_vector") is not None:
        _check_rescoring(options["rescore_vector"])


def dimension_problem(options: Mapping[str, Any] | None, dims: int | None) -> str:
    """Why a field with these options cannot have that many dimensions; empty if it can."""
    indexed = str((options or {}).get("type"))
    if dims is not None and indexed.startswith("bbq") and dims < _LEAST_DIMENSIONS:
        return f"{indexed} does not support dimensions fewer than {_LEAST_DIMENSIONS}; provided={dims}"
    if dims is not None and indexed.startswith("int4") and dims % 2:
        return f"{indexed} only supports even dimensions; provided={dims}"
    return ""


def is_change_allowed(old: Any, new: Any) -> bool:
    """Whether options may replace others: by a later type, with no fewer connections and the same confidence interval."""
    if not all(isinstance(each, Mapping) and "type" in each for each in (old, new)):
        return True
    if old["type"] != new["type"]:
        both = old["type"] in _LATER and new["type"] in _LATER
        return both and _LATER.index(old["type"]) < _LATER.index(new["type"]) and _grows(old, new)
    same = old.get("confidence_interval") == new.get("confidence_interval")
    return same and _grows(old, new)


def _grows(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether a graph keeps its connections; other types have none."""
    if "m" not in _OPTIONS[old["type"]]:
        return True
    return int(new.get("m", _CONNECTIONS)) >= int(old.get("m", _CONNECTIONS))


def _check_rescoring(given: Any) -> None:
    oversample = given.get("oversample") if isinstance(given, Mapping) else None
    if oversample is None:
        raise _refusal("Invalid rescore_vector value. Missing required field oversample")
    if oversample != 0 and not 1 <= oversample <= _MOST_OVERSAMPLING:
        raise _refusal(f"oversample must be greater than 1 and less than {_MOST_OVERSAMPLING}")


def _is_whole(value: Any) -> bool:
    return str(value).isdigit() and not isinstance(value, bool)


def _refusal(problem: str) -> Exception:
    return indices_errors.MAPPING.refusal(problem=problem)
