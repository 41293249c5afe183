"""Texts that are longer than the model reads. It truncates them silently, and the truncated part is never found.

The pipeline keeps no trace of it on the document (it drops the processor's `is_truncated`), so the longest texts are tried.
Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.calls import ServiceUnwell
from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.inference import infer, input_field
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.data.passages import texts_at
from tasks.elastic.indices.sources import Query
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.plurals import counted
from tasks.steps import step

MOST_TOKENS = 512
"""What ELSER reads of a text (Elastic's limitations of ELSER). A token has at least one character: shorter texts fit."""
_LOOKED_AT = 1000
_TRIED = 32
_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Truncation:
    """What was found among the first documents of an index."""

    looked_at: int
    """Documents."""
    documents: int
    """Of the index, also those that were not looked at."""
    long: int
    """Texts with more characters than the model reads tokens."""
    tried: int
    """The longest of them, which were sent to the model; 0 when it does not answer."""
    truncated: tuple[str, ...]
    """Ids of the documents whose text it truncated."""

    def __str__(self) -> str:
        if self.long and not self.tried:
            return (
                f"{self.long:,} texts may be longer than the model's {MOST_TOKENS} tokens; it does not answer"
            )
        if not self.truncated:
            return f"no text of {self._which} is longer than the model's {MOST_TOKENS} tokens"
        return (
            f"{len(self.truncated)} of the {self.tried} longest texts of {self._which} are truncated "
            f"after {MOST_TOKENS} tokens: {', '.join(self.truncated[:3])}"
        )

    @property
    def _which(self) -> str:
        """Which documents were looked at."""
        if self.looked_at >= self.documents:
            return f"all {counted(self.documents, 'document')}"
        return f"the first {self.looked_at:,} of {self.documents:,} documents (the others were not looked at)"


@step("look for texts of {index} that the model truncates")
def read_truncated(
    settings: ElasticSettings,
    index: str,
    fields: Sequence[EmbeddedField],
    deployment_id: str,
    *,
    within: Query | None = None,
    remote: ElasticSettings | None = None,
) -> Truncation:
    """The longest texts of the first 1,000 documents, as far as the model truncates them.

    Args:
        settings: the target.
        index: an index or alias.
        fields: whose texts.
        deployment_id: the deployment that is asked, if it is running.
        within: a query that the documents match; None for all.
        remote: the cluster that the index is in; None for the same one.
    """
    looked_at, documents, texts = _sample(remote or settings, index, [field.text for field in fields], within)
    long = sorted((pair for pair in texts if len(pair[1]) > MOST_TOKENS), key=lambda pair: -len(pair[1]))
    there = read_deployment.fn(settings, deployment_id)
    if there is None or not there.allocated or not long:
        return Truncation(looked_at=looked_at, documents=documents, long=len(long), tried=0, truncated=())
    tried = long[: min(_TRIED, max(1, there.queue_capacity // 2))]
    name = input_field(settings, deployment_id)
    try:
        answers = infer(
            settings, deployment_id, [text for _, text in tried], name=name, timeout=_SECONDS
        )  # fmt: skip
    except ServiceUnwell:  # a busy model must not stop everything else
        return Truncation(looked_at=looked_at, documents=documents, long=len(long), tried=0, truncated=())
    cut = (id_ for (id_, _), answer in zip(tried, answers, strict=True) if answer.truncated)
    return Truncation(
        looked_at=looked_at,
        documents=documents,
        long=len(long),
        tried=len(tried),
        truncated=tuple(dict.fromkeys(cut)),
    )


def _sample(
    settings: ElasticSettings, index: str, names: list[str], within: Query | None
) -> tuple[int, int, list[tuple[str, str]]]:
    """How many documents there are in a sample and in the index, and the sample's texts, each with its document's id."""
    with calling(f"read a sample of {index}"):
        found = connect(settings).search(
            index=index,
            query=within or {"match_all": {}},
            size=_LOOKED_AT,
            source={"includes": names},
            track_total_hits=True,
        )
    hits = found["hits"]["hits"]
    return (
        len(hits),
        found["hits"]["total"]["value"],
        [(hit["_id"], text) for hit in hits for name in names for text in texts_at(hit["_source"], name)],
    )
