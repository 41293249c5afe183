"""Batch requests: each part is answered as if it had come alone."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import NotFound

from sandbox import faults, write_log
from tests.sandbox.storage.conftest import KEY
from tests.sandbox.storage.test_names import HARMLESS, REFUSED, once

MIXED = {"Content_Type": "multipart/mixed; boundary=edge"}


def batch(*calls, body=b""):
    parts = [
        f"--edge\r\nContent-Type: application/http\r\nContent-ID: <b+{number}>\r\n\r\n{call}\r\n\r\n".encode()
        + body
        for number, call in enumerate(calls, 1)
    ]
    return b"\r\n".join([*parts, b"--edge--"])


def statuses(answer):
    return [
        int(line.split()[1]) for line in answer.body.decode().splitlines() if line.startswith("HTTP/1.1 ")
    ]


def test_the_official_client_deletes_and_patches_in_one_request(stand, bucket):
    names = [f"document {number}" for number in range(100)]
    for name in names:
        bucket.blob(name).upload_from_string(name)
    before = write_log.count(stand.state)
    client = stand.client()
    with client.batch():
        for name in names[:98]:
            client.bucket(bucket.name).blob(name).delete()
        changed = client.bucket(bucket.name).blob(names[98])
        changed.metadata = {"seen": "ja, natürlich"}
        changed.patch()
    assert [blob.name for blob in bucket.list_blobs()] == names[98:]
    assert bucket.get_blob(names[98]).metadata == changed.metadata == {"seen": "ja, natürlich"}
    assert write_log.count(stand.state) == before + 99
    written = write_log.read(stand.state)[-2:]
    assert [(each.service, each.method, each.resource) for each in written] == [
        ("storage", "storage.objects.delete", f"{bucket.name}/{names[97]}"),
        ("storage", "storage.objects.patch", f"{bucket.name}/{names[98]}"),
    ]


def test_a_part_that_fails_leaves_the_others_alone(stand, bucket):
    bucket.blob("here").upload_from_string("x")
    client = stand.client()
    with pytest.raises(NotFound, match="No such object"), client.batch():  # noqa: PT012
        client.bucket(bucket.name).blob("nowhere").delete()
        client.bucket(bucket.name).blob("here").delete()
    assert list(bucket.list_blobs()) == []
    calls = (f"DELETE /{KEY}/storage/v1/b/{bucket.name}/o/a HTTP/1.1", f"GET /storage/v1/b/{bucket.name}")
    answer = stand.send("POST", "/batch/storage/v1", batch(*calls), **MIXED)
    assert (answer.status, statuses(answer)) == (200, [404, 200])
    assert answer.body.count(b"Content-ID: <response-b+") == 2


@pytest.mark.parametrize("name", [*HARMLESS.values()], ids=HARMLESS)
def test_a_name_in_a_part_is_no_path_either(stand, bucket, name):
    bucket.blob("seed").upload_from_string("content")
    path = f"/{KEY}/storage/v1/b/{bucket.name}/o/seed/rewriteTo/b/{bucket.name}/o/{once(name)}"
    answer = stand.send("POST", "/batch/storage/v1", batch(f"POST {path} HTTP/1.1"), **MIXED)
    assert statuses(answer) == [200]
    assert sorted(blob.name for blob in bucket.list_blobs()) == sorted([name, "seed"])
    assert stand.files_elsewhere() == []


def test_what_is_refused_alone_is_refused_in_a_part(stand, bucket):
    calls = [f"DELETE /{KEY}/storage/v1/b/{bucket.name}/o/{once(name)} HTTP/1.1" for name in REFUSED.values()]
    calls += [
        f"DELETE /storage/v1/b/{bucket.name}/o/x HTTP/1.1\r\nHost: evil.example",
        f"DELETE http://evil.example/storage/v1/b/{bucket.name}/o/x HTTP/1.1",
        f"POST /{KEY}/upload/storage/v1/b/{bucket.name}/o?uploadType=media&name=x HTTP/1.1",
        f"GET /download/storage/v1/b/{bucket.name}/o/x HTTP/1.1",
        f"GET /storage/v1/b/{bucket.name}/o/x?alt=media HTTP/1.1",
        f"POST /{KEY}/batch/storage/v1 HTTP/1.1",
        f"GET /{'0' * len(KEY)}/storage/v1/b/{bucket.name} HTTP/1.1",
        "GET /storage/v1/../../b HTTP/1.1",
        "nonsense",
    ]
    answer = stand.send("POST", "/batch/storage/v1", batch(*calls), **MIXED)
    assert answer.status == 200
    assert statuses(answer) == [400] * len(REFUSED) + [421, 421, 400, 400, 400, 400, 400, 404, 400]


def test_a_batch_that_is_none_or_too_large_is_refused_as_a_whole(stand):
    def status(body, **headers):
        return stand.send("POST", "/batch/storage/v1", body, **(headers or MIXED)).status

    call = "GET /storage/v1/b?project=p HTTP/1.1"
    assert status(batch(*[call] * 100)) == 200
    assert status(batch(*[call] * 101)) == 400
    assert status(batch(call, body=b"x" * 10_000_000)) == 413
    assert status(b"nothing") == status(b"") == 400
    assert status(batch(call), Content_Type="application/json") == 400
    assert stand.send("GET", "/batch/storage/v1").status == 404


def test_a_fault_befalls_the_part_whose_method_it_names(stand, bucket):
    faults.add(stand.state, "storage.objects.delete", "unavailable", "after")
    for name in ("one", "two"):
        bucket.blob(name).upload_from_string("x")
    calls = [f"DELETE /storage/v1/b/{bucket.name}/o/{name} HTTP/1.1" for name in ("one", "two")]
    answer = stand.send("POST", "/batch/storage/v1", batch(*calls), **MIXED)
    assert statuses(answer) == [503, 204]
    assert list(bucket.list_blobs()) == []
    faults.add(stand.state, "storage.objects.list", "reset")
    with pytest.raises(ConnectionResetError):
        stand.send("POST", "/batch/storage/v1", batch(f"GET /storage/v1/b/{bucket.name}/o HTTP/1.1"), **MIXED)
