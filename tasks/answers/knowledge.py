"""A knowledge base, whichever engine holds it, and how far it agrees with its documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from tasks.answers.chunks import Chunk, Splitting
from tasks.errors import GateNotMet, InvalidInput, PermanentError
from tasks.models.settings import ModelSettings
from tasks.plurals import counted
from tasks.program import command

ModelT = TypeVar("ModelT", bound=BaseModel)
How = Literal["text", "sparse", "dense", "hybrid"]
"""By words (BM25), by meaning (learned sparse or dense embeddings), or all that there are, fused by reciprocal rank."""
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class KnowledgeBase:
    """An index of passages that questions are asked of."""

    name: str
    index: str
    """The version that is served."""
    chunks: int
    documents: int
    splitter: str
    splitting: Splitting
    sparse_model: str
    """What made sparse embeddings of the passages; empty if nothing did."""
    search_model: str
    """What makes those of questions."""
    dense_model: str
    """The model behind OpenAI's routes that made dense embeddings; empty if none did."""
    fields: tuple[str, ...]
    """The embeddings that every passage must have."""
    audiences: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The readers of each group, on an engine that filters by groups."""
    has_words: bool = True
    """Whether passages are found by their words."""
    text_files: int = 0
    """How many files hold the texts, where the engine does not."""
    handle: Any = field(default=None, compare=False, repr=False)
    """The index as its engine describes it: what was read once need not be read for every question."""

    @property
    def single_ways(self) -> tuple[How, ...]:
        """How it can be searched in one way."""
        sparse: tuple[How, ...] = ("sparse",) if self.sparse_model else ()
        dense: tuple[How, ...] = ("dense",) if self.dense_model else ()
        words: tuple[How, ...] = ("text",) if self.has_words else ()
        return (*words, *sparse, *dense)

    @property
    def ways(self) -> tuple[How, ...]:
        """How it can be searched, the best way last."""
        return (*self.single_ways, "hybrid") if len(self.single_ways) > 1 else self.single_ways

    @property
    def cut_by(self) -> str:
        """The splitter, and the one that is installed here if it is another: what that cuts otherwise looks missing and orphaned."""
        here = self.splitting.mark
        return (
            self.splitter
            if self.splitter == here
            else f"{self.splitter}; here it is {here}, which may cut otherwise"
        )

    @property
    def embedded_by(self) -> str:
        """In words."""
        return (
            " and ".join(filter(None, (self.sparse_model, self.dense_model)))
            or "nothing, so it is found by its words"
        )


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How an index agrees with the documents that it was made from."""

    wanted: int
    found: int
    missing: tuple[str, ...]
    """Chunks of the documents that the index does not hold, by place."""
    stale: tuple[str, ...]
    """Chunks whose place, title or readers are not those of the documents any more."""
    orphaned: tuple[str, ...]
    """Passages of the index that no document has: they would keep answering."""
    unembedded: tuple[str, ...]
    """Passages without an embedding, which a search by meaning does not find, with the reason."""
    repeated: int
    """Chunks whose text another chunk has too. They are no fault; they take each other's places in a result."""
    unseen: str = ""
    """What this comparison cannot see, in words; empty where it sees everything."""

    def __str__(self) -> str:
        return f"{counted(self.found, 'passage')}, as in the documents; {self.repeated:,} with a text that others have"

    @property
    def counts(self) -> dict[str, int]:
        """The number of each difference."""
        return {what: len(found) for found, what in self._named}

    @property
    def differences(self) -> str:
        """In words, or empty."""
        return "; ".join(f"{len(found):,} {what} ({_shown(found)})" for found, what in self._named if found)

    @property
    def _named(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        return (
            (self.missing, "missing"),
            (self.stale, "stale"),
            (self.orphaned, "orphaned"),
            (self.unembedded, "without an embedding"),
        )


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written into a version."""

    there: int
    """Passages that an earlier, killed run had stored."""
    carried: int
    """Passages whose embedding the version before had."""
    embedded: int
    """Passages that went through the model, or, without one, were stored as they are."""
    removed: int = 0
    """Passages that nobody wanted there."""

    def __str__(self) -> str:
        return f"{self.embedded:,} embedded, {self.carried:,} carried over from the version before, {self.there:,} were there"

    @property
    def facts(self) -> dict[str, int]:
        """For a report."""
        return {"embedded": self.embedded, "carried": self.carried, "there": self.there}


class NoKnowledgeBase(PermanentError):
    """Nothing under a name was indexed by `answers index`."""

    def __init__(self, name: str, *, engine: str) -> None:
        self.name, self.engine = name, engine
        super().__init__(
            f"There is no knowledge base {name!r} on {engine}. Make it with `{command('answers index', name=name, engine=engine, documents='FOLDER')}`."
        )


def described_by(model: type[ModelT], text: str | bytes, *, place: str) -> ModelT:
    """What a version of a knowledge base says of itself.

    Args:
        model: as its engine describes one.
        text: JSON.
        place: where it stands.

    Raises:
        InvalidInput: it is no such description.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise InvalidInput(
            "This is no description of a knowledge base", source=place,
            remedy="Another version of this project wrote it, or somebody changed it. Index the documents under another name, "
            "or remove this knowledge base by the engine's teardown and index them again.",
        ) from error  # fmt: skip


def refuse_unknown_way(base: KnowledgeBase, how: How, *, source: str = "--how") -> None:
    """See that a knowledge base can be searched in this way.

    Args:
        base: the knowledge base.
        how: the way.
        source: where it was asked for.

    Raises:
        InvalidInput: it cannot.
    """
    if how not in base.ways:
        raise InvalidInput(
            "This knowledge base cannot be searched like this", value=how, source=source, accepted=", ".join(base.ways),
            remedy="On Elasticsearch, index it with --deployment or --dense to search by meaning.",
        )  # fmt: skip


def refuse_other_model(base: KnowledgeBase, models: ModelSettings) -> None:
    """See that a question is embedded by the model that embedded the passages.

    Raises:
        InvalidInput: it is another one.
    """
    if models.embedder() != base.dense_model:
        raise InvalidInput(
            f"The passages were embedded by {base.dense_model}", value=models.embedder(), source="OPENAI_EMBEDDING_MODEL, OPENAI_PASSAGE_PREFIX",
            remedy="Embeddings of different models cannot be compared. Set what embedded them, or index the documents again.",
        )  # fmt: skip


def agreement(
    chunks: Sequence[Chunk], wanted: dict[str, str], there: dict[str, str], lacking: dict[str, str]
) -> Agreement:
    """Compare what an index should hold with what it holds.

    Args:
        chunks: of the documents.
        wanted: the hash of each by its id, as the engine stores it.
        there: the hashes that the index holds.
        lacking: why a passage has no embedding, by id.
    """
    return Agreement(
        wanted=len(wanted),
        found=len(there),
        missing=tuple(_place(chunk) for chunk in chunks if chunk.id not in there),
        stale=tuple(_place(c) for c in chunks if there.get(c.id, wanted[c.id]) != wanted[c.id]),
        orphaned=tuple(sorted(there.keys() - wanted.keys())),
        unembedded=tuple(f"{id_}: {reason}" for id_, reason in lacking.items()),
        repeated=len(chunks) - len({chunk.text for chunk in chunks}),
    )


def refuse_differences(name: str, found: Agreement, *, engine: str) -> None:
    """Fail if an index of an engine does not agree with its documents.

    Raises:
        GateNotMet: they differ; names the first of each kind.
    """
    if found.differences:
        remedy = f"Run `{command('answers index', name=name, engine=engine, documents='FOLDER')}`, which writes only the difference."
        raise GateNotMet(
            f"What differs between {name} and its documents", measured=found.differences, wanted="nothing", remedy=remedy,
            facts={"passages": found.found, "repeated": found.repeated, "differences": found.counts},
        )  # fmt: skip


def _place(chunk: Chunk) -> str:
    return f"{chunk.document} at {chunk.start:,}"


def _shown(found: Sequence[str]) -> str:
    more = f" and {counted(len(found) - _SHOWN, 'other')}" if len(found) > _SHOWN else ""
    return f"{', '.join(found[:_SHOWN])}{more}"
