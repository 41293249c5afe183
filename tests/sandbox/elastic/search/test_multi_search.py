"""Several searches in one request, through the official client and in the wire's own lines."""

import orjson
import pytest
from elasticsearch import BadRequestError

MATCH = {"query": {"match": {"t": "fox"}}}


@pytest.fixture(scope="module")
def foxes(here):
    for index, texts in (("one", ["red fox", "dog"]), ("two", ["fox"])):
        here.indices.create(index=index, mappings={"properties": {"t": {"type": "text"}}})
        for text in texts:
            here.index(index=index, document={"t": text}, refresh=True)
    here.put_script(
        id="by_word", script={"lang": "mustache", "source": {"query": {"match": {"t": "{{word}}"}}}}
    )
    yield here
    here.indices.delete(index="one,two")


def totals(answer):
    return [
        each["hits"]["total"]["value"] if each["status"] == 200 else each["status"]
        for each in answer["responses"]
    ]


def lines(client, text):
    """The answer to a body as it is: the client itself would end every line."""
    (node,) = client.transport.node_pool.all()
    headers = {"content-type": "application/x-ndjson"}
    return orjson.loads(node.perform_request("POST", "/_msearch", text.encode() or None, headers)[1])


def test_each_search_has_an_index_and_a_body_of_its_own_and_one_that_fails_fails_alone(foxes):
    answer = foxes.msearch(
        searches=[
            {"index": ["one", "two"]},
            {**MATCH, "aggs": {"n": {"value_count": {"field": "_index"}}}},
            {"index": "nowhere"},
            MATCH,
            {},
            {"size": 1},
            {"index": "nowhere", "ignore_unavailable": True},
            MATCH,
            {"index": "one"},
            {"sort": "nothing"},
        ]
    )
    assert totals(answer) == [2, 404, 3, 0, 400]
    first, missing, every, _, unsorted = answer["responses"]
    assert first["aggregations"]["n"]["value"] == 2
    assert missing["error"]["root_cause"][0]["reason"] == "no such index [nowhere]"
    assert len(every["hits"]["hits"]) == 1
    assert unsorted["error"]["type"] == "search_phase_execution_exception"


def test_the_path_names_the_index_of_searches_that_name_none(foxes):
    assert totals(foxes.msearch(index="two", searches=[{}, MATCH, {"index": "one"}, MATCH])) == [1, 1]


def test_totals_are_numbers_where_that_is_asked_for(foxes):
    answer = foxes.msearch(index="one", searches=[{}, MATCH], rest_total_hits_as_int=True)
    assert answer["responses"][0]["hits"]["total"] == 1


def test_templates_are_searched_with_and_one_that_is_missing_fails_alone(foxes):
    answer = foxes.msearch_template(
        index="one", search_templates=[{}, {"id": "by_word", "params": {"word": "dog"}}, {}, {"id": "none"}]
    )
    assert totals(answer) == [1, 404]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "request body or source parameter is required"),
        ("\n", "Validation Failed: 1: no requests added;"),
        ('{}\n{"query":{"match_all":{}}}', "The msearch request must be terminated by a newline [\n]"),
        ('{"junk":1}\n{}\n', "key [junk] is not supported in the metadata section"),
        ('{"search_type":"scan"}\n{}\n', "does not support [search_type] with value [scan] in [search]"),
        ('{"index":"one"}\n{"junk":{}}\n', "Unknown key for a START_OBJECT in [junk]."),
        ('{"index":"one"}\n{"query":{"mach":{}}}\n', "unknown query [mach] did you mean [match]?"),
        ("{}\n\n", "Expected [START_OBJECT] but found [null]"),
    ],
)
def test_lines_that_cannot_be_read_refuse_the_whole_request(foxes, text, reason):
    answer = lines(foxes, text)
    assert (answer["status"], reason in answer["error"]["reason"]) == (400, True)


def test_an_empty_header_and_both_spellings_of_a_parameter_are_read(foxes):
    text = '\n{"index":"one"}\n{"size":0}\n\n{"size":0}\n{"index":"x","ignoreUnavailable":true}\n{"size":0}\n'
    assert totals(lines(foxes, text)) == [2, 3, 0]


def test_at_least_one_search_runs_at_a_time(foxes):
    with pytest.raises(BadRequestError, match="maxConcurrentSearchRequests must be positive"):
        foxes.msearch(searches=[{}, MATCH], max_concurrent_searches=0)
