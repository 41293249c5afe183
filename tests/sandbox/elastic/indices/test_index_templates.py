"""Index and component templates, what a new index gets from them, and dynamic templates."""

import pytest
from elasticsearch import BadRequestError, NotFoundError


@pytest.fixture
def templates(shared):
    """Takes away what a test made: names that begin with `t-`."""
    yield shared.client
    shared.client.indices.delete(index=["t-films", "t-other"], ignore_unavailable=True)
    shared.client.indices.delete_index_template(name="t-*")
    shared.client.cluster.delete_component_template(name="t-*")


def film_templates(client):
    client.cluster.put_component_template(
        name="t-base",
        template={
            "settings": {"number_of_replicas": 0, "index.refresh_interval": "7s"},
            "mappings": {"_meta": {"team": "search"}, "properties": {"plot": {"type": "keyword"}, "year": {"type": "long"}}},
        },
    )  # fmt: skip
    client.indices.put_index_template(
        name="t-films",
        index_patterns=["t-f*"],
        composed_of=["t-base"],
        priority=5,
        template={
            "settings": {"number_of_shards": 2},
            "mappings": {"properties": {"plot": {"type": "text"}}},
            "aliases": {"t-alias": {}},
        },
    )


def test_a_new_index_gets_components_then_the_template_then_its_own_part(templates):
    film_templates(templates)
    templates.indices.create(
        index="t-films", settings={"refresh_interval": "-1"}, mappings={"_meta": {"spec": "a"}}
    )
    made = templates.indices.get(index="t-films")["t-films"]
    assert made["mappings"] == {
        "_meta": {"team": "search", "spec": "a"},
        "properties": {"plot": {"type": "text"}, "year": {"type": "long"}},
    }
    own = made["settings"]["index"]
    assert (own["number_of_shards"], own["number_of_replicas"], own["refresh_interval"]) == ("2", "0", "-1")
    assert made["aliases"] == {"t-alias": {}}
    templates.index(index="t-other", document={"plot": "x"})
    assert templates.indices.get(index="t-other")["t-other"]["settings"]["index"]["number_of_shards"] == "1"


def test_a_simulated_index_shows_what_it_would_get_and_nothing_where_no_template_matches(templates):
    film_templates(templates)
    shown = templates.indices.simulate_index_template(name="t-films").body
    assert shown["template"]["settings"] == {
        "index": {"number_of_replicas": "0", "refresh_interval": "7s", "number_of_shards": "2"}
    }
    assert templates.indices.simulate_index_template(name="t-other").body == {}
    assert not templates.indices.exists(index="t-films")


def test_a_template_that_cannot_be_is_refused_and_a_component_in_use_stays(templates):
    film_templates(templates)
    with pytest.raises(BadRequestError, match=r"component templates \[t-none\] that do not exist"):
        templates.indices.put_index_template(name="t-x", index_patterns="t-x*", composed_of=["t-none"])
    with pytest.raises(BadRequestError, match=r"same priority \[5\]"):
        templates.indices.put_index_template(name="t-x", index_patterns="t-fi*", priority=5)
    with pytest.raises(BadRequestError, match=r"still in use by index templates \[t-films\]"):
        templates.cluster.delete_component_template(name="t-base")
    with pytest.raises(BadRequestError, match=r"The mapper type \[nonsense\] declared on field"):
        templates.cluster.put_component_template(
            name="t-x", template={"mappings": {"properties": {"a": {"type": "nonsense"}}}}
        )
    with pytest.raises(NotFoundError, match=r"index template matching \[t-x\] not found"):
        templates.indices.get_index_template(name="t-x")
    assert templates.indices.exists_index_template(name="t-films")


def test_new_fields_are_mapped_by_the_first_dynamic_template_that_matches(shared, fresh_index):
    index = fresh_index(
        dynamic_templates=[
            {"ids": {"match": "*_id", "mapping": {"type": "keyword"}}},
            {"numbers": {"match_mapping_type": "long", "mapping": {"type": "integer"}}},
            {"below": {"path_match": "data.*", "match_mapping_type": "string", "mapping": {"type": "{dynamic_type}"}}},
            {"strict": {"match": "raw", "match_mapping_type": "object", "mapping": {"enabled": False}}},
        ],
        documents=[
            {"film_id": 7, "n": 1, "data": {"a": "x"}, "raw": {"any": {"x": 1}}, "b": "y"},
            {"raw": {"any": "not an object"}},
        ],
    )  # fmt: skip
    found = shared.client.indices.get_mapping(index=index)[index]["mappings"]["properties"]
    assert found["film_id"] == {"type": "keyword"}
    assert found["n"] == {"type": "integer"}
    assert found["data"]["properties"] == {"a": {"type": "text"}}
    assert found["raw"] == {"type": "object", "enabled": False, "properties": {}}
    assert found["b"]["fields"]["keyword"]["type"] == "keyword"
    with pytest.raises(BadRequestError, match="must have match, path_match or match_mapping_type set"):
        shared.client.indices.put_mapping(index=index, dynamic_templates=[{"a": {"mapping": {}}}])
