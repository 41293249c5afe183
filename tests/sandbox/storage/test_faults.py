"""Faults and the write log of Cloud Storage, under the ids of Google's discovery document."""

from __future__ import annotations

import threading
import time

import pytest
from google.api_core import exceptions as google

from sandbox import faults, write_log
from tests.polling import until

STATUSES = {"unavailable": (503, "backendError"), "aborted": (409, "conflict"), "internal": (500, "internalError"),
            "throttled": (429, "rateLimitExceeded")}  # fmt: skip
CHANGES = ("insert", "patch", "delete", "rewrite", "compose")


@pytest.fixture(autouse=True)
def _no_faults_left(stand):
    yield
    faults.clear(stand.state)


def call(stand, bucket, method):
    path = f"/storage/v1/b/{bucket.name}/o"
    ways = {
        "insert": ("POST", f"/upload/storage/v1/b/{bucket.name}/o?uploadType=media&name=new", b"content"),
        "patch": ("PATCH", f"{path}/old", b'{"metadata": {"a": "b"}}'),
        "delete": ("DELETE", f"{path}/old", b""),
        "rewrite": ("POST", f"{path}/old/rewriteTo/b/{bucket.name}/o/new", b""),
        "compose": ("POST", f"{path}/new/compose", b'{"sourceObjects": [{"name": "old"}]}'),
        "get": ("GET", f"{path}/old", b""),
        "list": ("GET", path, b""),
    }
    return stand.send(*ways[method])


def shown(bucket):
    return [(blob.name, blob.metageneration) for blob in bucket.list_blobs()]


@pytest.mark.parametrize("kind", STATUSES)
@pytest.mark.parametrize("method", CHANGES)
def test_a_change_fails_before_or_after_its_effect(stand, bucket, method, kind):
    bucket.blob("old").upload_from_string("content")
    before, writes = shown(bucket), write_log.count(stand.state)
    faults.add(stand.state, f"storage.objects.{method}", kind, "before")
    refused = call(stand, bucket, method)
    assert (refused.status, refused.error["errors"][0]["reason"]) == STATUSES[kind]
    assert (shown(bucket), write_log.count(stand.state)) == (before, writes)
    faults.add(stand.state, f"storage.objects.{method}", kind, "after")
    assert call(stand, bucket, method).status == STATUSES[kind][0]
    assert shown(bucket) != before
    (written,) = write_log.read(stand.state)[writes:]
    assert (written.service, written.method) == ("storage", f"storage.objects.{method}")
    assert written.resource.startswith(f"{bucket.name}/")


@pytest.mark.parametrize("method", [*CHANGES, "get", "list"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reset_sends_nothing(stand, bucket, method, when):
    bucket.blob("old").upload_from_string("content")
    faults.add(stand.state, f"storage.objects.{method}", "reset", when)
    with pytest.raises(ConnectionResetError):
        call(stand, bucket, method)
    assert faults.pending(stand.state) == []


def test_a_reset_cuts_an_upload_and_a_download_of_many_pieces(stand, bucket):
    blob = bucket.blob("large")
    blob.upload_from_string(b"x" * 3_000_000)
    for method in ("insert", "get"):
        faults.add(stand.state, f"storage.objects.{method}", "reset")
    assert len(blob.download_as_bytes()) == 3_000_000  # the client's own retry
    blob.upload_from_string(b"y" * 3_000_000, if_generation_match=blob.generation)
    assert faults.pending(stand.state) == []


def test_throttling_says_when_to_try_again_if_the_fault_does(stand, bucket):
    faults.add(stand.state, "storage.objects.list", "throttled", retry_after=2.5)
    faults.add(stand.state, "storage.objects.list", "throttled")
    assert call(stand, bucket, "list").headers["retry-after"] == "3"
    assert "retry-after" not in call(stand, bucket, "list").headers


def test_a_stall_lasts_as_it_says_or_until_the_caller_leaves(stand, bucket):
    faults.add(stand.state, "storage.buckets.get", "stall", seconds=0.3)
    begun = time.monotonic()
    assert bucket.exists()
    assert time.monotonic() - begun >= 0.3
    faults.add(stand.state, "storage.buckets.get", "stall")
    with pytest.raises(Exception, match="Read timed out"):
        bucket.client.get_bucket(bucket.name, timeout=0.2, retry=None)
    assert bucket.exists()
    until(lambda: threading.active_count() < 20, "no thread waits")


def test_the_official_client_sees_what_it_would_see_of_google(stand, bucket):
    blob = bucket.blob("old")
    blob.upload_from_string("content")
    for kind, error in (
        ("unavailable", google.ServiceUnavailable), ("aborted", google.Conflict), ("internal", google.InternalServerError),
        ("throttled", google.TooManyRequests),
    ):  # fmt: skip
        faults.add(stand.state, "storage.objects.patch", kind)
        with pytest.raises(error):
            blob.patch(retry=None)
    blob.metadata = {"after": "all"}
    faults.add(stand.state, "storage.objects.patch", "unavailable")
    blob.patch(if_metageneration_match=blob.metageneration)  # retried by the client
    assert bucket.get_blob("old").metadata == {"after": "all"}


def test_only_faults_that_can_happen_are_accepted(stand):
    known = faults.possible(stand.state)
    ids = {method for method, _, _ in known}
    assert {f"storage.objects.{each}" for each in (*CHANGES, "get", "list", "copy", "move", "update")} <= ids
    assert {
        f"storage.buckets.{each}" for each in ("insert", "get", "list", "patch", "update", "delete")
    } <= ids
    with pytest.raises(ValueError, match=r"storage\.objects\.get cannot be aborted"):
        faults.add(stand.state, "storage.objects.get", "aborted")
    with pytest.raises(ValueError, match="it starts no operation"):
        faults.add(stand.state, "storage.objects.insert", "unavailable", "end")
