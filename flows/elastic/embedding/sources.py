"""What is embedded: sources that cannot be are refused, one in another cluster is seen to be readable, and reports name them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flows.elastic.options import ElasticRun
from tasks.elastic.indices.remotes import address_of, verify_remote
from tasks.elastic.indices.sources import SourceState
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.errors import InvalidInput
from tasks.plurals import counted, listed


def read_remote(run: ElasticRun, remote: ElasticSettings | None, source: str, index: str) -> None:
    """See that the cluster may and can read the other one that the source is in, if it is in one, before anything is made.

    Raises:
        RemoteNotRead: it may not, or cannot.
    """
    if remote is not None:
        with run.report.step("the remote cluster") as step:
            verify_remote(run.settings, remote, source, index)
            step.saw(f"{address_of(remote)} is read by the cluster")


def refuse_itself(source: str, alias: str) -> None:
    """Refuse to embed documents into themselves.

    Raises:
        InvalidInput: both names are the same.
    """
    if alias in source.split(","):
        raise InvalidInput(
            "The embedded documents cannot have the name of their source: every run would embed its own result again",
            value=alias,
            source="name, source",
            accepted="two different names",
        )


def refuse_own(documents: SourceState, alias: str) -> None:
    """Refuse a source with an index that was embedded under the same name.

    Raises:
        InvalidInput: there is one.
    """
    own = re.compile(rf"{re.escape(alias)}-[0-9a-f]{{12}}")
    for index in documents.indices:
        if own.fullmatch(index):
            refuse_itself(index, index)


def refuse_taken(fields: Sequence[EmbeddedField], documents: SourceState) -> None:
    """Refuse to put passages in the place of a field that holds something else.

    Raises:
        InvalidInput: the source has such a field.
    """
    for field in fields:
        there = documents.properties.get(field.passages or "")
        if there is not None and there.get("type") != "nested":
            raise InvalidInput(
                "The source has a field with the name that the passages would have",
                value=field.passages,
                source="--fields",
                accepted="FIELD:PASSAGES_FIELD, with a name that no field has",
            )


def read_from(documents: SourceState) -> str:
    """What a report says of a source: how many documents, and of which indices where the name is not that of one."""
    found = counted(documents.documents, "document")
    if documents.query:
        found += " that the query finds"
    return found if documents.indices == (documents.name,) else f"{found} in {listed(documents.indices)}"
