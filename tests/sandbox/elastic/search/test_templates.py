"""Search templates over the official client: stored, rendered, used, refused."""

import pytest
from elasticsearch import BadRequestError, NotFoundError

SOURCE = {"query": {"match": {"plot": "{{text}}"}}, "from": "{{from}}{{^from}}0{{/from}}", "size": "{{size}}"}


@pytest.fixture
def template(shared):
    shared.client.put_script(id="films", script={"lang": "mustache", "source": SOURCE})
    yield "films"
    shared.client.options(ignore_status=404).delete_script(id="films")


@pytest.mark.parametrize(
    ("source", "params", "output"),
    [
        (
            SOURCE,
            {"text": 'a "b"\n', "size": 5},
            {"query": {"match": {"plot": 'a "b"\n'}}, "from": "0", "size": "5"},
        ),
        (
            '{"a": {{#toJson}}in.list{{/toJson}}}',
            {"in": {"list": ["{{x}}", {"b": 1}]}},
            {"a": ["{{x}}", {"b": 1}]},
        ),
        ('{"a": "{{#join}}list{{/join}}"}', {"list": ["x", 1, True]}, {"a": "x,1,true"}),
        (
            '{"a": {{yes}}{{#yes}}, "b": 1{{/yes}}{{#no}}, "c": 1{{/no}}}',
            {"yes": True, "no": False},
            {"a": True, "b": 1},
        ),
        ('{"a": [{{#list}}{{.}}, {{/list}}0]}', {"list": [1, 2]}, {"a": [1, 2, 0]}),
        ('{"a": "{{absent}}"}', {}, {"a": ""}),
    ],
    ids=["default and escapes", "toJson", "join", "conditions", "a list", "absent"],
)
def test_a_template_is_rendered(shared, source, params, output):
    assert shared.client.render_search_template(source=source, params=params)["template_output"] == output


def test_a_stored_template_is_shown_rendered_used_and_deleted(shared, template, fresh_index):
    client, index = shared.client, fresh_index(documents=[{"plot": "a detective"}, {"plot": "a clown"}])
    stored = client.get_script(id=template)
    assert (stored["found"], stored["script"]["lang"]) == (True, "mustache")
    assert isinstance(stored["script"]["source"], str)
    output = client.render_search_template(id=template, params={"text": "x", "size": 1})["template_output"]
    assert output["query"] == {"match": {"plot": "x"}}
    hits = client.search_template(index=index, id=template, params={"text": "detective", "size": 1})["hits"]
    assert [hit["_id"] for hit in hits["hits"]] == ["1"]
    assert client.delete_script(id=template) == {"acknowledged": True}
    with pytest.raises(NotFoundError) as missing:
        client.get_script(id=template)
    assert missing.value.body == {"_id": template, "found": False}


def test_a_missing_template_is_not_found(shared):
    for call in (shared.client.render_search_template, shared.client.search_template):
        with pytest.raises(NotFoundError, match=r"unable to find script \[absent\] in cluster state"):
            call(id="absent")
    with pytest.raises(NotFoundError, match="does not exist and cannot be deleted"):
        shared.client.delete_script(id="absent")


@pytest.mark.parametrize("source", ['{"a": "{{b"}', '{"a": "{{#b}}"}', '{"a": "{{/b}}"}'])
def test_an_unclosed_template_is_refused_when_stored_and_when_rendered(shared, source):
    for call in (
        lambda: shared.client.put_script(id="broken", script={"lang": "mustache", "source": source}),
        lambda: shared.client.render_search_template(source=source),
    ):
        with pytest.raises(BadRequestError) as failed:
            call()
        cause = failed.value.body["error"]["caused_by"]
        assert cause["reason"].startswith("Improperly closed variable in query-template")


def test_a_template_that_does_not_render_to_json_is_refused(shared):
    with pytest.raises(BadRequestError, match="x_content_parse_exception"):
        shared.client.render_search_template(source='{"a": {{b}}}')
