"""What reindex and update by query refuse, and when."""

import pytest
from elasticsearch import BadRequestError

from tests.sandbox.elastic.reindex.films import copy, reason

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"source": {"query": {"nonsense": {}}}}, "unknown query [nonsense]"),
        ({"source": {"size": "x"}}, "Failed to parse int parameter [size] with value [x]"),
        ({"source": {"slice": {"id": "x", "max": 2}}}, "Failed to parse int parameter [id] with value [x]"),
        ({"source": {"slice": {"id": 2, "max": 2}}}, "[slice] is invalid"),
        ({"source": {"sort": ["n"]}}, "does not support [sort]"),
        ({"source": {"runtime_mappings": {"a": {"type": "long"}}}}, "does not support [runtime_mappings]"),
        ({"dest": {"routing": "=a"}}, "does not support [routing]"),
        ({"max_docs": 2, "slices": 3}, "[max_docs] should be >= [slices]"),
        ({"max_docs": 0}, "[max_docs] should be >= [slices]"),
        ({"refresh": "wait_for"}, "Failed to parse value [wait_for]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_invalid_requests_are_refused_at_once_even_in_the_background(filled, given, text):
    client = filled()
    with pytest.raises(BadRequestError) as error:
        copy(client, wait_for_completion=False, **given)
    assert text in reason(error)
    assert not client.indices.exists(index="copy")


@pytest.mark.parametrize(
    "body",
    [{"querry": {}}, {"query": {"nonsense": {}}}, {"size": 0}, {"slice": 3}, {"max_docs": 0}],
    ids=lambda body: next(iter(body)),
)
def test_an_invalid_update_by_query_is_refused_at_once(filled, body):
    client = filled()
    with pytest.raises(BadRequestError):
        client.update_by_query(index="films", body=body, wait_for_completion=False)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"source": {}},
            "Validation Failed: 1: use _all if you really want to copy from all existing indexes;",
        ),
        ({"dest": {}}, "Validation Failed: 1: index must be specified;"),
        (
            {"dest": {"index": "films"}},
            "Validation Failed: 1: reindex cannot write into an index its reading from [films];",
        ),
        ({"conflicts": "cat"}, 'conflicts may only be "proceed" or "abort" but was [cat]'),
        ({"slices": 0}, '[slices] must be a positive integer or the string "auto", but was [0]'),
        (
            {"requests_per_second": 0},
            "[requests_per_second] must be a float greater than 0. Use -1 to disable throttling.",
        ),
        ({"max_docs": -4}, "[max_docs] parameter cannot be negative, found [-4]"),
        ({"source": {"index": "films", "sise": 5}}, "[1:1] [source] unknown field [sise]"),
    ],
    ids=str,
)
def test_invalid_requests_are_refused_with_the_services_messages(filled, given, text):
    client = filled(1)
    with pytest.raises(BadRequestError) as error:
        client.reindex(**{"source": {"index": "films"}, "dest": {"index": "copy"}, **given})
    assert reason(error) == text
