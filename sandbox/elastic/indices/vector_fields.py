"""Fields of embeddings in a mapping, `dense_vector` and `semantic_text`: their parameters and how these may change.

How vectors are indexed (`index_options`) is checked, kept and shown. A graph or none is what it decides here, and `m`: no vector is quantized.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from sandbox.elastic.chunking import settings as chunking
from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices import vector_options
from sandbox.elastic.versions import LEGACY_SEMANTIC_TEXT, Release

PARAMETERS: dict[str, set[str]] = {
    "dense_vector": {"dims", "element_type", "index", "similarity", "index_options"},
    "semantic_text": {
        "inference_id",
        "search_inference_id",
        "chunking_settings",
        "index_options",
        "model_settings",
    },
}
DEFAULT_INFERENCE_ID = ".elser-2-elasticsearch"
"""Of a semantic_text field that names no endpoint, up to 9.2; later where the cluster has no Elastic Inference Service."""
SIMILARITIES = ("cosine", "dot_product", "l2_norm", "max_inner_product")
MOST_DIMENSIONS = 4096
_ELEMENTS = ("byte", "float")
CHUNKS = ".inference.chunks"
"""After the path of a semantic_text field, that of the nested objects with its chunks, which no mapping shows but queries reach."""
_OPTIONS = ("chunking_settings", "index_options")
_CHANGEABLE = {"search_inference_id", "chunking_settings", "meta", "fields"}


class TypedField(Protocol):
    """A field, as far as its type matters."""

    @property
    def path(self) -> str:
        """Dotted."""
        ...

    @property
    def type(self) -> str:
        """The name of its type."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """As the mapping has them."""
        ...


def check_settings(settings: Mapping[str, Any], release: Release) -> None:
    """Refuse a format of semantic_text that a release does not have, in the settings of a new index.

    Raises:
        Refusal: naming the setting.
    """
    given = settings.get(LEGACY_SEMANTIC_TEXT)
    if given is not None and not release.newer_semantic_text:
        raise indices_errors.UNKNOWN_SETTING.refusal(name=LEGACY_SEMANTIC_TEXT)
    if given == "true" and not release.legacy_semantic_text:
        raise indices_errors.LEGACY_FORBIDDEN.refusal(name=LEGACY_SEMANTIC_TEXT)


def check_release(fields: Iterable[TypedField], release: Release, *, is_legacy: bool) -> None:
    """Refuse semantic_text fields that a release does not have.

    Args:
        fields: of the index.
        release: of the cluster.
        is_legacy: whether the index has the legacy format of semantic_text.

    Raises:
        Refusal: naming the field and the parameter.
    """
    for field in fields:
        if field.type != "semantic_text":
            continue
        name = field.path.rpartition(".")[2]
        if not release.semantic_text:
            raise indices_errors.NO_HANDLER.refusal(kind=field.type, name=field.path)
        for parameter in () if release.semantic_text_options else _OPTIONS:
            if parameter in field.parameters:
                raise indices_errors.UNKNOWN_PARAMETER.refusal(
                    parameter=parameter, name=name, kind=field.type
                )
        for parameter, shown in (("copy_to", "[copy_to]"), ("fields", "multi-fields")):
            if is_legacy and field.parameters.get(parameter):
                problem = f"semantic_text field [{name}] does not support {shown}"
                raise indices_errors.MAPPING.refusal(problem=problem)


def check(name: str, definition: Mapping[str, Any]) -> None:
    """Refuse wrong values of parameters.

    Raises:
        Refusal: naming the first parameter that is wrong.
    """
    if any(multi.get("type") == "semantic_text" for multi in definition.get("fields", {}).values()):
        raise indices_errors.MAPPING.refusal(
            problem=f"the sandbox does not imitate semantic_text as a multi-field, as in [{name}]"
        )
    if definition["type"] == "dense_vector":
        _check_vector(name, definition)
    if definition["type"] == "semantic_text":
        if definition.get("inference_id") == "":
            raise indices_errors.MAPPING.refusal(
                problem=f"[inference_id] on mapper [{name}] of type [semantic_text] must not be empty"
            )
        if definition.get("chunking_settings") is not None:
            chunking.read(definition["chunking_settings"])


def completed(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition as the service writes it into the mapping: a semantic_text field has an endpoint, and its chunking in full."""
    if definition.get("type") != "semantic_text":
        return dict(definition)
    found: dict[str, Any] = {"type": "semantic_text", "inference_id": DEFAULT_INFERENCE_ID, **definition}
    if found.get("chunking_settings"):
        found["chunking_settings"] = chunking.read(found["chunking_settings"]).shown()
    return found


def merged(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """A field after a change of its mapping; what it learned from documents stays.

    Raises:
        Refusal: the change cannot be made in place.
    """
    result = dict(old)
    for parameter in sorted((set(old) | set(new)) - {"type"}):
        before, after = old.get(parameter), new.get(parameter)
        learned = parameter in ("dims", "model_settings") and (before is None or after is None)
        if (
            before != after
            and not (parameter in _CHANGEABLE or _is_allowed(parameter, before, after))
            and not learned
            and not (after is None and parameter in ("index", "similarity", "element_type"))
        ):
            raise indices_errors.PARAMETER_CONFLICT.refusal(
                path=path, parameter=parameter, old=before, new=after
            )
        if parameter in new:
            result[parameter] = after
    return result


def _is_allowed(parameter: str, before: Any, after: Any) -> bool:
    return parameter == "index_options" and vector_options.is_change_allowed(before, after)


def _check_vector(name: str, definition: Mapping[str, Any]) -> None:
    kind = definition.get("element_type", "float")
    if kind == "bit":
        raise indices_errors.MAPPING.refusal(problem="the sandbox does not imitate the element_type [bit]")
    if kind not in _ELEMENTS:
        raise indices_errors.MAPPING.refusal(
            problem=f"invalid element_type [{kind}]; available types are [bit, byte, float]"
        )
    dims = definition.get("dims")
    if dims is not None and not (isinstance(dims, int) and 1 <= dims <= MOST_DIMENSIONS):
        problem = f"The number of dimensions should be in the range [1, {MOST_DIMENSIONS}] but was [{dims}]"
        raise indices_errors.MAPPING.refusal(problem=problem)
    similarity = definition.get("similarity", "cosine")
    if similarity not in SIMILARITIES:
        problem = f"Unknown value [{similarity}] for field [similarity] - accepted values are [{', '.join(SIMILARITIES)}]"
        raise indices_errors.MAPPING.refusal(problem=problem)
    if definition.get("index") is False and ("similarity" in definition or "index_options" in definition):
        given = "similarity" if "similarity" in definition else "index_options"
        raise indices_errors.MAPPING.refusal(
            problem=f"Field [{given}] can only be specified for a field of type [dense_vector] when it is indexed"
        )
    vector_options.check(name, kind, definition.get("index_options"), dims)


def with_chunks(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties in which each semantic_text field is the object that it keeps its chunks in (`createInferenceField` of SemanticTextFieldMapper.java)."""
    return {name: _with_chunks(definition) for name, definition in properties.items()}


def _with_chunks(definition: Mapping[str, Any]) -> dict[str, Any]:
    if definition.get("type") == "semantic_text":
        chunks = {"type": "nested", "properties": _of_chunks(definition.get("model_settings"))}
        return {"properties": {"inference": {"properties": {"chunks": chunks}}}}
    below = {"properties": with_chunks(definition["properties"])} if "properties" in definition else {}
    return {**definition, **below}


def _of_chunks(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """The embeddings of a known model, and the text of each chunk, which the legacy format has."""
    text = {"type": "keyword", "index": False, "doc_values": False}
    if settings is None:
        return {"text": text}
    if settings["task_type"] == "sparse_embedding":
        return {"embeddings": {"type": "sparse_vector"}, "text": text}
    vector = {
        "type": "dense_vector",
        "dims": settings["dimensions"],
        "similarity": settings["similarity"],
        "element_type": settings["element_type"],
    }
    return {"embeddings": vector, "text": text}
