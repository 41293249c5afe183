"""Who gets in: programs that know the key. Web pages, other names and guesses do not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sandbox import process
from sandbox.vertex.options import VertexOptions

KEYS = [
    "",
    "0" * 32,
    "0123456789abcdef" * 2 + "0",
    ("0123456789abcdef" * 2)[:-1],
    "%30123456789abcdef0123456789abcdef",
]
CALLS = [
    ("GET", "/storage/v1/b?project=sandbox-project"),
    ("POST", "/storage/v1/b?project=sandbox-project"),
    ("POST", "/upload/storage/v1/b/bucket-1/o?uploadType=media&name=x"),
    ("GET", "/download/storage/v1/b/bucket-1/o/x"),
    ("POST", "/batch/storage/v1"),
    ("GET", "/"),
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("verb", "path"), CALLS)
def test_without_the_key_everything_is_not_found(stand, verb, path, key):
    answer = stand.send(verb, path, b'{"name": "bucket-1"}', key=key)
    assert (answer.status, answer.error["errors"][0]["reason"]) == (404, "notFound")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Host": None}, 400),  # h11 itself
    ],
)
@pytest.mark.parametrize(("verb", "path"), CALLS)
def test_a_web_page_gets_nothing_with_the_key_either(stand, verb, path, headers, status):
    answer = stand.send(verb, path, b'{"name": "bucket-1"}', **headers)
    assert answer.status == status
    if status != 400:
        assert answer.error["errors"][0]["reason"] == "forbidden"
    assert "access-control-allow-origin" not in answer.headers


def test_the_links_in_answers_lead_where_the_caller_came_from(stand, bucket):
    """So that a client behind a proxy, which has another port, stays behind it."""
    bucket.blob("x").upload_from_string(b"content")
    shown = stand.send("GET", f"/storage/v1/b/{bucket.name}/o/x", Host="localhost:1234").json
    key = stand.server.url.rpartition("/")[2]
    assert shown["mediaLink"].startswith(f"http://localhost:1234/{key}/download/storage/v1/b/")
    path = f"/upload/storage/v1/b/{bucket.name}/o?uploadType=resumable&name=y"
    begun = stand.send("POST", path, Host="localhost:1234")
    assert begun.headers["location"].startswith(f"http://localhost:1234/{key}/upload/storage/v1/b/")


@pytest.mark.slow
def test_a_sandbox_hands_its_key_out_and_keeps_it_out_of_everything_it_writes(tmp_path):
    with process.running(tmp_path, VertexOptions()) as environment:
        address = environment["STORAGE_EMULATOR_HOST"]
        key = address.rpartition("/")[2]
        # The key in the shell is all that an unmodified client needs.
        script = (
            "from google.cloud import storage\n"
            "blob = storage.Client().create_bucket('bucket-1').blob('x')\n"
            "blob.upload_from_string('content')\n"
            "print(blob.download_as_text())\n"
            "storage.Client().bucket('nothing').blob('x').download_as_text()\n"
        )
        client = [sys.executable, "-c", script]
        told = subprocess.run(client, capture_output=True, text=True, env=environment, check=False)
        assert (told.stdout, "NotFound" in told.stderr) == ("content\n", True), told.stderr
    holders = [path for path in tmp_path.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    assert [str(path.relative_to(tmp_path)) for path in holders] == ["keys/storage"]
    with process.running(tmp_path, VertexOptions()) as environment:
        assert environment["STORAGE_EMULATOR_HOST"] == address, "the same one at the next start"
    with process.running(tmp_path, VertexOptions(), without_keys=True) as environment:
        assert environment["STORAGE_EMULATOR_HOST"] == address.rpartition("/")[0], "open: no key"
