"""What queries with a text answer where their model does not give what they need."""

import pytest

from sandbox.elastic import versions
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices.index import Index
from sandbox.elastic.search.matches import QueryContexts
from sandbox.elastic.search.queries import evaluate
from sandbox.elastic.search.searcher import Searcher
from sandbox.models.embedding import Embedding

EXPECTED = "expected a result of type [text_expansion_result] received [text_embedding_result]. Is [e5] a compatible model?"


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        (
            {"text_expansion": {"tokens": {"model_id": "e5", "model_text": "x"}}},
            500,
            "illegal_state_exception",
        ),
        (
            {"sparse_vector": {"field": "tokens", "inference_id": "e5", "query": "x"}},
            400,
            "illegal_argument_exception",
        ),
    ],
)
def test_a_query_for_tokens_whose_model_answers_vectors_fails_as_its_class_does(query, status, kind):
    mapping = {"properties": {"tokens": {"type": "sparse_vector"}}}
    searcher = Searcher(Index("films", "uuid", 1, {}, mapping), (), ())
    dense = QueryContexts(
        None,
        versions.release("8.19"),
        lambda _, texts: [Embedding([0.1], is_truncated=False) for _ in texts],
        lambda *_: [],
    )
    (context,) = dense.of([searcher])
    with pytest.raises(Refusal) as refused:
        evaluate(context, query)
    assert (refused.value.status, refused.value.kind, refused.value.reason) == (status, kind, EXPECTED)
