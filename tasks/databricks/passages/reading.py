"""Which passages an index holds, and how far they agree with their documents."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.answers.chunks import Chunk
from tasks.answers.knowledge import Agreement, KnowledgeBase, agreement, described_by, refuse_differences
from tasks.databricks.endpoints import EndpointState, own_endpoint
from tasks.databricks.indexes import IndexState, find_index
from tasks.databricks.loading import scanned
from tasks.databricks.passages.specs import DESCRIPTION, VECTOR, Description, chunk_of, hash_of
from tasks.databricks.searches import Query, find
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import KEY
from tasks.errors import GateNotMet, InvalidInput
from tasks.steps import step
from tasks.waiting import Deadline, Look, Unchanged, attempt_until

SETTLED_SECONDS = 20.0
"""A difference that is the same for so long is one: writes show within seconds."""


@step("read knowledge base {name}")
def read_knowledge_base(settings: DatabricksSettings, name: str) -> KnowledgeBase | None:
    """What a name stands for; None if `answers index` has not served anything under it.

    Raises:
        NotOurs: somebody else made the endpoint.
    """
    endpoint = own_endpoint(settings, name)
    if endpoint is None or not endpoint.is_of_passages or not endpoint.serves:
        return None
    index = find_index(settings, name, endpoint.serves)
    found = read_description(settings, index) if index is not None and index.is_online else None
    return found.knowledge_base(name, index) if found and index else None


@step("look at the endpoint of {name} before it is changed")
def read_endpoint_to_change(settings: DatabricksSettings, name: str) -> EndpointState | None:
    """The endpoint of a knowledge base, if it is there.

    Raises:
        NotOurs: somebody else made it.
        InvalidInput: it serves an index that `databricks build` made.
    """
    there = own_endpoint(settings, name)
    if there is not None and there.is_marked and not there.is_of_passages:
        raise InvalidInput(
            "This is the name of an index that is no knowledge base", value=name, source="--name",
            remedy="Choose another name.",
        )  # fmt: skip
    return there


def read_description(settings: DatabricksSettings, index: IndexState) -> Description | None:
    """What an index says of itself, once all of its passages were written."""
    query = Query(
        vector=(0.0,) * index.dimensions, num_results=1, filters={KEY: DESCRIPTION}, columns=("text",)
    )
    found = find(settings, index, query)
    place = f"the row {DESCRIPTION!r} of {index.full_name}"
    return described_by(Description, found[0].data["text"] or "", place=place) if found else None


@step("compare {index.full_name} with its documents")
def verify_passages(
    settings: DatabricksSettings, index: IndexState, chunks: Sequence[Chunk], deadline: Deadline | None = None
) -> Agreement:
    """Compare every passage of an index with the chunks that it should hold.

    Args:
        settings: the target.
        index: a version.
        chunks: what it should hold.
        deadline: how long writes that are under way may take to show; None if nothing was written.

    Raises:
        GateNotMet: they differ; names the first of each kind.
    """
    wanted, unchanged = {chunk.id: hash_of(chunk) for chunk in chunks}, Unchanged()

    def look() -> Look[Agreement]:
        found, lacking = dict[str, str](), dict[str, str]()
        for page in scanned(settings, index):
            for row in page:
                found[row[KEY]] = row["hash"] or ""
                if row[KEY] != DESCRIPTION and not any(row[VECTOR] or ()):
                    lacking[row[KEY]] = "its vector is zero"
        is_described = found.pop(DESCRIPTION, None) is not None
        agreed = agreement(chunks, wanted, found, lacking)
        seen = agreed.differences or ("" if is_described else "the row that describes it is missing")
        settled = deadline is None or unchanged.seconds(seen) > SETTLED_SECONDS
        return Look(seen=seen or "as they are", value=agreed, done=settled or not seen)

    found = attempt_until(
        f"compare {index.full_name} with its documents", look, deadline or Deadline.after(minutes=10)
    )
    refuse_differences(index.name, found, engine="databricks")
    if deadline is not None and read_description(settings, index) is None:
        raise GateNotMet(
            f"What {index.full_name} says of itself",
            measured="nothing",
            wanted="a description",
            remedy="Run it again.",
        )
    return found


@step("read every passage of {index.full_name}")
def read_all_passages(settings: DatabricksSettings, index: IndexState) -> tuple[Chunk, ...]:
    """All passages, in the order of their documents."""
    rows = (row for page in scanned(settings, index) for row in page if row[KEY] != DESCRIPTION)
    return tuple(
        sorted((chunk_of(row[KEY], row) for row in rows), key=lambda chunk: (chunk.document, chunk.start))
    )


def hashes(settings: DatabricksSettings, index: IndexState) -> dict[str, str]:
    """The hash of every row of an index, by id."""
    return {row[KEY]: row["hash"] or "" for page in scanned(settings, index) for row in page}
