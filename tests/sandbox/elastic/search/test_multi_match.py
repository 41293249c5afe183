"""multi_match: how each type joins the scores of fields, against the queries that it is made of and against arithmetic by hand."""

import math

import pytest
from elasticsearch import BadRequestError

PEOPLE = [
    {"first": "Will Smith", "last": "Jones", "age": 40},
    {"first": "John", "last": "Smith Smithson", "age": 30},
    {"first": "Ann", "last": "Smith", "age": 40},
    {"first": "Bill", "last": "Wills", "age": 50, "tag": "smith"},
]
FIELDS = ["first", "last^2"]


@pytest.fixture(scope="module")
def scores(here):
    """The scores of a query on four people: `scores(query)`."""
    properties = {
        "first": {"type": "text"},
        "last": {"type": "text"},
        "tag": {"type": "keyword"},
        "age": {"type": "integer"},
    }
    here.indices.create(index="people", mappings={"properties": properties})
    for number, person in enumerate(PEOPLE):
        here.index(index="people", id=str(number), document=person)
    here.indices.refresh(index="people")

    def of(query):
        hits = here.search(index="people", query=query)["hits"]["hits"]
        return {hit["_id"]: hit["_score"] for hit in hits}

    return of


def joined(scores, queries, tie_breaker):
    """What the service makes of one query for each field: a dis_max."""
    return scores({"dis_max": {"queries": queries, "tie_breaker": tie_breaker}})


@pytest.mark.parametrize(
    ("kind", "query", "text", "tie_breaker"),
    [
        ("best_fields", "match", "will smith", 0),
        ("most_fields", "match", "will smith", 1),
        ("phrase", "match_phrase", "will smith", 0),
        ("phrase_prefix", "match_phrase_prefix", "smith smi", 0),
        ("phrase_prefix", "match_phrase_prefix", "smi", 0),
        ("bool_prefix", "match_bool_prefix", "ann smi", 1),
    ],
)
def test_each_type_is_a_query_of_every_field(scores, kind, query, text, tie_breaker):
    queries = [
        {query: {"first": {"query": text}}},
        {query: {"last": {"query": text, "boost": 2}}},
    ]
    body = {"query": text, "fields": FIELDS, "type": kind}
    found = scores({"multi_match": body})
    assert found
    assert found == pytest.approx(joined(scores, queries, tie_breaker), rel=1e-6)
    other = scores({"multi_match": {**body, "tie_breaker": 0.3}})
    assert other == pytest.approx(joined(scores, queries, 0.3), rel=1e-6)


def test_a_phrase_prefix_counts_every_term_that_its_end_stands_for(scores):
    """MultiPhraseQuery.java: the rarities of all terms are summed."""

    def idf(documents, having):
        return math.log(1 + (documents - having + 0.5) / (having + 0.5))

    found = scores({"match_phrase_prefix": {"last": "smith smi"}})
    mean = sum(len(person["last"].split()) for person in PEOPLE) / 4
    rarity = idf(4, 2) + idf(4, 2) + idf(4, 1)  # smith, and smith and smithson at its end
    assert found == pytest.approx({"1": 2.2 * rarity / (1 + 1.2 * (0.25 + 0.75 * 2 / mean))}, rel=1e-5)


def test_cross_fields_wants_every_term_in_any_field_and_shares_their_rarity(scores):
    body = {"query": "will smith", "fields": ["first", "last"], "operator": "and"}
    assert set(scores({"multi_match": {**body, "type": "cross_fields"}})) == {"0"}
    assert set(scores({"multi_match": {**body, "query": "ann smith", "type": "best_fields"}})) == set()
    found = scores({"multi_match": {**body, "query": "ann smith", "type": "cross_fields"}})
    assert set(found) == {"2"}

    # `smith` is in two last names and one first name: both fields count it as frequent, the first names once more.
    def bm25(having, length, mean, count=1):
        idf = math.log(1 + (4 - having + 0.5) / (having + 0.5))
        return 2.2 * idf * count / (count + 1.2 * (0.25 + 0.75 * length / mean))

    smith = scores({"multi_match": {"query": "smith", "fields": ["first", "last"], "type": "cross_fields"}})
    expected = {"0": bm25(3, 2, 5 / 4), "1": bm25(2, 2, 5 / 4), "2": bm25(2, 1, 5 / 4)}
    assert smith == pytest.approx(expected, rel=1e-5)


def test_cross_fields_groups_fields_by_their_analyzer(scores):
    body = {
        "query": "smith",
        "fields": ["first", "last", "tag", "age"],
        "type": "cross_fields",
        "lenient": True,
    }
    assert set(scores({"multi_match": body})) == {"0", "1", "2", "3"}
    assert set(scores({"multi_match": {**body, "query": "40"}})) == {"0", "2"}
    with pytest.raises(BadRequestError, match="For input string"):
        scores({"multi_match": {**body, "lenient": False}})


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"type": "cross_fields", "fuzziness": 1}, r"Fuzziness not allowed for type \[cross_fields\]"),
        ({"type": "phrase_prefix", "fuzziness": 1}, r"Fuzziness not allowed for type \[phrase_prefix\]"),
        ({"type": "bool_prefix", "slop": 1}, r"\[slop\] not allowed for type \[bool_prefix\]"),
        ({"type": "phrase", "slop": 1}, r"\[multi_match\] query does not support \[slop\]"),
        (
            {"type": "phrase_prefix", "fields": ["tag"]},
            r"Can only use phrase prefix queries on text fields - not on \[tag\]",
        ),
        ({"type": "all_fields"}, r"query type \[all_fields\]. unknown type"),
    ],
    ids=lambda each: "-".join(each) if isinstance(each, dict) else "",
)
def test_what_does_not_go_with_a_type_is_refused(scores, body, problem):
    with pytest.raises(BadRequestError, match=problem):
        scores({"multi_match": {"query": "smith", "fields": FIELDS, **body}})
