"""Faults at the end of operations, and how a throttled call says when to try again."""

import time

import pytest
from google.api_core import exceptions
from google.rpc import error_details_pb2

from sandbox import faults, write_log
from tests.polling import SOON

CODES = {"unavailable": 14, "aborted": 10, "internal": 13, "throttled": 8}


@pytest.mark.parametrize("kind", CODES)
def test_an_operation_that_fails_at_its_end_leaves_nothing(clients, kind):
    faults.add(clients.state, "CreateIndex", kind, "end")
    started = clients.begin_index()
    with pytest.raises(exceptions.GoogleAPICallError):
        started.result(timeout=60, polling=SOON)
    assert started.operation.error.code == CODES[kind]
    assert started.metadata.generic_metadata.create_time
    name = started.operation.name.split("/operations/")[0]
    with pytest.raises(exceptions.NotFound):
        clients.indexes.get_index(name=name)


def test_a_deployment_that_fails_at_its_end_can_be_started_again_under_its_id(clients):
    index, endpoint = clients.index(), clients.endpoint()
    faults.add(clients.state, "DeployIndex", "internal", "end")
    deployed = {"id": "again", "index": index}
    with pytest.raises(exceptions.InternalServerError):
        clients.endpoints.deploy_index(index_endpoint=endpoint, deployed_index=deployed).result(
            60, polling=SOON
        )
    assert not clients.endpoints.get_index_endpoint(name=endpoint).deployed_indexes
    clients.endpoints.deploy_index(index_endpoint=endpoint, deployed_index=deployed).result(60, polling=SOON)


def test_a_delete_that_fails_at_its_end_deletes_nothing(clients):
    index = clients.index()
    faults.add(clients.state, "DeleteIndex", "unavailable", "end")
    with pytest.raises(exceptions.ServiceUnavailable):
        clients.indexes.delete_index(name=index).result(timeout=60, polling=SOON)
    assert clients.indexes.get_index(name=index).name == index


def test_an_update_of_fields_that_fails_at_its_end_changes_nothing(clients):
    index = clients.index()
    faults.add(clients.state, "UpdateIndex", "internal", "end")
    changed = {"name": index, "labels": {"a": "b"}}
    with pytest.raises(exceptions.InternalServerError):
        clients.indexes.update_index(index=changed, update_mask={"paths": ["labels"]}).result(
            60, polling=SOON
        )
    assert not clients.indexes.get_index(name=index).labels


def test_an_operation_that_never_ends_can_be_cancelled(clients):
    faults.add(clients.state, "CreateIndex", "stall", "end")
    before = write_log.count(clients.state)
    started = clients.begin_index()
    other = clients.begin_index()
    other.result(timeout=60, polling=SOON)
    assert not started.done()
    started.cancel()
    with pytest.raises(exceptions.Cancelled):
        started.result(timeout=60, polling=SOON)
    assert write_log.count(clients.state) == before + 3


def test_a_stalled_operation_ends_when_the_stall_does(clients):
    faults.add(clients.state, "CreateIndex", "stall", "end", seconds=1)
    began = time.monotonic()
    assert clients.begin_index().result(timeout=60, polling=SOON).name
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize("seconds", [None, 2.5])
def test_a_throttled_call_says_when_to_try_again_only_if_told(clients, seconds):
    name = clients.index()
    faults.add(clients.state, "GetIndex", "throttled", retry_after=seconds)
    with pytest.raises(exceptions.ResourceExhausted) as throttled:
        clients.indexes.get_index(name=name)
    delays = [
        each.retry_delay.ToTimedelta().total_seconds()
        for each in throttled.value.details
        if isinstance(each, error_details_pb2.RetryInfo)
    ]
    assert delays == ([seconds] if seconds else [])
