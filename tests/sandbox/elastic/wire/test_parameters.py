"""Query parameters: each one that the official client can send is honoured, means nothing here, or is refused by name."""

import ast
import http.client
import inspect
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from elasticsearch import ApiError, BadRequestError, ConflictError, Elasticsearch

import sandbox.elastic
from sandbox.elastic.cluster import Cluster
from sandbox.elastic.errors import Refusal
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.wire.parameters import rules, table

CODE = Path(sandbox.elastic.__file__).parent
CLIENT = Elasticsearch("http://127.0.0.1:9200")


@pytest.fixture(scope="module")
def apis(tmp_path_factory):
    """The names of all APIs that a stand-in answers."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), ElasticOptions())
    yield {route.api for route in cluster.routes.all}
    cluster.close()


def sent(api):
    """The query parameters of a method of the official client; none if this client does not have it."""
    method = CLIENT
    for name in api.split("."):
        method = getattr(method, name, None)
    source = inspect.getsource(inspect.unwrap(method)) if method else ""
    return set(re.findall(r'__query\["(\w+)"\]', source))


def test_every_parameter_that_the_client_can_send_is_in_the_table(apis):
    assert apis - set(table.TABLE) == set()
    passed_over = {api: sent(api) - set(table.of(api, "q")) for api in sorted(table.TABLE)}
    assert {api: names for api, names in passed_over.items() if names} == {}


def test_every_parameter_that_is_called_honoured_is_read_somewhere(apis):
    words = set()
    for path in CODE.rglob("*.py"):
        if "parameters" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    words.update(node.value.split())
    honoured = {
        name
        for known in (table.EVERYWHERE, *(table.TABLE[api] for api in apis))
        for name, rule in known.items()
        if rule is rules.HONOURED
    }
    assert honoured - words == set()


def test_every_parameter_that_is_not_imitated_is_refused_by_name():
    refused = 0
    for api, known in table.TABLE.items():
        for name, rule in known.items():
            if rule.accepted is None:
                continue
            with pytest.raises(
                Refusal, match=rf"does not support \[{name}\] with value \[something\] in \[{api}\]"
            ):
                rule.apply(api, name, "something")
            refused += 1
    assert refused > 50


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/_search?sise=3", "unrecognized parameter: [sise] -> did you mean [size]?"),
        ("/_count?zzzzzz=1", "request [/_count] contains unrecognized parameter: [zzzzzz]"),
        ("/_count?zzzzzz=1&yyyyyy=1", "unrecognized parameters: [yyyyyy], [zzzzzz]"),
        ("/_search?df=title", "unrecognized parameter: [df]"),
        ("/_search?search_type=scan", "does not support [search_type] with value [scan]"),
        ("/_search?pretty=yes", "does not support [pretty] with value [yes]"),
        ("/nowhere/_search?error_trace=yes", "does not support [error_trace] with value [yes]"),
        ("/_refresh?expand_wildcards=some", "No valid expand wildcard value [some]"),
        ("/_cluster/health?master_timeout=soon", "failed to parse setting [master_timeout]"),
    ],
)
def test_an_unknown_parameter_or_value_is_refused(shared, path, problem):
    with pytest.raises(BadRequestError) as failed:
        shared.client.perform_request("GET", path, headers={"accept": "application/json"})
    assert problem in failed.value.body["error"]["reason"]


def test_two_similar_names_are_both_suggested():
    refusal = rules.unrecognized("/x", ["track_score"], ["track_scores", "track_scored", "routing"])
    assert str(refusal).endswith("[track_score] -> did you mean any of [track_scored, track_scores]?")


def test_a_count_takes_a_least_score_and_a_limit_of_each_index(shared, fresh_index):
    index = fresh_index(documents=[{"t": "dog dog"}, {"t": "dog"}, {"t": "a dog among many other words"}])
    count, query = shared.client.count, {"match": {"t": "dog"}}
    best = shared.client.search(index=index, query=query)["hits"]["max_score"]
    assert count(index=index, query=query, min_score=best)["count"] == 1
    limited = count(index=index, query=query, terminate_after=2)
    assert (limited["count"], limited["terminated_early"]) == (2, True)
    assert "terminated_early" not in count(index=index, query=query)


def test_a_search_ends_early_and_shows_its_total_as_a_number(shared, fresh_index):
    index = fresh_index(documents=[{"n": n} for n in range(5)])
    search = shared.client.search
    early = search(index=index, terminate_after=2, sort="n:desc")
    assert (early["terminated_early"], early["hits"]["total"]["value"]) == (True, 2)
    assert [hit["_source"]["n"] for hit in early["hits"]["hits"]] == [1, 0]
    assert search(index=index, terminate_after=5)["terminated_early"] is False
    assert search(index=index, rest_total_hits_as_int=True)["hits"]["total"] == 5
    assert search(index=index, rest_total_hits_as_int=True, track_total_hits=False)["hits"]["total"] == -1
    with pytest.raises(BadRequestError, match="if the tracking of total hits is not accurate, got 3"):
        search(index=index, rest_total_hits_as_int=True, track_total_hits=3)
    scroll = search(index=index, scroll="1m", size=2, rest_total_hits_as_int=True)["_scroll_id"]
    assert shared.client.scroll(scroll_id=scroll, rest_total_hits_as_int=True)["hits"]["total"] == 5


@pytest.mark.parametrize("key", ["profile", "suggest", "rescore", "runtime_mappings", "script_fields"])
def test_a_known_part_of_a_search_that_is_not_imitated_is_refused_by_name(shared, fresh_index, key):
    with pytest.raises(BadRequestError, match=rf"searches do not support \[{key}\]"):
        shared.client.search(index=fresh_index(), body={key: {"a": 1}})
    with pytest.raises(BadRequestError, match=r"Unknown key for a START_OBJECT in \[junk\]\."):
        shared.client.search(index=fresh_index(), body={"junk": {}})


def test_a_document_is_read_by_its_version_and_after_a_refresh(shared, fresh_index):
    index, client = fresh_index(), shared.client
    client.index(index=index, id="1", document={"n": 1})
    assert client.get(index=index, id="1", version=1, refresh=True)["found"]
    assert client.count(index=index)["count"] == 1
    for call in (client.get, client.get_source):
        with pytest.raises(
            ConflictError, match=r"current version \[1\] is different than the one provided \[7\]"
        ):
            call(index=index, id="1", version=7)


def test_hidden_indices_are_matched_by_wildcards_only_where_they_are_asked_for(shared, fresh_index):
    index = fresh_index(settings={"hidden": True}, documents=[{"n": 1}])
    pattern, get = f"{index[:-1]}*", shared.client.indices.get
    assert list(get(index=pattern)) == []
    assert list(get(index=pattern, expand_wildcards="all")) == [index]
    assert list(get(index=pattern, expand_wildcards="open,hidden")) == [index]
    assert list(get(index=pattern, expand_wildcards="none")) == []
    assert list(get(index=index)) == [index]


def test_settings_that_are_there_are_preserved(shared, fresh_index):
    index, client = fresh_index(settings={"refresh_interval": "5s"}), shared.client
    changes = {"refresh_interval": "7s", "max_result_window": 20}
    client.indices.put_settings(index=index, settings=changes, preserve_existing=True)
    own = client.indices.get_settings(index=index, flat_settings=True)[index]["settings"]
    assert (own["index.refresh_interval"], own["index.max_result_window"]) == ("5s", "20")


def test_two_limits_of_a_reindex_must_be_the_same(shared, fresh_index):
    source, dest = {"index": fresh_index()}, {"index": fresh_index()}
    body = {"source": source, "dest": dest, "max_docs": 3, "size": 4}
    with pytest.raises(BadRequestError, match=r"\[max_docs\] set to two different values \[3\] and \[4\]"):
        shared.client.reindex(body=body)


def test_statistics_show_the_metrics_and_the_level_that_are_asked_for(shared, fresh_index):
    index, stats = fresh_index(documents=[{"n": 1}]), shared.client.indices.stats
    shared.client.search(index=index)
    whole = stats(index=index)
    assert whole["indices"][index]["primaries"]["search"]["query_total"] == 1
    assert stats(index=index, metric="docs")["_all"]["primaries"]["docs"]["count"] == 1
    assert set(stats(index=index, metric="docs")["_all"]["primaries"]) == {"docs"}
    assert "indices" not in stats(index=index, level="cluster")
    with pytest.raises(BadRequestError, match=r"contains unrecognized metric: \[nonsense\]"):
        stats(index=index, metric="nonsense")
    with pytest.raises(BadRequestError, match=r"does not count \[merge\]"):
        stats(index=index, metric="merge")


def test_health_is_shown_for_indices_and_waits_for_shards(shared, fresh_index):
    index, health = fresh_index(settings={"number_of_replicas": 1}), shared.client.cluster.health
    shown = health(index=index, level="shards")
    assert shown["indices"][index]["shards"]["0"]["unassigned_shards"] == 1
    assert shown["unassigned_primary_shards"] == 0
    assert health(index=index, wait_for_active_shards=1)["active_shards"] == 1
    with pytest.raises(ApiError) as late:
        health(index=index, wait_for_active_shards="all", timeout="100ms")
    assert late.value.status_code == 408


def test_cat_tables_are_sorted_filtered_and_in_the_unit_that_is_asked_for(shared, fresh_index):
    one, two = fresh_index(documents=[{"n": 1}]), fresh_index(documents=[{"n": 1}, {"n": 2}])
    rows = shared.client.cat.indices(
        index=[one, two], format="json", s="docs.count:desc", h="index,store.size", bytes="b"
    )
    assert [row["index"] for row in rows] == [two, one]
    assert all(row["store.size"].isdigit() for row in rows)
    assert shared.client.cat.indices(index=[one, two], format="json", health="green").body == []


def test_the_list_of_tasks_contains_the_call_itself_with_its_opaque_id(shared):
    client = shared.client.options(opaque_id="mine")
    (node,) = client.tasks.list(actions="cluster:monitor/tasks/*", detailed=True)["nodes"].values()
    own, part = sorted(node["tasks"].values(), key=lambda task: task["id"])
    assert [own["action"], part["action"]] == [
        "cluster:monitor/tasks/lists",
        "cluster:monitor/tasks/lists[n]",
    ]
    assert part["parent_task_id"] == f"{own['node']}:{own['id']}"
    assert own["headers"] == part["headers"] == {"X-Opaque-Id": "mine"}
    assert own["cancellable"] is False


BODIES = [
    ("POST", "/_aliases"),
    ("PUT", "/INDEX/_alias/second"),
    ("PUT", "/INDEX/_mapping"),
    ("PUT", "/INDEX/_settings"),
    ("PUT", "/nonsense-index"),
    ("POST", "/INDEX/_search"),
    ("POST", "/INDEX/_count"),
    ("POST", "/INDEX/_pit?keep_alive=1m"),
    ("DELETE", "/_pit"),
    ("POST", "/_search/scroll"),
    ("DELETE", "/_search/scroll"),
    ("POST", "/_search/template"),
    ("POST", "/_render/template"),
    ("PUT", "/_scripts/s"),
    ("POST", "/_mget"),
    ("POST", "/INDEX/_update/1"),
    ("POST", "/_reindex"),
    ("POST", "/INDEX/_update_by_query"),
    ("PUT", "/_ingest/pipeline/p"),
    ("POST", "/_ingest/pipeline/_simulate"),
    ("PUT", "/_ml/trained_models/m"),
    ("PUT", "/_ml/trained_models/m/definition/0"),
    ("PUT", "/_ml/trained_models/m/vocabulary"),
    ("POST", "/_ml/trained_models/m/_infer"),
    ("POST", "/_ml/trained_models/.elser_model_2/deployment/_start"),
    ("POST", "/_ml/trained_models/m/deployment/_stop"),
]


@pytest.mark.parametrize(("method", "path"), BODIES, ids=lambda value: value)
def test_an_unknown_field_of_a_body_is_refused_by_name(shared, fresh_index, method, path):
    index = fresh_index(documents=[{"n": 1}])
    body = {"doc": {}, "nonsense": {"a": 1}} if "_update/" in path else {"nonsense": {"a": 1}}
    if "pipeline/p" in path:
        body["processors"] = []
    with pytest.raises(BadRequestError) as failed:
        shared.client.perform_request(
            method,
            path.replace("INDEX", index),
            headers={"accept": "application/json", "content-type": "application/json"},
            body=body,
        )
    assert "nonsense" in str(failed.value.body)


def test_a_pretty_answer_is_indented(shared):
    reply = http.client.HTTPConnection(urlsplit(shared.sandbox.environment["ELASTIC_URL"]).netloc)
    key = shared.sandbox.environment["ELASTIC_API_KEY"]
    reply.request("GET", "/?pretty&filter_path=tagline", headers={"Authorization": f"ApiKey {key}"})
    assert reply.getresponse().read() == b'{\n  "tagline": "You Know, for Search"\n}\n'
