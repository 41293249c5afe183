"""Taking down: all of ours under that name, nothing else, and nothing that appears later."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from sandbox.announced import announcement
from tasks.vertex.imports.buckets import ensure_bucket
from tasks.vertex.imports.storage import files_root
from tasks.vertex.specs import IndexSpec
from tests.polling import until

pytestmark = pytest.mark.slow
BY_LOOKS = {"advance": "reads", "reads": 40}


def assert_nothing(service, name):
    service.advance()
    assert service.counts(name) == (0, 0, 0)
    assert service.generations(name) == {}


def test_a_teardown_leaves_nothing_and_a_second_one_changes_nothing(service, build, teardown, name, home):
    build(service)
    own, of_another_region = (
        home / "work" / f"sandbox-project-{each}" / name / "content" for each in ("us-central1", "asia-east1")
    )
    own.mkdir(parents=True)
    of_another_region.mkdir(parents=True)
    teardown(service)
    assert_nothing(service, name)
    assert not own.parent.exists(), "what a killed build had written"
    assert of_another_region.exists(), "what a build of the same name elsewhere is uploading"
    writes = service.writes
    told = " ".join(teardown(service).err.split())
    where = (
        f"project {service.settings.project}, location us-central1, bucket {service.settings.bucket_name}."
    )
    assert f"Nothing to do: there is nothing of ours under the name '{name}' in {where}" in told
    assert service.writes == writes


def test_an_empty_bucket_that_a_killed_teardown_left_goes_with_the_next(service, run, teardown, name):
    ensure_bucket.fn(service.settings)
    bucket = service.storage.bucket(service.settings.bucket_name)
    bucket.delete_blobs(list(bucket.list_blobs()))  # of what other tests have built
    asked = run(service, "vertex", "teardown", "--name", name, "--target", "sandbox", code=2).error
    assert "the empty bucket" in asked
    assert bucket.exists()
    teardown(service)
    assert not bucket.exists()


@pytest.fixture
def locked(service, tmp_path):
    """An announcement of the service whose Cloud Storage answers every read with 403."""

    class Locked(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(403)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Locked)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    announced = json.loads(announcement(service.state).read_text())
    announced["environment"]["STORAGE_EMULATOR_HOST"] = f"http://127.0.0.1:{server.server_port}"
    file = tmp_path / "locked.json"
    file.write_text(json.dumps(announced))
    yield file
    server.shutdown()
    server.server_close()


def test_a_bucket_that_may_not_be_touched_is_noted_and_all_else_goes(service, build, run, name, locked):
    build(service)
    words = ["vertex", "teardown", "--name", name, "--target", "sandbox", "--yes"]
    told = run(service, *words, VECTOR_SEARCH_SANDBOX=str(locked)).err
    assert service.counts(name) == (0, 0, 0)
    assert service.generations(name)
    assert (
        f"Import files of {name}, if there are any, stay in bucket {service.settings.bucket_name}: " in told
    )
    again = run(service, *words, VECTOR_SEARCH_SANDBOX=str(locked)).err
    assert "Nothing to do" in again
    assert "is unknown: " in again


def test_without_yes_it_lists_what_would_go_and_removes_nothing(service, build, run, name):
    build(service)
    writes, generations = service.writes, service.generations(name)
    error = run(service, "vertex", "teardown", "--name", name, "--target", "sandbox", code=2).error
    index, endpoint = (
        each[0].name.rpartition("/")[2] for each in (service.indexes(name), service.endpoints(name))
    )
    (deployed,) = service.deployed(name)
    assert f"deployed index {deployed}; endpoint {endpoint}; index {index};" in error
    assert "import files (1)" in error
    assert "--yes" in error
    assert (service.writes, service.generations(name)) == (writes, generations)


@pytest.mark.parametrize("stage", ["create index", "create endpoint", "deploy index"])
def test_after_a_kill_it_leaves_nothing_that_appears_later(stage, service_with, build, begin, kill, name):
    service = service_with(**BY_LOOKS, list_while_creating=stage != "create index")
    command = build(service, begin=begin)
    while f"{stage} {name}: running" not in command.err:
        assert not command.has_ended, command.err
        if f"{stage.replace('deploy', 'create')} {name}: " not in command.err or stage == "deploy index":
            service.look()
    kill(command)
    assert service.unfinished
    if stage == "deploy index":
        # A service that does not take the cancellation: the deployment is awaited, then undone.
        service.fault("CancelOperation", "unavailable")
    command = begin(service, "vertex", "teardown", "--name", name, "--target", "sandbox", "--yes")
    assert service.drive(command).code == 0, command.err
    assert_nothing(service, name)


@pytest.mark.parametrize("method", ["CreateIndex", "CreateIndexEndpoint", "DeployIndex"])
def test_what_an_accepted_call_without_a_reply_makes_goes_too(
    method, service_with, build, begin, kill, teardown, name
):
    service = service_with(list_while_creating=False, listing_delay=2.0)
    struck = len(service.struck)
    service.fault(method, "stall", "after", seconds=60)
    command = build(service, begin=begin)
    until(lambda: method in service.struck[struck:], "the fault")
    kill(command)
    teardown(service)
    assert_nothing(service, name)


@pytest.mark.parametrize("method", ["UndeployIndex", "DeleteIndexEndpoint", "DeleteIndex"])
def test_a_killed_teardown_is_finished_by_the_next_one_or_by_a_build(
    method, service_with, build, begin, kill, name
):
    service = service_with(**BY_LOOKS)
    assert service.drive(build(service, begin=begin)).code == 0
    struck = len(service.struck)
    service.fault(method, "stall", "after", seconds=60)
    words = ["vertex", "teardown", "--name", name, "--target", "sandbox", "--yes"]
    command = begin(service, *words)
    while method not in service.struck[struck:]:
        assert not command.has_ended, command.err
        if method not in service.writes[-1:]:
            service.look()
    kill(command)
    assert service.unfinished

    command = begin(service, *words) if method != "UndeployIndex" else build(service, begin=begin)
    assert service.drive(command).code == 0, command.err
    if method == "UndeployIndex":
        assert service.counts(name) == (1, 1, 1)
    else:
        assert_nothing(service, name)


def test_what_is_not_ours_or_has_another_name_stays(service, build, teardown, name):
    build(service)
    build(service, name=f"{name}-2")
    clients, parent = service.clients, service.settings.parent
    metadata = {"config": IndexSpec(name=name, dimensions=8).config()}
    for labels in ({}, {"managed_by": "somebody"}, {"managed_by": "vector-search-ops", "name": "x"}):
        index = {"display_name": name, "metadata": metadata, "labels": labels}
        clients.indexes.create_index(parent=parent, index=index).result(timeout=60)
    endpoint = {"display_name": name, "public_endpoint_enabled": True}
    clients.endpoints.create_index_endpoint(parent=parent, index_endpoint=endpoint).result(timeout=60)
    bucket = service.storage.bucket(service.settings.bucket_name)
    others = [f"{files_root(service.settings, name).rstrip('/')}.json", f"elsewhere/{name}/0.json"]
    for other in others:
        bucket.blob(other).upload_from_string("{}")

    teardown(service)
    assert service.counts(name) == (3, 1, 0)
    assert service.counts(f"{name}-2") == (1, 1, 1)
    assert service.generations(name) == {}
    assert service.generations(f"{name}-2")
    for other in others:
        assert bucket.blob(other).exists()
        bucket.blob(other).delete()


@pytest.fixture
def theirs(service, name):
    """Another team's index and endpoint."""
    clients, parent = service.clients, service.settings.parent
    index = {
        "display_name": f"{name}-theirs",
        "metadata": {"config": IndexSpec(name=name, dimensions=8).config()},
    }
    endpoint = {"display_name": f"{name}-theirs", "public_endpoint_enabled": True}
    return (
        clients.indexes.create_index(parent=parent, index=index).result(timeout=60).name,
        clients.endpoints.create_index_endpoint(parent=parent, index_endpoint=endpoint)
        .result(timeout=60)
        .name,
    )


@pytest.mark.parametrize("whose", ["their index on our endpoint", "our index on their endpoint"])
def test_what_others_deployed_is_named_before_the_first_change(
    service, build, run, teardown, name, theirs, whose
):
    build(service)
    index, endpoint = theirs
    (our_index,), (our_endpoint,) = service.indexes(name), service.endpoints(name)
    on, what = (our_endpoint.name, index) if whose.startswith("their") else (endpoint, our_index.name)
    deployed = {"id": f"theirs_{name}".replace("-", "_"), "index": what}
    service.clients.endpoints.deploy_index(index_endpoint=on, deployed_index=deployed).result(timeout=60)
    writes, generations = service.writes, service.generations(name)
    words = ["vertex", "teardown", "--name", name, "--target", "sandbox"]
    for yes in ([], ["--yes"]):
        error = run(service, *words, *yes, code=1).error
        for part in (on, what, deployed["id"], "Nothing was changed", "undeploy"):
            assert part in error
    assert (service.writes, service.generations(name)) == (writes, generations)

    service.clients.endpoints.undeploy_index(index_endpoint=on, deployed_index_id=deployed["id"]).result(
        timeout=60
    )
    teardown(service)
    assert_nothing(service, name)
    assert service.counts(f"{name}-theirs") == (1, 1, 0)
