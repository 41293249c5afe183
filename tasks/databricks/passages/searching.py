"""Passages found by their words, by their meaning, or by both, among those that a reader may see."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.answers.knowledge import How, KnowledgeBase, refuse_other_model, refuse_unknown_way
from tasks.answers.passages import Passage
from tasks.databricks.indexes import IndexState
from tasks.databricks.passages.specs import PLAIN, PUBLIC, SEARCHED, chunk_of
from tasks.databricks.searches import Query, find
from tasks.databricks.settings import DatabricksSettings
from tasks.models.embeddings import embed_directions
from tasks.models.settings import ModelSettings
from tasks.steps import step


@step("search {base.name} for {question!r}")
def read_passages(
    settings: DatabricksSettings,
    models: ModelSettings,
    base: KnowledgeBase,
    index: IndexState,
    question: str,
    *,
    how: How,
    most: int,
    readers: Sequence[str] = (),
) -> tuple[Passage, ...]:
    """The passages that a question finds, best first.

    Args:
        settings: the target.
        models: where the model is that embeds questions.
        base: where to search.
        index: the version of it that is served.
        question: in the reader's words.
        how: by words (FULL_TEXT), by meaning (ANN), or by both, fused by the service (HYBRID).
        most: passages at most.
        readers: the names that the reader goes by. Without any, only passages for everybody are searched: the filter of the query
            leaves the others out, so that no prompt can bring them back.

    Raises:
        InvalidInput: the knowledge base cannot be searched like this, or another model embedded it.
        Exception: as `tasks.models.errors.calling`.
    """
    refuse_unknown_way(base, how)
    vector: tuple[float, ...] = ()
    if how != "text":
        refuse_other_model(base, models)
        vector = tuple(embed_directions(models, [question], "query")[0].tolist())
    query = Query(
        vector=vector,
        text=question if how != "dense" else "",
        text_columns=SEARCHED if how != "dense" else (),
        num_results=most,
        filters={"audience": _audiences(base, readers)},
        columns=PLAIN,
    )
    found = find(settings, index, query)
    return tuple(Passage((chunk := chunk_of(each.id, each.data),), chunk.text, each.score) for each in found)


def _audiences(base: KnowledgeBase, readers: Sequence[str]) -> list[str]:
    """The groups that these readers are in."""
    of_readers = [name for name, members in base.audiences.items() if set(members) & set(readers)]
    return [PUBLIC, *(name for name in of_readers if name != PUBLIC)]
