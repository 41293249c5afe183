"""Passages found by their meaning among those that a reader may see: ids from the index, texts from the bucket."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.answers.knowledge import How, KnowledgeBase, refuse_other_model, refuse_unknown_way
from tasks.answers.passages import Passage
from tasks.models.embeddings import embed_directions
from tasks.models.settings import ModelSettings
from tasks.steps import step
from tasks.vertex.datapoints.filters import Restrict
from tasks.vertex.passages.reading import read_texts
from tasks.vertex.passages.specs import PUBLIC, READERS, text_file, tokens
from tasks.vertex.queries.neighbors import Query
from tasks.vertex.queries.queries import answer
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.settings import VertexSettings


@step("search {base.name} for {question!r}")
def read_passages(
    settings: VertexSettings,
    models: ModelSettings,
    base: KnowledgeBase,
    served: ServedIndex,
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
        served: its index.
        question: in the reader's words.
        how: dense.
        most: passages at most.
        readers: the names that the reader goes by. Without any, only passages for everybody are searched: the restricts of the query
            leave the others out, so that no prompt can bring them back.

    Raises:
        InvalidInput: the knowledge base cannot be searched like this, or another model embedded it.
        Exception: as `tasks.models.errors.calling`.
    """
    refuse_unknown_way(base, how)
    refuse_other_model(base, models)
    vector = embed_directions(models, [question], "query")[0]
    allowed = Restrict(namespace=READERS, allow=(PUBLIC, *tokens(readers)))
    query = Query(vector=vector, neighbor_count=most, restricts=(allowed,))
    (found,) = answer(settings, served, [query], per_request=1).neighbors
    files = sorted({text_file(neighbor.id, base.text_files) for neighbor in found})
    # Without a neighbor there is no file to read; an empty list would mean all of them.
    texts = (
        {chunk.id: chunk for chunk in read_texts.fn(settings, base.name, base.index, files)} if files else {}
    )
    return tuple(
        Passage((texts[one.id],), texts[one.id].text, one.distance) for one in found if one.id in texts
    )
