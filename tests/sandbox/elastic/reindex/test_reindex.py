"""Reindex and update by query over the official client: counts, conflicts, slices, throttling, cancelling, retries."""

import time
from collections import Counter

import pytest
from elasticsearch import ApiError, BadRequestError, ConflictError, Elasticsearch, NotFoundError, helpers

from sandbox import process
from sandbox.elastic.ml import inference_ledger
from sandbox.elastic.options import ElasticOptions
from sandbox.options import Options

pytestmark = pytest.mark.slow

ELSER = ".elser_model_2"
MAPPINGS = {"properties": {"embedding": {"type": "sparse_vector"}}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    options = Options(vertex=False, elastic=ElasticOptions(refresh_seconds=0.05))
    with process.running(tmp_path_factory.mktemp("reindex"), options) as environment:
        client = Elasticsearch(environment["ELASTIC_URL"], max_retries=0, request_timeout=60)
        yield client
        client.close()


@pytest.fixture
def filled(server):
    """A client of a stand-in with documents in `films` and nothing else: `filled(50)`."""

    def start(count=10):
        fill(server, count)
        return server

    yield start
    server.tasks.cancel(wait_for_completion=True)
    server.indices.delete(index="films,copy", ignore_unavailable=True)


def fill(client, count):
    actions = [{"_index": "films", "_id": str(n), "plot": f"film {n}", "n": n} for n in range(count)]
    helpers.bulk(client, actions, refresh=True)


def reason(error):
    return error.value.body["error"]["reason"]


def copy(client, dest=None, source=None, **given):
    return client.reindex(
        source={"index": "films", **(source or {})}, dest={"index": "copy", **(dest or {})}, **given
    )


def wait_until(holds, seconds=30):
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def finished(client, task):
    return client.tasks.get(task_id=task, wait_for_completion=True, timeout="60s")


def test_a_copy_answers_with_the_counts_of_the_seed(filled):
    client = filled(12)
    found = copy(client, refresh=True)
    assert found.body | {"took": 0} == {
        "took": 0,
        "timed_out": False,
        "total": 12,
        "updated": 0,
        "created": 12,
        "deleted": 0,
        "batches": 1,
        "version_conflicts": 0,
        "noops": 0,
        "retries": {"bulk": 0, "search": 0},
        "throttled": "0s",
        "throttled_millis": 0,
        "requests_per_second": -1.0,
        "throttled_until": "0s",
        "throttled_until_millis": 0,
        "failures": [],
    }
    assert client.count(index="copy")["count"] == 12
    assert copy(client)["updated"] == 12


def test_a_copy_in_the_background_is_a_task_with_its_result_stored(filled):
    client = filled(12)
    task = copy(client.options(opaque_id="embed-1"), wait_for_completion=False)["task"]
    found = finished(client, task)
    assert found["completed"] is True
    assert found["task"]["action"] == "indices:data/write/reindex"
    assert found["task"]["description"] == "reindex from [films] to [copy]"
    assert found["task"]["headers"] == {"X-Opaque-Id": "embed-1"}
    assert found["task"]["status"]["created"] == 12
    assert found["response"]["created"] == 12
    assert "error" not in found


def test_a_part_is_copied_by_query_size_limit_and_fields(filled):
    client = filled(20)
    source = {"query": {"range": {"n": {"gte": 5}}}, "size": 4, "_source": ["n"]}
    found = copy(client, source=source, max_docs=10, refresh=True)
    assert (found["total"], found["created"], found["batches"]) == (10, 10, 3)
    assert client.get(index="copy", id="5")["_source"] == {"n": 5}


def test_fields_are_left_out_of_a_copy_wherever_they_stand(filled):
    client = filled(1)
    client.index(
        index="films", id="a", document={"n": 1, "old": {"a": 1.0}, "ml": {"t": 1, "u": 2}}, refresh=True
    )
    source = {"query": {"ids": {"values": ["a"]}}, "_source": {"excludes": ["old", "ml.t"]}}
    assert copy(client, source=source, refresh=True)["created"] == 1
    assert client.get(index="copy", id="a")["_source"] == {"n": 1, "ml": {"u": 2}}


def test_conflicts_end_a_copy_with_409_unless_it_is_to_proceed(filled):
    client = filled(10)
    client.index(index="copy", id="3", document={}, refresh=True)
    with pytest.raises(ConflictError) as error:
        copy(client, {"op_type": "create"})
    body = error.value.body
    assert (body["created"], body["version_conflicts"]) == (9, 1)
    (failure,) = body["failures"]
    assert (failure["index"], failure["id"], failure["status"]) == ("copy", "3", 409)
    assert failure["cause"]["type"] == "version_conflict_engine_exception"
    found = copy(client, {"op_type": "create"}, conflicts="proceed")
    assert (found["created"], found["version_conflicts"], found["failures"]) == (0, 10, [])


def test_slices_are_tasks_below_one_that_sums_those_that_have_ended(filled):
    client = filled(60)
    task = copy(client, source={"size": 5}, slices=3, requests_per_second=3, wait_for_completion=False)[
        "task"
    ]

    def children():
        found = client.tasks.list(parent_task_id=task, detailed=True)["nodes"]
        return [each for node in found.values() for each in node["tasks"].values()]

    below = wait_until(lambda: len(children()) == 3 and children())
    assert {each["parent_task_id"] for each in below} == {task}
    running = client.tasks.get(task_id=task)["task"]["status"]
    assert (running["slices"], running["total"], running["requests_per_second"]) == ([None] * 3, 0, 0.0)
    (node,) = client.reindex_rethrottle(task_id=task, requests_per_second=-1)["nodes"].values()
    told = node["tasks"][task]["status"]
    assert (len(told["slices"]), told["total"], told["requests_per_second"]) == (3, 60, -1.0)
    found = finished(client, task)
    assert found["response"]["created"] == 60
    assert [each["slice_id"] for each in found["response"]["slices"]] == [0, 1, 2]
    assert sum(each["created"] for each in found["response"]["slices"]) == 60


def test_manual_slices_part_the_documents_between_them(filled):
    client = filled(50)
    counts = [copy(client, source={"slice": {"id": number, "max": 2}})["created"] for number in (0, 1)]
    assert sum(counts) == 50
    assert min(counts) > 10


def test_throttling_pauses_between_batches_and_is_changed_while_it_runs(filled):
    client = filled(30)
    task = copy(client, source={"size": 10}, requests_per_second=0.5, wait_for_completion=False)["task"]
    status = wait_until(
        lambda: (
            (found := client.tasks.get(task_id=task)["task"]["status"])["throttled_until_millis"] > 5000
            and found
        )
    )
    assert (status["batches"], status["created"], status["requests_per_second"]) == (1, 10, 0.5)
    changed = client.reindex_rethrottle(task_id=task, requests_per_second=100)
    (node,) = changed["nodes"].values()
    assert node["tasks"][task]["status"]["requests_per_second"] == 100.0
    found = finished(client, task)["response"]
    assert found["created"] == 30
    assert found["throttled_millis"] < 15_000


def test_a_cancelled_copy_says_so_and_keeps_what_it_wrote(filled):
    client = filled(30)
    task = copy(client, source={"size": 10}, requests_per_second=0.5, wait_for_completion=False)["task"]
    wait_until(lambda: client.tasks.get(task_id=task)["task"]["status"]["created"])
    cancelled = client.tasks.cancel(task_id=task, wait_for_completion=True)
    (node,) = cancelled["nodes"].values()
    assert node["tasks"][task]["cancelled"] is True
    found = finished(client, task)
    assert found["response"]["canceled"] == "by user request"
    assert found["response"]["created"] == 10
    assert found["response"]["failures"] == []
    assert client.tasks.cancel(actions="*reindex").body == {"nodes": {}}


def test_running_copies_are_lost_with_the_server_and_results_are_not(elastic_server):
    first = elastic_server()
    fill(first.client, 30)
    done = copy(first.client, wait_for_completion=False)["task"]
    finished(first.client, done)
    slow = {"source": {"size": 10}, "requests_per_second": 0.5, "wait_for_completion": False}
    lost = copy(first.client, {"index": "other"}, **slow)["task"]
    first.sandbox.kill()
    client = elastic_server().client
    assert finished(client, done)["response"]["created"] == 30
    with pytest.raises(NotFoundError) as error:
        client.tasks.get(task_id=lost)
    assert reason(error) == f"task [{lost}] isn't running and hasn't stored its results"
    with pytest.raises(NotFoundError) as error:
        client.tasks.get(task_id="foo:1")
    assert reason(error) == (
        "task [foo:1] belongs to the node [foo] which isn't part of the cluster and there is no record of the task"
    )


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"source": {"query": {"nonsense": {}}}}, "unknown query [nonsense]"),
        ({"source": {"size": "x"}}, "Failed to parse int parameter [size] with value [x]"),
        ({"source": {"slice": {"id": "x", "max": 2}}}, "Failed to parse int parameter [id] with value [x]"),
        ({"source": {"slice": {"id": 2, "max": 2}}}, "[slice] cannot be read"),
        ({"source": {"sort": ["n"]}}, "takes no [sort]"),
        ({"source": {"runtime_mappings": {"a": {"type": "long"}}}}, "takes no [runtime_mappings]"),
        ({"dest": {"routing": "=a"}}, "takes no [routing]"),
        ({"max_docs": 2, "slices": 3}, "[max_docs] should be >= [slices]"),
        ({"max_docs": 0}, "[max_docs] should be >= [slices]"),
        ({"refresh": "wait_for"}, "Failed to parse value [wait_for]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_refused_at_once_also_for_the_background(filled, given, text):
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
def test_an_update_by_query_that_cannot_be_is_refused_at_once(filled, body):
    client = filled()
    with pytest.raises(BadRequestError):
        client.update_by_query(index="films", body=body, wait_for_completion=False)


def test_an_error_before_the_first_document_is_the_tasks_error(filled):
    client = filled()
    task = client.reindex(source={"index": "nope"}, dest={"index": "copy"}, wait_for_completion=False)["task"]
    found = finished(client, task)
    assert found["completed"] is True
    assert found["error"]["type"] == "index_not_found_exception"
    assert "response" not in found


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
def test_impossible_wishes_are_refused_in_the_services_words(filled, given, text):
    client = filled(1)
    with pytest.raises(BadRequestError) as error:
        client.reindex(**{"source": {"index": "films"}, "dest": {"index": "copy"}, **given})
    assert reason(error) == text


def test_documents_are_embedded_on_their_way(with_model, embedding_pipeline):
    elastic = with_model()
    client = elastic.client
    fill(client, 40)
    embedding_pipeline(client)
    client.indices.create(index="copy", mappings=MAPPINGS)
    found = copy(client, {"pipeline": "embed"}, refresh=True)
    assert (found["created"], found["failures"]) == (40, [])
    assert client.count(index="copy", query={"exists": {"field": "embedding"}})["count"] == 40
    assert inference_ledger.read(elastic.state) == Counter(f"film {n}" for n in range(40))


def test_a_batch_that_the_queue_refuses_in_part_is_sent_again_until_it_is_in(with_model, embedding_pipeline):
    elastic = with_model({"queue_capacity": 8, "cache_size": "0"}, inference_seconds=0.005)
    client = elastic.client
    fill(client, 40)
    embedding_pipeline(client)
    client.indices.create(index="copy", mappings=MAPPINGS)
    found = copy(client, {"pipeline": "embed"}, {"size": 20}, refresh=True)
    assert (found["created"], found["failures"], found["batches"]) == (40, [], 2)
    assert found["retries"]["bulk"] == 4
    assert inference_ledger.read(elastic.state) == Counter(f"film {n}" for n in range(40))


def test_one_failure_that_is_no_rejection_ends_the_copy_after_its_batch(with_model, embedding_pipeline):
    client = with_model().client
    client.index(index="films", id="without", document={"n": 3})
    fill(client, 40)
    embedding_pipeline(client)
    client.indices.create(index="copy", mappings=MAPPINGS)
    task = copy(client, {"pipeline": "embed"}, {"size": 10}, wait_for_completion=False)["task"]
    found = finished(client, task)
    assert found["completed"] is True
    assert "error" not in found
    failed = [failure for failure in found["response"]["failures"] if failure["id"] == "without"]
    assert failed[0]["status"] == 400
    assert failed[0]["cause"]["reason"] == "field [plot] not present as part of path [plot]"
    assert (found["response"]["created"], found["response"]["batches"]) == (9, 1)


def test_update_by_query_mends_what_has_no_embedding(with_model, embedding_pipeline):
    elastic = with_model()
    client = elastic.client
    fill(client, 20)
    embedding_pipeline(client)
    client.indices.create(index="copy", mappings=MAPPINGS)
    copy(client, {"pipeline": "embed"}, max_docs=12, refresh=True)
    copy(client, {"op_type": "create", "pipeline": "_none"}, conflicts="proceed", refresh=True)
    missing = {"bool": {"must_not": {"exists": {"field": "embedding"}}}}
    assert client.count(index="copy", query=missing)["count"] == 8
    task = client.update_by_query(index="copy", query=missing, pipeline="embed", wait_for_completion=False)[
        "task"
    ]
    found = finished(client, task)
    assert found["task"]["action"] == "indices:data/write/update/byquery"
    assert found["task"]["description"] == "update-by-query [copy]"
    assert found["response"]["updated"] == 8
    assert "created" not in found["response"]
    client.indices.refresh(index="copy")
    assert client.count(index="copy", query=missing)["count"] == 0
    assert set(inference_ledger.read(elastic.state).values()) == {1}


def test_the_older_spelling_of_inference_writes_below_its_target(with_model):
    client = with_model().client
    processor = {
        "model_id": ELSER,
        "target_field": "ml",
        "field_map": {"plot": "text_field"},
        "inference_config": {"text_expansion": {"results_field": "tokens"}},
    }
    client.ingest.put_pipeline(id="old", processors=[{"inference": processor}])
    doc = client.ingest.simulate(id="old", docs=[{"_source": {"plot": "a dog"}}])["docs"][0]["doc"]["_source"]
    assert doc["ml"]["model_id"] == ELSER
    assert next(iter(doc["ml"]["tokens"])) == "dog"


@pytest.mark.parametrize("parent", ["", "ml."], ids=["at the root", "in an object"])
def test_inference_writes_the_model_and_the_cut_beside_its_output_and_appends_to_what_is_there(
    with_model, parent
):
    client = with_model().client
    pairs = [{"input_field": name, "output_field": f"{parent}{name}_tokens"} for name in ("plot", "title")]
    processors = [{"inference": {"model_id": ELSER, "input_output": pairs}}]
    client.ingest.put_pipeline(id="twice", processors=processors)

    def after(source):
        doc = client.ingest.simulate(id="twice", docs=[{"_source": source}])["docs"][0]["doc"]["_source"]
        return doc["ml"] if parent else doc

    texts = {"plot": "a dog " * 600, "title": "a cat"}
    fresh = after(texts)
    assert (fresh["model_id"], fresh["is_truncated"]) == (ELSER, True)

    own = {"plot_tokens": {"old": 1.0}, "model_id": "XK-120", "is_truncated": ["no"]}
    found = after({**texts, **({"ml": own} if parent else own)})
    assert found["plot_tokens"] == [{"old": 1.0}, fresh["plot_tokens"]]
    assert found["title_tokens"] == fresh["title_tokens"]
    assert found["model_id"] == ["XK-120", ELSER]
    assert found["is_truncated"] == ["no", True]


@pytest.mark.parametrize("version", ["9.1", "9.5"])
def test_the_management_of_reindex_operations_is_there_since_9_5(elastic_server, version):
    # Client 8 serves 9.x servers, but has no method for what only they have.
    client = elastic_server(version=version).client
    fill(client, 30)
    task = copy(client, source={"size": 10}, requests_per_second=0.5, wait_for_completion=False)["task"]
    headers = {"accept": "application/vnd.elasticsearch+json; compatible-with=8"}

    def call(method, path):
        return client.perform_request(method, path, headers=headers).body

    if version == "9.1":
        for method, path in (
            ("GET", "/_reindex"),
            ("GET", f"/_reindex/{task}"),
            ("POST", f"/_reindex/{task}/_cancel"),
        ):
            with pytest.raises(ApiError) as error:
                call(method, path)
            assert error.value.status_code in (400, 405)
        return
    assert [each["id"] for each in call("GET", "/_reindex")["reindex"]] == [task]
    assert call("GET", f"/_reindex/{task}")["completed"] is False
    assert call("POST", f"/_reindex/{task}/_cancel")["response"]["canceled"] == "by user request"
    assert call("GET", f"/_reindex/{task}")["completed"] is True
    with pytest.raises(NotFoundError) as error:
        call("POST", f"/_reindex/{task}/_cancel")
    assert reason(error) == f"reindex task [{task}] either not found or completed"


def test_a_pipeline_that_swallows_rejections_hides_them_from_the_copy(with_model):
    client = with_model({"queue_capacity": 4, "cache_size": "0"}, inference_seconds=0.02).client
    fill(client, 20)
    fields = {"input_field": "plot", "output_field": "embedding"}
    processor = {
        "model_id": ELSER,
        "input_output": fields,
        "on_failure": [{"set": {"field": "failed", "value": 1}}],
    }
    client.ingest.put_pipeline(id="swallow", processors=[{"inference": processor}])
    client.indices.create(index="copy", mappings=MAPPINGS)
    found = copy(client, {"pipeline": "swallow"}, refresh=True)
    assert (found["created"], found["failures"], found["retries"]["bulk"]) == (20, [], 0)
    assert client.count(index="copy", query={"exists": {"field": "embedding"}})["count"] == 5
    assert client.count(index="copy", query={"exists": {"field": "failed"}})["count"] == 15


def test_automatic_slices_are_one_for_each_shard(elastic_server):
    client = elastic_server().client
    client.indices.create(index="films", settings={"number_of_shards": 3})
    fill(client, 30)
    found = copy(client, slices="auto")
    assert len(found["slices"]) == 3
    assert found["created"] == 30


def test_external_versions_keep_what_is_newer(filled):
    client = filled(3)
    for _ in range(3):
        client.index(index="copy", id="1", document={"newer": True}, refresh=True)
    found = copy(client, {"version_type": "external"}, conflicts="proceed")
    assert (found["created"], found["version_conflicts"]) == (2, 1)
    assert client.get(index="copy", id="1")["_source"] == {"newer": True}
    assert client.get(index="copy", id="0")["_version"] == 1


def test_a_document_that_changed_meanwhile_is_a_conflict_of_update_by_query(filled):
    client = filled(20)
    given = {"scroll_size": 10, "requests_per_second": 0.5, "wait_for_completion": False}
    task = client.update_by_query(index="films", conflicts="proceed", **given)["task"]
    wait_until(lambda: client.tasks.get(task_id=task)["task"]["status"]["updated"])
    client.index(index="films", id="15", document={"changed": True})
    client.update_by_query_rethrottle(task_id=task, requests_per_second=-1)
    found = finished(client, task)["response"]
    assert (found["updated"], found["version_conflicts"]) == (19, 1)
    assert client.get(index="films", id="15")["_source"] == {"changed": True}


def test_a_copy_whose_source_is_deleted_tells_it_as_a_failure(filled):
    client = filled(20)
    task = copy(client, source={"size": 10}, requests_per_second=1, wait_for_completion=False)["task"]
    wait_until(lambda: client.tasks.get(task_id=task)["task"]["status"]["created"])
    client.indices.delete(index="films")
    client.reindex_rethrottle(task_id=task, requests_per_second=-1)
    found = finished(client, task)["response"]
    assert (found["created"], found["total"]) == (10, 20)
    (failure,) = found["failures"]
    assert (failure["status"], failure["reason"]["type"]) == (404, "search_context_missing_exception")


@pytest.mark.parametrize("slices", [1, 2])
def test_a_copy_whose_batch_takes_longer_than_its_scroll_is_kept_fails(
    with_model, embedding_pipeline, slices
):
    client = with_model({"cache_size": "0"}, inference_seconds=0.05).client
    fill(client, 20)
    embedding_pipeline(client)
    client.indices.create(index="copy", mappings=MAPPINGS)
    given = {"source": {"size": 10}, "slices": slices, "wait_for_completion": False}
    task = copy(client, {"pipeline": "embed"}, scroll="100ms", **given)["task"]
    found = finished(client, task)
    assert found["error"]["type"] == "search_context_missing_exception"
    assert client.count(index="films")["count"] == 20


def test_pauses_of_the_throttle_do_not_let_a_scroll_expire(filled):
    client = filled(20)
    found = copy(client, source={"size": 10}, requests_per_second=5, scroll="1s")
    assert (found["created"], found["failures"]) == (20, [])
    assert found["throttled_millis"] > 1000


def test_tasks_are_listed_by_action_and_below_their_parents(filled):
    client = filled(30)
    slow = {"source": {"size": 5}, "requests_per_second": 1, "slices": 2, "wait_for_completion": False}
    task = copy(client, **slow)["task"]
    listed = wait_until(
        lambda: (
            len(
                (found := client.tasks.list(actions="*reindex", group_by="parents")["tasks"])
                .get(task, {})
                .get("children", [])
            )
            == 2
            and found
        )
    )
    assert list(listed) == [task]
    assert "status" not in listed[task]
    assert client.tasks.list(actions="*byquery").body == {"nodes": {}}
    client.tasks.cancel(actions="*reindex", wait_for_completion=True)
    assert client.tasks.list(actions="*reindex").body == {"nodes": {}}
