"""The official client, unmodified, against the storage stand-in."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import subprocess
import sys
from subprocess import PIPE

import pytest
from google.api_core import exceptions as google
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage import transfer_manager

from sandbox.ports import bound
from sandbox.storage.server import StorageServer
from tests.forks import ROOT
from tests.sandbox.storage.conftest import KEY, Stand


def test_a_bucket_has_labels_a_location_and_a_project(stand, bucket):
    made = stand.client("another-project").bucket("another-bucket")
    made.labels = {"team": "search"}
    made.create(location="europe-west4")
    with pytest.raises(google.Conflict):
        stand.client().create_bucket("another-bucket")
    found = stand.client().get_bucket("another-bucket")
    assert (found.labels, found.location, found.location_type) == (
        {"team": "search"},
        "EUROPE-WEST4",
        "region",
    )
    found.labels = {"owner": "us"}
    found.patch()
    assert stand.client().get_bucket("another-bucket").labels == {"owner": "us"}
    assert [each.name for each in stand.client("another-project").list_buckets()] == ["another-bucket"]
    listed = [each.name for each in stand.client().list_buckets(page_size=1)]
    assert bucket.name in listed
    assert "another-bucket" not in listed
    bucket.blob("x").upload_from_string("x")
    with pytest.raises(google.Conflict, match="not empty"):
        bucket.delete()
    found.delete(if_metageneration_match=found.metageneration)
    assert not found.exists()


def test_a_feature_that_is_not_imitated_is_refused_by_name(bucket):
    bucket.versioning_enabled = True
    with pytest.raises(google.GoogleAPICallError, match="The field versioning of a bucket: not imitated"):
        bucket.patch(retry=None)
    blob = bucket.blob("x")
    blob.upload_from_string("x")
    with pytest.raises(google.GoogleAPICallError, match=r"storage\.objectAccessControls\.list: not imitated"):
        blob.acl.reload()
    with pytest.raises(google.GoogleAPICallError, match="matchGlob: not imitated"):
        list(bucket.list_blobs(match_glob="*", retry=None))
    with pytest.raises(google.GoogleAPICallError, match="encryption key"):
        bucket.blob("x", encryption_key=b"0" * 32).upload_from_string("x", retry=None)


@pytest.mark.parametrize("size", [0, 1, 262_144, 700_001, 3 * 262_144])
@pytest.mark.parametrize("chunk", [None, 262_144, 524_288])
def test_contents_come_back_as_they_were_sent(bucket, size, chunk):
    content = os.urandom(size)
    blob = bucket.blob("folder/a file?#%.bin", chunk_size=chunk)
    blob.metadata = {"a": "b"}
    blob.upload_from_string(content, content_type="text/x-own", checksum="crc32c")
    found = bucket.get_blob("folder/a file?#%.bin", chunk_size=chunk)
    assert (found.size, found.content_type, found.metadata) == (size, "text/x-own", {"a": "b"})
    assert found.md5_hash == base64.b64encode(hashlib.md5(content).digest()).decode()
    if size or not chunk:
        assert found.download_as_bytes(checksum="crc32c") == content
    if size > 10:
        assert found.download_as_bytes(start=5, end=9) == content[5:10]
        assert found.download_as_bytes(start=size - 3) == content[-3:]
        with pytest.raises(google.RequestRangeNotSatisfiable):
            found.download_as_bytes(start=size)


def test_a_content_that_was_damaged_on_the_way_is_refused(bucket):
    for chunk in (None, 262_144):
        blob = bucket.blob("damaged", chunk_size=chunk)
        blob.crc32c = "AAAAAA=="
        with pytest.raises(google.BadRequest, match="CRC32C"):
            blob.upload_from_string(b"x" * 300_000, checksum=None)
    assert not bucket.blob("damaged").exists()


def test_preconditions_hold(bucket):
    blob = bucket.blob("x")
    blob.upload_from_string("one", if_generation_match=0)
    first = blob.generation
    for condition in ({"if_generation_match": 0}, {"if_generation_match": first + 1}, {"if_generation_not_match": first},
                      {"if_metageneration_match": 2}):  # fmt: skip
        for change in (
            blob.upload_from_string,
            lambda _, **how: blob.delete(**how),
            lambda _, **how: blob.patch(**how),
        ):
            with pytest.raises(google.PreconditionFailed):
                change("two", **condition)
        with pytest.raises(google.PreconditionFailed):
            bucket.blob("x", chunk_size=262_144).upload_from_string("two", **condition)
    blob.upload_from_string("two", if_generation_match=first)
    assert blob.generation > first
    with pytest.raises(google.NotFound):
        bucket.blob("x", generation=first).reload()
    with pytest.raises(google.PreconditionFailed):
        bucket.copy_blob(blob, bucket, "y", if_source_generation_match=first)
    with pytest.raises(google.PreconditionFailed):
        bucket.blob("y").compose([blob], if_generation_match=1)
    blob.delete(if_generation_match=blob.generation)
    assert not blob.exists()


def test_listings_have_pages_prefixes_and_ends(bucket):
    names = ["a", "a/", "a/1", "a/2", "a/b/1", "a0", "b", "b/x/y", "é", "\U0001f600"]
    for name in names:
        bucket.blob(name).upload_from_string(name)

    def listed(**how):
        found = bucket.list_blobs(**how)
        return [blob.name for blob in found], sorted(found.prefixes)

    for size in (1, 2, 3, 100):
        assert listed(page_size=size) == (names, [])
        assert listed(page_size=size, delimiter="/") == (["a", "a0", "b", "é", "\U0001f600"], ["a/", "b/"])
        assert listed(page_size=size, prefix="a/", delimiter="/") == (["a/", "a/1", "a/2"], ["a/b/"])
        assert listed(page_size=size, prefix="a", start_offset="a/2", end_offset="b")[0] == [
            "a/2",
            "a/b/1",
            "a0",
        ]
    assert listed(max_results=2)[0] == names[:2]
    assert listed(prefix="nothing") == ([], [])
    with pytest.raises(google.BadRequest):
        list(bucket.list_blobs(page_token="?"))


def test_objects_become_other_objects(bucket):
    one, two = bucket.blob("one"), bucket.blob("two")
    one.metadata = {"a": "b"}
    one.upload_from_string("1", content_type="text/plain")
    two.upload_from_string("22")
    both = bucket.blob("both")
    both.content_type = "text/plain"
    both.compose([one, two, one])
    assert (both.download_as_bytes(), both.component_count, both.md5_hash) == (b"1221", 3, None)
    copy = bucket.copy_blob(one, bucket, "copy")
    assert (copy.download_as_text(), copy.metadata, copy.content_type) == ("1", {"a": "b"}, "text/plain")
    bucket.rename_blob(copy, "renamed")
    moved = bucket.move_blob(bucket.blob("renamed"), "moved")
    assert (moved.download_as_text(), bucket.blob("renamed").exists(), copy.exists()) == ("1", False, False)
    one.delete()
    assert (moved.download_as_text(), bucket.blob("rewritten").rewrite(two)) == ("1", (None, 2, 2))
    bucket.move_blob(bucket.blob("moved"), "moved")
    assert bucket.blob("moved").download_as_text() == "1"
    with pytest.raises(google.NotFound):
        bucket.blob("x").compose([one])


def test_gzip_is_kept_or_unpacked_as_the_client_asks(stand, bucket):
    blob = bucket.blob("packed")
    blob.content_encoding = "gzip"
    blob.upload_from_string(gzip.compress(b"x" * 1_000_000))
    assert blob.download_as_bytes() == b"x" * 1_000_000
    assert gzip.decompress(blob.download_as_bytes(raw_download=True)) == b"x" * 1_000_000
    plain = stand.send(
        "GET", f"/download/storage/v1/b/{bucket.name}/o/packed?alt=media", Accept_Encoding="identity"
    )
    assert ("content-encoding" in plain.headers, plain.body.count(b"x")) == (False, 1_000_000)


def test_many_files_in_parallel(bucket, tmp_path):
    for number in range(20):
        (tmp_path / f"{number}.json").write_text(str(number) * 1000)
    names = [path.name for path in tmp_path.iterdir()]
    sent = transfer_manager.upload_many_from_filenames(
        bucket, names, source_directory=str(tmp_path), worker_type="thread", max_workers=8
    )
    assert sent == [None] * 20
    large = bucket.blob("large")
    large.upload_from_string(os.urandom(2_000_000))
    target = tmp_path / "large"
    transfer_manager.download_chunks_concurrently(
        large, str(target), chunk_size=300_000, worker_type="thread"
    )
    assert target.read_bytes() == large.download_as_bytes()


def placed(stand, begun):
    return begun.headers["location"].removeprefix(stand.server.url)


def test_an_upload_goes_on_after_a_lost_connection_and_after_a_restart(tmp_path):
    content = os.urandom(600_000)
    path = "/upload/storage/v1/b/bucket-1/o"

    def started():
        server = StorageServer(tmp_path / "a/b/c/d/e/state", bound(), KEY)
        server.start()
        return Stand(tmp_path, server)

    stand = started()
    stand.send("POST", "/storage/v1/b?project=p", b'{"name": "bucket-1"}')
    begun = stand.send("POST", f"{path}?uploadType=resumable&name=x&ifGenerationMatch=0")
    place = placed(stand, begun)
    first = stand.send("PUT", place, content[:262_144], Content_Range="bytes 0-262143/600000")
    assert (first.status, first.headers["range"]) == (308, "bytes=0-262143")
    assert stand.send("PUT", place, b"x" * 1000, Content_Range="bytes 262144-263143/600000").status == 400
    assert stand.send("PUT", place, b"x" * 10, Content_Range="bytes 599990-599999/600000").status == 400
    half = content[262_144:300_000]
    with pytest.raises(ConnectionResetError):  # the connection ends within the body
        stand.send(
            "PUT",
            place,
            half,
            Content_Length=600_000 - 262_144,
            Content_Range="bytes 262144-599999/600000",
            ends=True,
        )
    asked = stand.send("PUT", place, Content_Range="bytes */600000")
    assert (asked.status, asked.headers["range"]) == (308, "bytes=0-299999")
    stand.server.stop()
    stand = started()
    again = stand.send(
        "PUT", place, content[262_144:], Content_Range="bytes 262144-599999/600000"
    )  # with what is there
    assert (again.status, again.json["size"]) == (200, "600000")
    assert stand.client().bucket("bucket-1").blob("x").download_as_bytes() == content
    for question in ("bytes */*", "bytes */600000", "bytes 262144-599999/600000"):
        assert stand.send("PUT", place, Content_Range=question).json["generation"] == again.json["generation"]
    late = placed(stand, stand.send("POST", f"{path}?uploadType=resumable&name=y&ifGenerationMatch=0"))
    stand.client().bucket("bucket-1").blob("y").upload_from_string("somebody was faster")
    assert stand.send("PUT", late, b"z").status == 412
    dropped = placed(stand, stand.send("POST", f"{path}?uploadType=resumable&name=z"))
    assert [stand.send("DELETE", dropped).status for _ in range(2)] == [499, 404]
    stand.server.stop()
    assert len(list((tmp_path / "a/b/c/d/e/state/buckets/contents").iterdir())) == 2, (
        "nothing of the lost uploads"
    )


MEMORY = """
import sys, threading
from pathlib import Path
from sandbox.ports import bound
from sandbox.storage.server import StorageServer
from tests.memory import peak_megabytes
server = StorageServer(Path(sys.argv[1]), bound(), "key")
server.start()
print(server.url, flush=True)
before = peak_megabytes()
sys.stdin.read()
print(peak_megabytes() - before, flush=True)
"""


def test_no_object_is_in_memory_as_a_whole(tmp_path):
    (tmp_path / "large").write_bytes(os.urandom(1_000_000) * 64)
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "state")]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT) as process:
        client = storage.Client(
            project="p",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": process.stdout.readline().strip()},
        )
        blob = client.create_bucket("bucket-1").blob("large")
        blob.upload_from_filename(tmp_path / "large")
        client.bucket("bucket-1").blob("double").compose([blob, blob])
        client.bucket("bucket-1").blob("double").download_to_filename(tmp_path / "double")
        told, _ = process.communicate(timeout=60)
    assert (tmp_path / "double").stat().st_size == 128_000_000
    assert int(told) < 32, "MB more than before"
