"""Taking down: all of ours under that name, nothing else, and nothing that appears later."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from sandbox.announced import announcement
from tasks.vertex.specs import IndexSpec
from tests.polling import until

pytestmark = pytest.mark.slow
BY_LOOKS = {"advance": "reads", "reads": 40}


def assert_nothing(town, name):
    town.advance()
    assert town.counts(name) == (0, 0, 0)
    assert town.generations(name) == {}


def test_a_teardown_leaves_nothing_and_a_second_one_changes_nothing(town, build, teardown, name, home):
    build(town)
    (home / "work" / name / "content").mkdir(parents=True)
    teardown(town)
    assert_nothing(town, name)
    assert not (home / "work" / name).exists(), "what a killed build had written"
    writes = town.writes
    told = " ".join(teardown(town).err.split())
    where = f"project {town.settings.project}, location us-central1, bucket {town.settings.bucket_name}."
    assert f"Nothing to do: there is nothing of ours under the name '{name}' in {where}" in told
    assert town.writes == writes


@pytest.fixture
def locked(town, tmp_path):
    """An announcement of the town whose Cloud Storage answers every read with 403."""

    class Locked(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(403)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Locked)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    announced = json.loads(announcement(town.state).read_text())
    announced["environment"]["STORAGE_EMULATOR_HOST"] = f"http://127.0.0.1:{server.server_port}"
    file = tmp_path / "locked.json"
    file.write_text(json.dumps(announced))
    yield file
    server.shutdown()
    server.server_close()


def test_a_bucket_that_may_not_be_touched_is_noted_and_all_else_goes(town, build, run, name, locked):
    build(town)
    words = ["vertex", "teardown", "--name", name, "--target", "sandbox", "--yes"]
    told = run(town, *words, VECTOR_SEARCH_SANDBOX=str(locked)).err
    assert town.counts(name) == (0, 0, 0)
    assert town.generations(name)
    assert f"Import files of {name}, if there are any, stay in bucket {town.settings.bucket_name}: " in told
    again = run(town, *words, VECTOR_SEARCH_SANDBOX=str(locked)).err
    assert "Nothing to do" in again
    assert "is not known: " in again


def test_without_yes_it_lists_what_would_go_and_removes_nothing(town, build, run, name):
    build(town)
    writes, generations = town.writes, town.generations(name)
    error = run(town, "vertex", "teardown", "--name", name, "--target", "sandbox", code=2).error
    for resource in (town.indexes(name)[0].name, town.endpoints(name)[0].name, *town.deployed(name)):
        assert resource in error
    assert "import files (1)" in error
    assert "--yes" in error
    assert (town.writes, town.generations(name)) == (writes, generations)


@pytest.mark.parametrize("stage", ["create index", "create endpoint", "deploy index"])
def test_after_a_kill_it_leaves_nothing_that_appears_later(stage, town_with, build, begin, kill, name):
    town = town_with(**BY_LOOKS, list_while_creating=stage != "create index")
    command = build(town, begin=begin)
    while f"{stage} {name}: running" not in command.err:
        assert not command.has_ended, command.err
        if f"{stage.replace('deploy', 'create')} {name}: " not in command.err or stage == "deploy index":
            town.look()
    kill(command)
    assert town.unfinished
    if stage == "deploy index":
        # A service that does not take the cancellation: the deployment is awaited, then undone.
        town.fault("CancelOperation", "unavailable")
    command = begin(town, "vertex", "teardown", "--name", name, "--target", "sandbox", "--yes")
    assert town.drive(command).code == 0, command.err
    assert_nothing(town, name)


@pytest.mark.parametrize("method", ["CreateIndex", "CreateIndexEndpoint", "DeployIndex"])
def test_what_an_accepted_call_without_a_reply_makes_goes_too(
    method, town_with, build, begin, kill, teardown, name
):
    town = town_with(list_while_creating=False, listing_delay=2.0)
    struck = len(town.struck)
    town.fault(method, "stall", "after", seconds=60)
    command = build(town, begin=begin)
    until(lambda: method in town.struck[struck:], "the fault")
    kill(command)
    teardown(town)
    assert_nothing(town, name)


@pytest.mark.parametrize("method", ["UndeployIndex", "DeleteIndexEndpoint", "DeleteIndex"])
def test_a_killed_teardown_is_finished_by_the_next_one_or_by_a_build(
    method, town_with, build, begin, kill, name
):
    town = town_with(**BY_LOOKS)
    assert town.drive(build(town, begin=begin)).code == 0
    struck = len(town.struck)
    town.fault(method, "stall", "after", seconds=60)
    words = ["vertex", "teardown", "--name", name, "--target", "sandbox", "--yes"]
    command = begin(town, *words)
    while method not in town.struck[struck:]:
        assert not command.has_ended, command.err
        if method not in town.writes[-1:]:
            town.look()
    kill(command)
    assert town.unfinished

    command = begin(town, *words) if method != "UndeployIndex" else build(town, begin=begin)
    assert town.drive(command).code == 0, command.err
    if method == "UndeployIndex":
        assert town.counts(name) == (1, 1, 1)
    else:
        assert_nothing(town, name)


def test_what_is_not_ours_or_has_another_name_stays(town, build, teardown, name):
    build(town)
    build(town, name=f"{name}-2")
    clients, parent = town.clients, town.settings.parent
    metadata = {"config": IndexSpec(name=name, dimensions=8).config()}
    for labels in ({}, {"managed_by": "somebody"}, {"managed_by": "vector-search-ops", "name": "x"}):
        index = {"display_name": name, "metadata": metadata, "labels": labels}
        clients.indexes.create_index(parent=parent, index=index).result(timeout=60)
    endpoint = {"display_name": name, "public_endpoint_enabled": True}
    clients.endpoints.create_index_endpoint(parent=parent, index_endpoint=endpoint).result(timeout=60)
    bucket = town.storage.bucket(town.settings.bucket_name)
    others = [f"vector-search-ops/{name}.json", f"elsewhere/{name}/0.json"]
    for other in others:
        bucket.blob(other).upload_from_string("{}")

    teardown(town)
    assert town.counts(name) == (3, 1, 0)
    assert town.counts(f"{name}-2") == (1, 1, 1)
    assert town.generations(name) == {}
    assert town.generations(f"{name}-2")
    for other in others:
        assert bucket.blob(other).exists()
        bucket.blob(other).delete()
