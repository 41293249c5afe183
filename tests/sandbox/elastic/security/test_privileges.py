"""API keys of limited rights: what they are told they may do is what they may do."""

import pytest
from elasticsearch import AuthenticationException, AuthorizationException, BadRequestError

from sandbox.elastic.cluster import Cluster
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.security.actions import ACTIONS, FREE
from sandbox.elastic.wire.parameters.table import TABLE


@pytest.fixture
def key_of(shared, request):
    """A client with a key of these rights: `key_of(cluster=["monitor"], indices=[...])`."""
    clients = []

    def made(**role):
        key = shared.client.security.create_api_key(
            name=request.node.name, role_descriptors={"limited": role} if role else None
        )
        clients.append(shared.client.options(api_key=key["encoded"]))
        return clients[-1]

    return made


def reason(refused):
    return refused.value.body["error"]["reason"]


def test_every_api_has_an_action():
    assert set(TABLE) == set(ACTIONS) | FREE


def test_a_key_without_descriptors_may_do_what_its_owner_may(key_of, fresh_index):
    client = key_of()
    assert client.count(index=fresh_index(documents=[{"n": 1}]))["count"] == 1
    assert client.security.has_privileges(cluster=["all"])["has_all_requested"]


def test_a_call_beyond_the_rights_of_a_key_is_refused_with_what_would_grant_it(key_of):
    client = key_of(cluster=["monitor"])
    assert client.info()["tagline"]
    with pytest.raises(AuthorizationException) as refused:
        client.ingest.put_pipeline(id="x", processors=[])
    id_ = client.security.authenticate()["api_key"]["id"]
    assert reason(refused) == (
        f"action [cluster:admin/ingest/pipeline/put] is unauthorized for API key id [{id_}] of user [sandbox], this action is "
        "granted by the cluster privileges [manage_ingest_pipelines,manage_pipeline,manage,all]"
    )
    assert refused.value.body["error"]["type"] == "security_exception"


def test_an_index_beyond_the_rights_of_a_key_is_named(key_of, fresh_index):
    mine, other = fresh_index(documents=[{"n": 1}]), fresh_index(documents=[{"n": 2}])
    client = key_of(indices=[{"names": [mine], "privileges": ["read"]}])
    assert client.search(index=mine)["hits"]["total"]["value"] == 1
    with pytest.raises(AuthorizationException) as refused:
        client.search(index=f"{mine},{other}")
    assert f"on indices [{other}], this action is granted by the index privileges [read,all]" in reason(
        refused
    )
    with pytest.raises(AuthorizationException) as refused:
        client.index(index=mine, document={})
    assert "granted by the index privileges [create_doc,create,index,write,all]" in reason(refused)


def test_a_wildcard_stands_for_what_a_key_may_see(key_of, fresh_index):
    mine, _ = fresh_index(documents=[{"n": 1}]), fresh_index(documents=[{"n": 2}])
    client = key_of(indices=[{"names": mine, "privileges": ["read", "view_index_metadata"]}])
    for index in ("index-*", "_all", None):
        assert client.search(index=index)["hits"]["total"]["value"] == 1
    assert list(client.indices.get(index="*")) == [mine]
    nothing = key_of(indices=[{"names": ["elsewhere"], "privileges": ["all"]}])
    assert nothing.search()["hits"]["total"]["value"] == 0


def test_a_missing_index_is_made_only_with_the_right_to_make_it(key_of, shared):
    rights = {"names": ["logs-limited"], "privileges": ["create_doc"]}
    with pytest.raises(AuthorizationException) as refused:
        key_of(indices=[rights]).index(index="logs-limited", document={})
    assert "[indices:admin/auto_create]" in reason(refused)
    rights["privileges"] = ["create_doc", "auto_configure"]
    operations = [{"index": {"_index": "logs-limited"}}, {"n": 1}]
    assert not key_of(indices=[rights]).bulk(operations=operations)["errors"]
    with pytest.raises(AuthorizationException, match="bulk"):
        key_of(indices=[rights]).bulk(operations=[*operations, {"index": {"_index": "other"}}, {}])
    shared.client.indices.delete(index="logs-limited")


def test_a_copy_needs_rights_on_both_sides_and_an_alias_on_both_names(key_of, fresh_index):
    source, dest = fresh_index(documents=[{"n": 1}]), fresh_index()
    read, write = {"names": [source], "privileges": ["read"]}, {"names": [dest], "privileges": ["write"]}
    for rights, missing in (([read], "data/write/index"), ([write], "data/read/search")):
        with pytest.raises(AuthorizationException, match=missing):
            key_of(indices=rights).reindex(source={"index": source}, dest={"index": dest})
    assert (
        key_of(indices=[read, write]).reindex(source={"index": source}, dest={"index": dest})["created"] == 1
    )
    add = [{"add": {"index": dest, "alias": f"{dest}-alias"}}]
    with pytest.raises(AuthorizationException, match=f"on indices \\[{dest}-alias\\]"):
        key_of(indices=[{"names": [dest], "privileges": ["manage"]}]).indices.update_aliases(actions=add)
    both = {"names": [f"{dest}*"], "privileges": ["manage"]}
    assert key_of(indices=[both]).indices.update_aliases(actions=add)["acknowledged"]


@pytest.mark.parametrize(
    ("held", "asked", "granted"),
    [
        (["manage"], "monitor", True),
        (["manage"], "manage_ml", True),
        (["manage"], "manage_security", False),
        (["manage"], "all", False),
        (["monitor"], "monitor_ml", True),
        (["monitor"], "manage_ml", False),
        (["manage_ml"], "monitor_ml", True),
        (["monitor_ml", "manage_ingest_pipelines"], "read_pipeline", True),
        ([], "monitor", False),
    ],
)
def test_greater_privileges_include_smaller_ones(key_of, held, asked, granted):
    client = key_of(cluster=held, indices=[])
    found = client.security.has_privileges(cluster=[asked])
    assert found.body == {
        "username": "sandbox",
        "has_all_requested": granted,
        "cluster": {asked: granted},
        "index": {},
        "application": {},
    }


def test_privileges_on_a_pattern_are_those_on_all_that_it_stands_for(key_of):
    client = key_of(indices=[{"names": ["films*"], "privileges": ["manage"]}])
    asked = [
        {"names": ["films", "films-*", "*"], "privileges": ["create_index", "read"]},
        {"names": ["films-1"], "privileges": ["view_index_metadata"]},
    ]
    found = client.security.has_privileges(index=asked)["index"]
    assert found["films"] == found["films-*"] == {"create_index": True, "read": False}
    assert found["*"] == {"create_index": False, "read": False}
    assert found["films-1"] == {"view_index_metadata": True}


def test_keys_are_listed_invalidated_and_refused_afterwards(key_of, shared):
    client = key_of(cluster=["monitor"])
    id_ = client.security.authenticate()["api_key"]["id"]
    security = shared.client.security
    (shown,) = security.get_api_key(id=id_)["api_keys"]
    assert (shown["invalidated"], shown["role_descriptors"]["limited"]["cluster"]) == (False, ["monitor"])
    assert "hash" not in shown
    assert security.invalidate_api_key(ids=[id_])["invalidated_api_keys"] == [id_]
    assert security.invalidate_api_key(ids=[id_])["previously_invalidated_api_keys"] == [id_]
    with pytest.raises(AuthenticationException):
        client.info()
    assert security.get_api_key(id=id_, active_only=True)["api_keys"] == []


def test_what_a_role_cannot_be_is_refused_by_name(key_of, shared):
    def refused(**role):
        with pytest.raises(BadRequestError) as found:
            key_of(**role)
        return reason(found)

    assert "unknown cluster privilege [fly]" in refused(cluster=["fly"])
    assert "unknown index privilege [fly]" in refused(indices=[{"names": ["a"], "privileges": ["fly"]}])
    fields = {"names": ["a"], "privileges": ["read"], "field_security": {"grant": ["x"]}}
    assert "does not support [field_security]" in refused(indices=[fields])
    with pytest.raises(BadRequestError, match="derived"):
        key_of(cluster=["manage_security"]).security.create_api_key(name="derived")
    with pytest.raises(BadRequestError, match="at least one privilege"):
        shared.client.security.has_privileges()


def test_a_key_is_valid_until_it_expires(tmp_path):
    cluster = Cluster(tmp_path, ElasticOptions())
    made = {seconds: cluster.keys.create("short", {}, {}, seconds) for seconds in (-1.0, 60.0)}
    assert cluster.keys.caller(made[-1.0]["encoded"]) is None
    assert cluster.keys.caller(made[60.0]["encoded"]).name == "short"
    cluster.close()


def test_a_sandbox_without_keys_has_no_apis_of_security(tmp_path):
    cluster = Cluster(tmp_path, ElasticOptions(), is_secured=False)
    assert not [route.api for route in cluster.routes.all if route.api.startswith("security.")]
    cluster.close()


def test_each_of_several_searches_is_held_to_the_rights_of_the_key(key_of, fresh_index):
    mine, other = fresh_index(documents=[{"n": 1}]), fresh_index(documents=[{"n": 2}])
    client = key_of(indices=[{"names": [mine], "privileges": ["read"]}])
    allowed, refused = client.msearch(searches=[{"index": mine}, {}, {"index": other}, {}])["responses"]
    assert allowed["hits"]["total"]["value"] == 1
    assert (refused["status"], refused["error"]["type"]) == (403, "security_exception")
