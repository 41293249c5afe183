"""Names of buckets and objects, wherever they arrive and however they are encoded: no name becomes a path."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

HARMLESS = {
    "climbs out": "../../x",
    "climbs out of a folder": "a/../../../../../../x",
    "absolute": "/tmp/vector-search-ops-was-here",
    "windows": "..\\..\\x",
    "drive": "C:\\x",
    "empty segments": "a//b///",
    "dot segments": "./a/./b",
    "encoded once more": "..%2f..%2fx",
    "overlong": "..%c0%afx",
    "a folder": "a/",
    "unicode dots": "\u2024\u2024/x",
    "a content's own folder": "contents/0123",
}
"""Any of these is an ordinary name to Cloud Storage, whose names are no paths."""
REFUSED = {
    "dot": ".",
    "two dots": "..",
    "NUL": "a\0b",
    "line feed": "a\nb",
    "carriage return": "a\rb",
    "acme": ".well-known/acme-challenge/x",
    "too long": "x" * 1025,
}
BUCKETS = ["..", ".", "../x", "a", "A-bucket", "..%2fx", "/etc", "a..b-c", "-bucket", "bucket-", "b" * 64,
           "1.2.3.4", "goog-bucket", "my-google-bucket", "a\0bc", "a/b", "ü-bucket", "contents/../x"]  # fmt: skip


def once(name):
    return quote(name, safe="")


def multipart(metadata, content=b"content"):
    parts = (
        b"Content-Type: application/json\r\n\r\n" + json.dumps(metadata).encode(),
        b"Content-Type: text/plain\r\n\r\n" + content,
    )
    return b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--"


def media(stand, bucket, name):
    return stand.send(
        "POST", f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={once(name)}", b"content"
    )


def with_metadata(stand, bucket, name):
    kind = {"Content_Type": 'multipart/related; boundary="edge"'}
    path = f"/upload/storage/v1/b/{bucket}/o?uploadType=multipart"
    return stand.send("POST", path, multipart({"name": name}), **kind)


def resumable(stand, bucket, name, by_query=False):
    query, body = (f"&name={once(name)}", {}) if by_query else ("", {"name": name})
    path = f"/upload/storage/v1/b/{bucket}/o?uploadType=resumable{query}"
    begun = stand.send("POST", path, json.dumps(body).encode())
    if begun.status != 200:
        return begun
    place = begun.headers["location"].removeprefix(stand.server.url)
    return stand.send("PUT", place, b"content")


def from_seed(stand, bucket, path, body=b""):
    assert media(stand, bucket, "seed").status == 200
    return stand.send("POST", f"/storage/v1/b/{bucket}/o/{path}", body)


def rewritten(stand, bucket, name):
    return from_seed(stand, bucket, f"seed/rewriteTo/b/{bucket}/o/{once(name)}")


def copied(stand, bucket, name):
    return from_seed(stand, bucket, f"seed/copyTo/b/{bucket}/o/{once(name)}")


def moved(stand, bucket, name):
    return from_seed(stand, bucket, f"seed/moveTo/o/{once(name)}")


def composed(stand, bucket, name):
    return from_seed(stand, bucket, f"{once(name)}/compose", b'{"sourceObjects": [{"name": "seed"}]}')


MAKERS = [media, with_metadata, resumable, rewritten, copied, moved, composed]


def named(table):
    return {"argnames": "name", "argvalues": table.values(), "ids": table.keys()}


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(**named(HARMLESS))
def test_a_name_that_looks_like_a_path_is_a_name(stand, bucket, make, name):
    assert make(stand, bucket.name, name).status == 200
    listed = stand.send("GET", f"/storage/v1/b/{bucket.name}/o").json["items"]
    assert [one["name"] for one in listed if one["name"] != "seed"] == [name]
    assert stand.send("GET", f"/storage/v1/b/{bucket.name}/o/{once(name)}?alt=media").body == b"content"
    assert stand.files_elsewhere() == []
    assert stand.send("DELETE", f"/storage/v1/b/{bucket.name}/o/{once(name)}").status == 204


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(**named(REFUSED))
def test_a_name_that_no_object_can_have_is_refused_wherever_it_arrives(stand, bucket, make, name):
    refused = make(stand, bucket.name, name)
    assert (refused.status, refused.error["errors"][0]["reason"]) == (400, "invalid")
    assert refused.error["message"].startswith("Invalid object name: ")
    assert [blob.name for blob in bucket.list_blobs() if blob.name != "seed"] == []
    assert stand.files_elsewhere() == []


@pytest.mark.parametrize(**named(REFUSED))
@pytest.mark.parametrize("verb", ["GET", "PATCH", "PUT", "DELETE"])
def test_such_a_name_is_refused_for_existing_objects_too(stand, bucket, verb, name):
    assert stand.send(verb, f"/storage/v1/b/{bucket.name}/o/{once(name)}", b"{}").status == 400


def test_a_name_that_is_no_text_is_refused(stand, bucket):
    surrogate = b'{"name": "\\ud800"}'
    path = f"/upload/storage/v1/b/{bucket.name}/o?uploadType=resumable"
    for body in (surrogate, b'{"name": 7}', b'{"name": ["a"]}', b'{"name": {}}', b'{"name": null}', b"[]"):
        assert stand.send("POST", path, body).status == 400, body
    for query in ("name=%ff", "name=a&name=b", "name="):
        assert (
            stand.send("POST", f"/upload/storage/v1/b/{bucket.name}/o?uploadType=media&{query}").status == 400
        )
    assert stand.send("GET", f"/storage/v1/b/{bucket.name}/o/%ff").status == 400


def test_the_attack_as_it_was_typed_writes_nothing_outside(stand, bucket):
    """Seen: fake-gcs-server wrote `x` five levels above its folder, without credentials or preflight."""
    for climb in (
        "..%2f..%2fx",
        "..%2f" * 7 + "x",
        "%2e%2e/" * 7 + "x",
        "..%252f" * 7 + "x",
        "../" * 7 + "x",
    ):
        path = f"/upload/storage/v1/b/{bucket.name}/o?uploadType=media&name={climb}"
        assert stand.send("POST", path, b"content", key="").status == 404, "without the key"
        assert stand.send("POST", path, b"content").status == 200, "a name like any other"
    assert stand.files_elsewhere() == []
    assert not (stand.top.parent / "x").exists()


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_that_no_bucket_can_be_called_is_refused_wherever_it_arrives(stand, bucket, name):
    made = stand.send("POST", "/storage/v1/b?project=p", json.dumps({"name": name}).encode())
    assert (made.status, made.error["errors"][0]["reason"]) == (400, "invalid")
    for answer in (
        stand.send("GET", f"/storage/v1/b/{once(name)}"),
        stand.send("DELETE", f"/storage/v1/b/{once(name)}"),
        media(stand, once(name), "x"),
        stand.send("GET", f"/storage/v1/b/{once(name)}/o"),
        from_seed(stand, bucket.name, f"seed/rewriteTo/b/{once(name)}/o/x"),
        stand.send("POST", f"/storage/v1/b/{once(name)}/o/x/rewriteTo/b/{bucket.name}/o/x"),
    ):
        assert answer.status in (400, 404)
    assert stand.files_elsewhere() == []


@pytest.mark.parametrize(
    "path",
    [
        "/bucket/object", "/bucket/../object", "//", "/storage/v1/../../x", "/storage/v1/b/%2e%2e/o/x/y",
        "/storage/v1/b//o/x", "/_internal/config", "/storage/v1/b/bucket/o/../../../x", "/storage/v2/b", "/batch",
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["GET", "PUT", "POST", "DELETE"])
def test_other_roads_to_objects_do_not_exist(stand, verb, path):
    """The XML API, signed URLs, policy documents in forms, what fake-gcs-server has of its own."""
    form = {"Content_Type": "multipart/form-data; boundary=edge"}
    answer = stand.send(
        verb, path, b'--edge\r\nContent-Disposition: form-data; name="key"\r\n\r\n../x\r\n--edge--', **form
    )
    assert (answer.status, answer.error["code"]) in [(404, 404), (405, 405)]
    assert stand.files_elsewhere() == []


hostile = st.lists(
    st.sampled_from(
        [
            "..",
            ".",
            "/",
            "\\",
            "%2f",
            "%2e",
            "%252e",
            "a",
            "x",
            "\0",
            "",
            "contents",
            "key",
            "~",
            "ü",
            "?",
            "#",
        ]
    ),
    max_size=8,
).map("".join)
encoded = st.tuples(hostile, st.sampled_from([lambda name: name, once, lambda name: once(once(name))])).map(
    lambda pair: (
        pair[1](pair[0]).replace("\0", "%00").replace("ü", "%C3%BC").replace("?", "%3F").replace("#", "%23")
    )
)
paths = st.one_of(
    st.builds("/upload/storage/v1/b/{}/o?uploadType=media&name={}".format, st.just("hypothesis-1"), encoded),
    st.builds("/upload/storage/v1/b/{}/o?uploadType=media&name={}".format, encoded, encoded),
    st.builds("/storage/v1/b/hypothesis-1/o/{}".format, encoded),
    st.builds("/storage/v1/b/hypothesis-1/o/{}/rewriteTo/b/hypothesis-1/o/{}".format, encoded, encoded),
    st.builds("/storage/v1/b/hypothesis-1/o/{}/moveTo/o/{}".format, encoded, encoded),
    st.builds("/storage/v1/b/hypothesis-1/o/{}/compose".format, encoded),
    st.builds("/storage/v1/b/{}".format, encoded),
    st.builds(
        "/storage/v1/b/hypothesis-1/o?prefix={}&delimiter={}&startOffset={}".format, encoded, encoded, encoded
    ),
    st.builds("/download/storage/v1/b/hypothesis-1/o/{}".format, encoded),
    st.builds("/{}".format, encoded),
)
bodies = st.one_of(
    st.just(b""),
    st.builds(lambda name: json.dumps({"name": name, "sourceObjects": [{"name": name}]}).encode(), hostile),
)
requests = st.lists(
    st.tuples(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]), paths, bodies),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60)
@given(requests)
def test_no_sequence_of_requests_creates_or_removes_a_file_elsewhere(stand, sequence):
    stand.send("POST", "/storage/v1/b?project=p", b'{"name": "hypothesis-1"}')
    witness = stand.state / "witness"
    witness.write_text("here")
    try:
        for verb, path, body in sequence:
            assert stand.send(verb, path, body).status != 500, (verb, path, body)
        assert stand.files_elsewhere() == [witness]
    finally:
        witness.unlink()
