"""The files that earlier versions kept, by fake-gcs-server's layout."""

from __future__ import annotations

import json
import os

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from sandbox.ports import bound
from sandbox.storage.server import StorageServer


@pytest.fixture
def earlier(tmp_path):
    folder = tmp_path / "state" / "storage"
    (folder / "bucket-1" / "a" / "b").mkdir(parents=True)
    file = folder / "bucket-1" / "a" / "b" / "c.json"
    file.write_bytes(b"content")
    attributes = {
        "ContentType": "application/json",
        "ContentEncoding": "",
        "Metadata": {"x": "y"},
        "Crc32c": "9Z3Zwg==",
    }
    try:
        os.setxattr(file, "user.metadata", json.dumps(attributes).encode())
    except OSError:
        pytest.skip("This file system keeps no attributes.")
    (folder / "bucket-1.bucketMetadata").write_text("{}")
    (folder / "bucket-1" / "link").symlink_to("/etc/passwd")
    (folder / "bucket-1" / "bad\nname").write_text("x")
    (folder / "NOT A BUCKET").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("x")
    (folder / "bucket-2").symlink_to(tmp_path / "outside")
    return folder


def test_objects_of_an_earlier_version_are_taken_over_once(earlier, tmp_path):
    for _ in range(2):
        server = StorageServer(tmp_path / "state", bound())
        server.adopt(earlier, "p")
        server.start()
        client = storage.Client(
            project="p", credentials=AnonymousCredentials(), client_options={"api_endpoint": server.url}
        )
        assert [(each.name, each.location) for each in client.list_buckets()] == [("bucket-1", "US-CENTRAL1")]
        (blob,) = client.list_blobs("bucket-1")
        assert (blob.name, blob.content_type, blob.metadata) == ("a/b/c.json", "application/json", {"x": "y"})
        assert blob.download_as_bytes(checksum="crc32c") == b"content"
        server.stop()
    assert not earlier.exists()
    assert (tmp_path / "outside" / "file").read_text() == "x"
