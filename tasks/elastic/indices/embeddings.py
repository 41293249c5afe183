"""An embedded index: which fields, through which pipeline and deployment, read from its own mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from tasks.elastic.indices.indices import read_index
from tasks.elastic.indices.passages import passages_field
from tasks.elastic.indices.sources import SourceState, source_query, written_query
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedAs, EmbeddedField
from tasks.errors import InvalidInput, PermanentError
from tasks.program import command
from tasks.steps import step

SUFFIX = "_embedding"
_KINDS: dict[str, EmbeddedAs] = {one: one for one in get_args(EmbeddedAs)}


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """An index that `elastic embed` made."""

    index: str
    source: str
    query: dict[str, Any] | None
    """Which documents of the source; None for all."""
    pipeline: str
    deployment: str
    """The deployment that embedded it."""
    search_deployment: str
    """The deployment that embeds queries; of semantic_text its inference endpoint."""
    fields: tuple[EmbeddedField, ...]
    kind: EmbeddedAs = "sparse-vector"
    remote: str | None = None
    """The address of the cluster that the source is in; None for the same one."""
    chunk_words: int | None = None
    """Words in a passage; None where texts are embedded as a whole, or in chunks by the index itself."""
    document_prefix: str = ""
    """What our pipeline puts in front of a text for the model; of dense vectors only."""
    query_prefix: str = ""
    """What belongs in front of a query."""

    def field(self, name: str | None) -> EmbeddedField:
        """One of its fields by the name of its text; the only or first one when none is named.

        Raises:
            InvalidInput: it is not embedded.
        """
        found = next((f for f in self.fields if name in (None, f.input, f.made)), None)
        if found is None:
            accepted = ", ".join(f.input for f in self.fields)
            raise InvalidInput("This field is not embedded", value=name, source=self.index, accepted=accepted)
        return found


class NotEmbedded(PermanentError):
    """Nothing under a name was embedded by us."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"There is no embedded index named {name!r} that this project created. "
            f"Create it with "
            f"`{command('elastic embed', name=name, source='INDEX', fields='FIELD', deployment='ID')}`."
        )


def embedded_field(text: str) -> EmbeddedField:
    """A field as typed: `plot`, or `plot:plot_vector` to name where its embedding goes (default: plot_embedding).

    Raises:
        InvalidInput: a part is empty.
    """
    source, _, output = text.partition(":")
    if not source or text.endswith(":"):
        raise InvalidInput("Not a field", value=text, accepted="FIELD or FIELD:EMBEDDING_FIELD")
    return EmbeddedField(input=source, output=output or f"{source}{SUFFIX}")


def made_from(
    *,
    source: SourceState,
    pipeline: str,
    deployment: str,
    search: str,
    model: str,
    fields: tuple[EmbeddedField, ...],
    chunk_words: int | None = None,
    remote: str | None = None,
    as_: EmbeddedAs = "sparse-vector",
    document_prefix: str = "",
    query_prefix: str = "",
) -> dict[str, str]:
    """The mark that `read_embedded` reads; it decides whether a new index is needed."""
    return {
        "source": source.name,
        "source_content": source.content,
        **({"source_query": written_query(source.query)} if source.query else {}),
        "pipeline": pipeline,
        "deployment": deployment,
        "search_deployment": search,
        "model": model,
        "fields": ",".join(f"{field.input}:{field.made}" for field in fields),
        **({"source_remote": remote} if remote else {}),
        **({"chunk_words": str(chunk_words)} if chunk_words else {}),
        **({"as": as_} if as_ != "sparse-vector" else {}),
        **({"document_prefix": document_prefix} if document_prefix else {}),
        **({"query_prefix": query_prefix} if query_prefix else {}),
    }


def made_from_semantic(
    *,
    source: SourceState,
    endpoint: str,
    deployment: str,
    model: str,
    fields: tuple[EmbeddedField, ...],
    remote: str | None = None,
) -> dict[str, str]:
    """The mark of an index with semantic_text fields, which `read_embedded` reads too."""
    return made_from(
        source=source,
        pipeline="",
        deployment=deployment,
        search=endpoint,
        model=model,
        fields=fields,
        remote=remote,
        as_="semantic-text",
    )


@step("read embedded index {name}")
def read_embedded(settings: ElasticSettings, name: str) -> Embedded:
    """The embedded index that a name stands for: an alias, or its own name.

    Raises:
        NotEmbedded: there is none, or we did not create it.
    """
    there = read_index.fn(settings, name)
    marks: dict[str, str] = (there.meta.get("made_from") or {}) if there is not None and there.ours else {}
    if there is None or "fields" not in marks:
        raise NotEmbedded(name)
    read = passages_field if "chunk_words" in marks else embedded_field
    return Embedded(
        index=there.name,
        source=marks["source"],
        query=source_query(marks["source_query"]) if "source_query" in marks else None,
        pipeline=marks["pipeline"],
        deployment=marks["deployment"],
        search_deployment=marks["search_deployment"],
        fields=tuple(read(text) for text in marks["fields"].split(",")),
        remote=marks.get("source_remote"),
        chunk_words=int(marks["chunk_words"]) if "chunk_words" in marks else None,
        kind=_KINDS.get(marks.get("as", ""), "sparse-vector"),
        document_prefix=marks.get("document_prefix", ""),
        query_prefix=marks.get("query_prefix", ""),
    )
