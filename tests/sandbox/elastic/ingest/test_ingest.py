"""Ingest pipelines over the official client: processors, failures, simulation, counts."""

import pytest
from elasticsearch import BadRequestError, NotFoundError, helpers

from tests.client import client_of


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    from sandbox import process
    from sandbox.elastic.options import ElasticOptions

    options = ElasticOptions(refresh_seconds=0.05)
    with process.running(tmp_path_factory.mktemp("ingest"), options) as environment:
        client = client_of(environment)
        yield client
        client.close()


def reason(error):
    return error.value.body["error"]["reason"]


def simulated(client, processors, source, **given):
    found = client.ingest.simulate(pipeline={"processors": processors, **given}, docs=[{"_source": source}])
    (doc,) = found["docs"]
    return doc


def after(client, processors, source):
    return simulated(client, processors, source)["doc"]["_source"]


@pytest.mark.parametrize(
    ("processor", "before", "expected"),
    [
        ({"lowercase": {"field": "t"}}, {"t": "ÄBc"}, {"t": "äbc"}),
        ({"lowercase": {"field": "t"}}, {"t": ["A", "B"]}, {"t": ["a", "b"]}),
        ({"lowercase": {"field": "t", "ignore_missing": True}}, {}, {}),
        ({"uppercase": {"field": "t", "target_field": "u.v"}}, {"t": "a"}, {"t": "a", "u": {"v": "A"}}),
        ({"trim": {"field": "t"}}, {"t": " a "}, {"t": "a"}),
        ({"set": {"field": "a.b", "value": 7}}, {}, {"a": {"b": 7}}),
        ({"set": {"field": "a", "value": "{{t}}-{{{_index}}}"}}, {"t": 1}, {"t": 1, "a": "1-_index"}),
        ({"set": {"field": "a", "copy_from": "t"}}, {"t": [1]}, {"t": [1], "a": [1]}),
        ({"set": {"field": "a", "value": 2, "override": False}}, {"a": 1}, {"a": 1}),
        ({"set": {"field": "a", "value": "{{none}}", "ignore_empty_value": True}}, {}, {}),
        ({"remove": {"field": ["a", "b.c"]}}, {"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"d": 2}}),
        ({"remove": {"keep": "a"}}, {"a": 1, "b": 2}, {"a": 1}),
        ({"rename": {"field": "a", "target_field": "b"}}, {"a": 1}, {"b": 1}),
        ({"append": {"field": "a", "value": ["x", "y"]}}, {"a": "x"}, {"a": ["x", "x", "y"]}),
        ({"gsub": {"field": "t", "pattern": "[.]", "replacement": "-"}}, {"t": "1.2.3"}, {"t": "1-2-3"}),
        (
            {
                "gsub": {
                    "field": "t",
                    "pattern": "(a)(?<x>b)",
                    "replacement": "${x}$1\\$\\\\",
                    "target_field": "u",
                }
            },
            {"t": "ab"},
            {"t": "ab", "u": "ba$\\"},
        ),
        (
            {"gsub": {"field": "t", "pattern": "^", "replacement": "query: "}},
            {"t": ["a\nb", "c"]},
            {"t": ["query: a\nb", "query: c"]},
        ),
        ({"split": {"field": "t", "separator": ","}}, {"t": "a,b,,c,,"}, {"t": ["a", "b", "", "c"]}),
        (
            {
                "split": {
                    "field": "t",
                    "separator": r"\s*;\s*",
                    "preserve_trailing": True,
                    "target_field": "u",
                }
            },
            {"t": "a ; b;"},
            {"t": "a ; b;", "u": ["a", "b", ""]},
        ),
        (
            {"date": {"field": "t", "formats": ["dd/MM/yyyy", "ISO8601"]}},
            {"t": "31/01/2026"},
            {"t": "31/01/2026", "@timestamp": "2026-01-31T00:00:00.000Z"},
        ),
        (
            {"date": {"field": "t", "formats": ["UNIX"], "target_field": "d", "output_format": "yyyy-MM-dd"}},
            {"t": 1767225600},
            {"t": 1767225600, "d": "2026-01-01"},
        ),
        (
            {"date": {"field": "t", "formats": ["ISO8601"], "timezone": "Europe/Rome", "target_field": "t"}},
            {"t": "2026-07-01T12:00:00"},
            {"t": "2026-07-01T12:00:00.000+02:00"},
        ),
        (
            {"foreach": {"field": "a", "processor": {"uppercase": {"field": "_ingest._value"}}}},
            {"a": ["x", "y"]},
            {"a": ["X", "Y"]},
        ),
        (
            {"foreach": {"field": "a", "processor": {"remove": {"field": "_ingest._value.id"}}}},
            {"a": [{"id": 1, "t": "x"}, {"id": 2}]},
            {"a": [{"t": "x"}, {}]},
        ),
        (
            {
                "foreach": {
                    "field": "a",
                    "processor": {
                        "foreach": {
                            "field": "_ingest._value.b",
                            "processor": {"trim": {"field": "_ingest._value"}},
                        }
                    },
                }
            },
            {"a": [{"b": [" x "]}, {"b": ["y "]}]},
            {"a": [{"b": ["x"]}, {"b": ["y"]}]},
        ),
        (
            {"foreach": {"field": "n", "processor": {"fail": {"message": "x"}}, "ignore_missing": True}},
            {},
            {},
        ),
        ({"append": {"field": "a", "value": ["x"], "allow_duplicates": False}}, {"a": ["x"]}, {"a": ["x"]}),
    ],
    ids=str,
)
def test_processors_change_documents(client, processor, before, expected):
    assert after(client, [processor], before) == expected


@pytest.mark.parametrize(
    ("processor", "source", "kind", "text"),
    [
        (
            {"lowercase": {"field": "title"}},
            {},
            "illegal_argument_exception",
            "field [title] not present as part of path [title]",
        ),
        (
            {"lowercase": {"field": "t"}},
            {"t": 1},
            "illegal_argument_exception",
            "field [t] of type [java.lang.Integer] cannot be cast to [java.lang.String]",
        ),
        (
            {"rename": {"field": "a", "target_field": "b"}},
            {},
            "illegal_argument_exception",
            "field [a] doesn't exist",
        ),
        (
            {"rename": {"field": "a", "target_field": "b"}},
            {"a": 1, "b": 1},
            "illegal_argument_exception",
            "field [b] already exists",
        ),
        ({"fail": {"message": "no {{t}}"}}, {"t": "way"}, "fail_processor_exception", "no way"),
        (
            {"pipeline": {"name": "nope"}},
            {},
            "illegal_state_exception",
            "Pipeline processor configured for non-existent pipeline [nope]",
        ),
        (
            {"set": {"field": "a.b", "value": 1}},
            {"a": "text"},
            "illegal_argument_exception",
            "cannot set [b] with parent object of type [java.lang.String] as part of path [a.b]",
        ),
    ],
    ids=str,
)
def test_failures_have_the_services_messages(client, processor, source, kind, text):
    error = simulated(client, [processor], source)["error"]
    assert (error["type"], error["reason"]) == (kind, text)
    assert error["root_cause"][0]["reason"] == text


def test_on_failure_repairs_a_document_and_knows_why(client):
    repair = [
        {
            "set": {
                "field": "why",
                "value": "{{_ingest.on_failure_processor_type}}: {{_ingest.on_failure_message}}",
            }
        }
    ]
    processors = [
        {"lowercase": {"field": "title", "on_failure": repair}},
        {"set": {"field": "went_on", "value": True}},
    ]
    assert after(client, processors, {}) == {
        "why": "lowercase: field [title] not present as part of path [title]",
        "went_on": True,
    }


def test_a_pipelines_on_failure_ends_the_pipeline(client):
    doc = simulated(
        client,
        [{"lowercase": {"field": "title"}}, {"set": {"field": "went_on", "value": True}}],
        {},
        on_failure=[{"set": {"field": "failed", "value": True}}],
    )
    assert doc["doc"]["_source"] == {"failed": True}


def test_ignored_failures_change_nothing(client):
    processors = [
        {"lowercase": {"field": "title", "ignore_failure": True}},
        {"set": {"field": "a", "value": 1}},
    ]
    assert after(client, processors, {}) == {"a": 1}


def test_verbose_simulation_shows_every_processor(client):
    processors = [
        {"lowercase": {"field": "title", "ignore_failure": True, "tag": "low"}},
        {"set": {"field": "a", "value": 1}},
        {"fail": {"message": "enough"}},
    ]
    found = client.ingest.simulate(pipeline={"processors": processors}, docs=[{"_source": {}}], verbose=True)
    results = found["docs"][0]["processor_results"]
    assert [each["status"] for each in results] == ["error_ignored", "success", "error"]
    assert results[0]["tag"] == "low"
    assert results[1]["doc"]["_source"] == {"a": 1}
    assert results[2]["error"]["reason"] == "enough"


def test_pipelines_call_pipelines_but_not_in_a_cycle(client):
    client.ingest.put_pipeline(
        id="inner", processors=[{"set": {"field": "inner", "value": "{{_ingest.pipeline}}"}}]
    )
    client.ingest.put_pipeline(
        id="outer", processors=[{"pipeline": {"name": "inner"}}, {"trim": {"field": "t"}}]
    )
    doc = client.ingest.simulate(id="outer", docs=[{"_source": {"t": " x"}}])["docs"][0]["doc"]
    assert doc["_source"] == {"t": "x", "inner": "inner"}
    client.ingest.put_pipeline(id="inner", processors=[{"pipeline": {"name": "outer"}}])
    error = client.ingest.simulate(id="outer", docs=[{"_source": {"t": " x"}}])["docs"][0]["error"]
    assert error["reason"] == "Cycle detected for pipeline: outer"


@pytest.mark.parametrize(
    ("processors", "kind", "text", "name"),
    [
        ([{"lowercase": {}}], "lowercase", "[field] required property is missing", "field"),
        (
            [{"inference": {"input_output": []}}],
            "inference",
            "[model_id] required property is missing",
            "model_id",
        ),
        (
            [
                {
                    "inference": {
                        "model_id": "m",
                        "input_output": {"input_field": "a", "output_field": "b"},
                        "field_map": {},
                    }
                }
            ],
            "inference",
            "[input_output] option is incompatible with [field_map]. Use only one.",
            "input_output",
        ),
        ([{"nope": {}}], "nope", "No processor type exists with name [nope]", None),
        (
            [{"trim": {"field": "a", "feld": "b"}}],
            "trim",
            "processor [trim] doesn't support one or more provided configuration parameters [feld]",
            None,
        ),
    ],
    ids=str,
)
def test_an_invalid_pipeline_is_refused_when_it_is_put(client, processors, kind, text, name):
    with pytest.raises(BadRequestError) as error:
        client.ingest.put_pipeline(id="bad", processors=processors)
    shown = error.value.body["error"]
    assert (shown["type"], shown["reason"], shown["processor_type"]) == ("parse_exception", text, kind)
    assert shown.get("property_name") == name


def test_pipelines_are_put_shown_and_deleted(client):
    body = {"description": "x", "processors": [{"trim": {"field": "a"}}], "_meta": {"spec": "1"}}
    assert client.ingest.put_pipeline(
        id="kept", **{"meta": body["_meta"], **{k: body[k] for k in list(body)[:2]}}
    ) == {"acknowledged": True}
    assert client.ingest.get_pipeline(id="kept") == {"kept": body}
    assert "kept" in client.ingest.get_pipeline(id="k*,nothing*").body
    client.ingest.delete_pipeline(id="kept")
    with pytest.raises(NotFoundError) as error:
        client.ingest.get_pipeline(id="kept")
    assert error.value.body == {}
    with pytest.raises(NotFoundError) as error:
        client.ingest.delete_pipeline(id="kept")
    assert reason(error) == "pipeline [kept] is missing"


def test_an_index_uses_its_default_pipeline_unless_the_request_names_another(client):
    client.ingest.put_pipeline(id="lower", processors=[{"lowercase": {"field": "title"}}])
    client.indices.create(index="films", settings={"default_pipeline": "lower"})
    client.index(index="films", id="1", document={"title": "ALIEN"})
    client.index(index="films", id="2", document={"title": "ALIEN"}, pipeline="_none")
    assert [client.get(index="films", id=number)["_source"]["title"] for number in "12"] == ["alien", "ALIEN"]
    with pytest.raises(BadRequestError) as error:
        client.index(index="films", document={"year": 1979})
    assert reason(error) == "field [title] not present as part of path [title]"
    with pytest.raises(BadRequestError) as error:
        client.ingest.delete_pipeline(id="lower")
    assert "because it is the default pipeline for 1 index(es) including [films]" in reason(error)


def test_a_missing_pipeline_fails_each_document_of_a_bulk(client):
    actions = [{"_index": "other", "_id": str(number), "a": 1} for number in range(2)]
    _, errors = helpers.bulk(client, actions, pipeline="nope", raise_on_error=False)
    assert [each["index"]["status"] for each in errors] == [400, 400]
    assert errors[0]["index"]["error"] == {
        "type": "illegal_argument_exception",
        "reason": "pipeline with id [nope] does not exist",
    }


def test_a_dropped_document_is_not_written(client):
    client.ingest.put_pipeline(id="drop", processors=[{"drop": {}}])
    assert client.index(index="dropped", id="1", document={"a": 1}, pipeline="drop")["result"] == "noop"
    assert not client.indices.exists(index="dropped")


def test_documents_and_failures_are_counted_by_pipeline_and_processor(client):
    steps = [{"trim": {"field": "a", "tag": "t"}}, {"set": {"field": "b", "value": 1}}]
    client.ingest.put_pipeline(id="counted", processors=steps)
    actions = [{"_index": "counted", "a": "x"}, {"_index": "counted", "a": 1}]
    helpers.bulk(client, actions, pipeline="counted", raise_on_error=False)
    nodes = client.nodes.stats(metric="ingest")["nodes"].values()
    (shown,) = [each["ingest"]["pipelines"]["counted"] for each in nodes if each["ingest"]["pipelines"]]
    assert (shown["count"], shown["failed"], shown["current"]) == (2, 1, 0)
    trim, put = shown["processors"]
    assert (trim["trim:t"]["type"], trim["trim:t"]["stats"]["failed"]) == ("trim", 1)
    assert put["set"]["stats"]["count"] == 1


@pytest.mark.parametrize(
    ("processor", "source", "problem"),
    [
        ({"date": {"field": "t", "formats": ["ISO8601"]}}, {"t": "soon"}, "unable to parse date [soon]"),
        ({"split": {"field": "t", "separator": ","}}, {"t": None}, "field [t] is null, cannot split."),
        ({"split": {"field": "t", "separator": ","}}, {"t": 7}, "cannot be cast to [java.lang.String]"),
        (
            {"foreach": {"field": "t", "processor": {"drop": {}}}},
            {"t": None},
            "cannot loop over its elements",
        ),
        (
            {"foreach": {"field": "t", "processor": {"drop": {}}}},
            {"t": "x"},
            "cannot be cast to a list or map",
        ),
        (
            {"foreach": {"field": "t", "processor": {"uppercase": {"field": "_ingest._value"}}}},
            {"t": ["a", 7]},
            "[_ingest._value] of type [java.lang.Integer]",
        ),
    ],
    ids=str,
)
def test_dates_lists_and_elements_that_cannot_be_fail_the_document(client, processor, source, problem):
    assert problem in simulated(client, [processor], source)["error"]["reason"]


@pytest.mark.parametrize(
    ("processor", "problem"),
    [
        ({"date": {"field": "t", "formats": ["QQQ"]}}, "does not know the letters"),
        ({"date": {"field": "t", "formats": ["ISO8601"], "timezone": "Nowhere/Here"}}, "timezone"),
        ({"split": {"field": "t", "separator": "("}}, "separator"),
        ({"gsub": {"field": "t", "pattern": "(", "replacement": ""}}, "pattern"),
        ({"gsub": {"field": "t", "pattern": "a", "replacement": "$1"}}, "pattern"),
        (
            {"foreach": {"field": "t", "processor": {"drop": {}, "trim": {"field": "x"}}}},
            "exactly one processor",
        ),
        ({"foreach": {"field": "t", "processor": {"enrich": {}}}}, "enrich"),
    ],
    ids=str,
)
def test_settings_of_dates_lists_and_elements_that_cannot_be_are_refused(client, processor, problem):
    with pytest.raises(BadRequestError) as error:
        client.ingest.put_pipeline(id="x", processors=[processor])
    assert problem in str(error.value.body)
