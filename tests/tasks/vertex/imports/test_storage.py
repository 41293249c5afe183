import base64
import dataclasses
import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import google_crc32c
import pytest
from google.cloud.storage import Blob

from sandbox import faults
from sandbox.ports import bound
from sandbox.storage.server import StorageServer
from tasks.calls import ServiceUnwell
from tasks.errors import CannotChangeInPlace, InvalidInput
from tasks.outcomes import Ensured
from tasks.vertex.connection.clients import connect
from tasks.vertex.data.import_files import ImportFile
from tasks.vertex.imports import storage
from tasks.vertex.imports.buckets import ensure_bucket, remove_bucket
from tasks.vertex.imports.downloads import fetch
from tasks.vertex.imports.storage import (
    ChecksumDisagrees,
    apply_import_files,
    files_root,
    import_uri,
    read_import_files,
    remove_import_files,
)
from tasks.vertex.settings import VertexSettings


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("storage")


@pytest.fixture(scope="module")
def storage_address(state):
    server = StorageServer(state, bound(), "a-key")
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def settings(storage_address, request):
    bucket = f"bucket-{abs(hash(request.node.nodeid))}"
    return VertexSettings(
        project="p", location="us-central1", bucket=bucket, storage_endpoint=storage_address
    )


def written(folder, contents):
    files = []
    for number, content in enumerate(contents):
        (folder / f"datapoints-{number:05}.json").write_bytes(content)
        checksum = base64.b64encode(google_crc32c.Checksum(content).digest()).decode()
        files.append(
            ImportFile(
                name=f"datapoints-{number:05}.json",
                first_row=0,
                last_row=0,
                size=len(content),
                crc32c=checksum,
            )
        )
    return tuple(files)


def names(settings, name="products", content="c1"):
    return [file.name.rpartition("/")[2] for file in read_import_files.fn(settings, name, content)]


def test_a_bucket_is_made_once_in_the_indexs_region(settings):
    assert ensure_bucket.fn(settings) == Ensured(settings.bucket, "created")
    assert ensure_bucket.fn(settings) == Ensured(settings.bucket)
    assert connect(settings).storage.get_bucket(settings.bucket).location == "US-CENTRAL1"


def test_a_bucket_in_another_region_is_refused_and_both_regions_are_named(settings):
    connect(settings).storage.bucket(settings.bucket).create(location="us-central1")
    elsewhere = settings.model_copy(update={"location": "europe-west4"})
    with pytest.raises(CannotChangeInPlace, match=r"'US-CENTRAL1'.*'EUROPE-WEST4'.*VERTEX_BUCKET"):
        ensure_bucket.fn(elsewhere)


@pytest.fixture
def cloud():
    """A Cloud Storage where every bucket is there for everybody, and the project has those named in `own`."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            listing = urlsplit(self.path).path == "/storage/v1/b"
            bucket = {"name": urlsplit(self.path).path.rpartition("/")[2], "location": "US-CENTRAL1"}
            said = json.dumps(
                {"items": [{"name": name} for name in server.own]} if listing else bucket
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_strangers_bucket_of_the_derived_name_is_refused_and_one_that_is_named_is_the_users_choice(cloud):
    address = f"http://127.0.0.1:{cloud.server_port}"
    derived = VertexSettings(project="p", location="us-central1", storage_endpoint=address)
    cloud.own = [f"{derived.bucket_name}-2"]
    with pytest.raises(InvalidInput, match=r"does not belong to the project p: .*set VERTEX_BUCKET"):
        ensure_bucket.fn(derived)
    named = derived.model_copy(update={"bucket": derived.bucket_name})
    assert ensure_bucket.fn(named).there == derived.bucket_name
    cloud.own = [derived.bucket_name]
    assert ensure_bucket.fn(derived).there == derived.bucket_name


CALLED = (
    "buckets.insert",
    "buckets.get",
    "buckets.delete",
    "objects.insert",
    "objects.list",
    "objects.delete",
)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["unavailable", "throttled", "internal", "aborted", "reset"])
def test_faults_of_the_bucket_are_transient_and_the_same_step_again_ends_well(
    settings, tmp_path, state, kind, when
):
    def steps():
        ensure_bucket.fn(settings)
        apply_import_files.fn(settings, "products", "c1", files, tmp_path)
        assert names(settings) == [files[0].name]
        remove_import_files.fn(settings, "products")
        remove_bucket.fn(settings)

    files = written(tmp_path, [b"one\n"])
    possible = faults.possible(state)
    for method in (f"storage.{each}" for each in CALLED):
        if (method, when, kind) in possible:
            faults.add(state, method, kind, when)
            with suppress(ServiceUnwell):  # or the client's own retry
                steps()
            steps()
            assert faults.pending(state) == [], method
            assert not connect(settings).storage.bucket(settings.bucket).exists()


def test_what_is_there_with_the_same_checksum_is_not_written_again(settings, tmp_path):
    ensure_bucket.fn(settings)
    files = written(tmp_path, [b"one\n", b"two\n" * 5000])
    first = apply_import_files.fn(settings, "products", "c1", files, tmp_path)
    there = read_import_files.fn(settings, "products", "c1")
    second = apply_import_files.fn(settings, "products", "c1", files, tmp_path)
    assert (first.uploaded, first.unchanged, first.bytes_sent) == (2, 0, 20004)
    assert (second.uploaded, second.unchanged, second.bytes_sent) == (0, 2, 0)
    assert read_import_files.fn(settings, "products", "c1") == there
    assert first.uri == second.uri == f"gs://{settings.bucket}/{files_root(settings, 'products')}c1/"


def test_a_half_uploaded_or_damaged_folder_is_completed_and_strangers_in_it_leave(settings, tmp_path):
    ensure_bucket.fn(settings)
    files = written(tmp_path, [b"one\n", b"two\n", b"three\n"])
    bucket = connect(settings).storage.bucket(settings.bucket)
    prefix = f"{files_root(settings, 'products')}c1/"
    bucket.blob(prefix + files[0].name).upload_from_string(b"one\n")
    bucket.blob(prefix + files[1].name).upload_from_string(b"half")
    bucket.blob(prefix + "datapoints-00007.json").upload_from_string(b"from an earlier cut")
    done = apply_import_files.fn(settings, "products", "c1", files, tmp_path)
    assert (done.uploaded, done.unchanged, done.removed) == (2, 1, 1)
    there = read_import_files.fn(settings, "products", "c1")
    assert [(f.size, f.crc32c) for f in there] == [(f.size, f.crc32c) for f in files]


def test_a_file_that_changed_on_the_way_is_a_transient_error_and_the_others_arrive(settings, tmp_path):
    ensure_bucket.fn(settings)
    good, bad = written(tmp_path, [b"one\n", b"two\n"])
    bad = dataclasses.replace(bad, crc32c=good.crc32c)
    with pytest.raises(ChecksumDisagrees, match=bad.name):
        apply_import_files.fn(settings, "products", "c1", (bad, good), tmp_path)
    assert good.name in names(settings)


def test_a_write_that_comes_between_listing_and_upload_is_not_clobbered(settings, tmp_path, monkeypatch):
    ensure_bucket.fn(settings)
    (file,) = written(tmp_path, [b"mine\n"])
    key = f"{files_root(settings, 'products')}c1/{file.name}"
    theirs = connect(settings).storage.bucket(settings.bucket).blob(key)
    listed = storage._list

    def interrupted(*arguments):
        found = listed(*arguments)
        theirs.upload_from_string(other)
        return found

    monkeypatch.setattr(storage, "_list", interrupted)
    other = b"theirs\n"
    with pytest.raises(storage.ServiceUnwell, match="somebody else"):
        apply_import_files.fn(settings, "products", "c1", (file,), tmp_path)
    assert theirs.download_as_bytes() == other
    theirs.delete()
    other = b"mine\n"  # a reply that was lost looks the same
    assert apply_import_files.fn(settings, "products", "c1", (file,), tmp_path).uploaded == 1


def test_removal_keeps_the_wanted_content_and_never_leaves_the_names_own_prefix(settings, tmp_path):
    ensure_bucket.fn(settings)
    files = written(tmp_path, [b"one\n"])
    for name, content in [("products", "c1"), ("products", "c2"), ("products-2", "c1")]:
        apply_import_files.fn(settings, name, content, files, tmp_path)
    connect(settings).storage.bucket(settings.bucket).blob("products/c1/theirs").upload_from_string(b"x")
    assert len(remove_import_files.fn(settings, "products", keep_contents=["c2"])) == 1
    assert (names(settings), names(settings, content="c2")) == ([], [files[0].name])
    assert len(remove_import_files.fn(settings, "products")) == 1
    assert remove_import_files.fn(settings, "products") == ()
    left = [blob.name for blob in connect(settings).storage.list_blobs(settings.bucket)]
    assert left == ["products/c1/theirs", f"{files_root(settings, 'products-2')}c1/{files[0].name}"]


def test_the_same_name_in_another_project_or_region_has_files_of_its_own_in_a_shared_bucket(
    settings, tmp_path
):
    ensure_bucket.fn(settings)
    files = written(tmp_path, [b"one\n"])
    others = [
        settings.model_copy(update=each) for each in ({"project": "theirs"}, {"location": "europe-west4"})
    ]
    for each in (settings, *others):
        apply_import_files.fn(each, "products", "c1", files, tmp_path)
    assert len(remove_import_files.fn(settings, "products")) == 1
    assert [names(each) for each in others] == [[files[0].name]] * 2


@pytest.mark.parametrize(
    ("name", "content"), [("", "c1"), ("products", ""), ("a/b", "c1"), ("products", "../x")]
)
def test_a_part_that_would_widen_the_prefix_is_refused(settings, name, content):
    with pytest.raises(InvalidInput, match="one part of a path"):
        import_uri(settings, name, content)


def test_a_bucket_without_our_label_stays(settings):
    connect(settings).storage.bucket(settings.bucket).create(location="us-central1")
    assert not remove_bucket.fn(settings)
    assert connect(settings).storage.get_bucket(settings.bucket)


def test_our_empty_bucket_goes_and_a_filled_one_stays(settings, tmp_path):
    ensure_bucket.fn(settings)
    apply_import_files.fn(settings, "products", "c1", written(tmp_path, [b"one\n"]), tmp_path)
    assert not remove_bucket.fn(settings)
    remove_import_files.fn(settings, "products")
    assert remove_bucket.fn(settings) == (settings.bucket_name,)
    assert remove_bucket.fn(settings) == ()
    assert read_import_files.fn(settings, "products", "c1") == ()


@pytest.mark.parametrize("name", ["vectors.hdf5", "part #1, which?.hdf5"])
def test_a_data_file_is_fetched_once_and_again_when_it_changed(settings, tmp_path, name):
    ensure_bucket.fn(settings)
    blob = connect(settings).storage.bucket(settings.bucket).blob(f"data/{name}")
    blob.upload_from_string(b"first")
    uri = f"gs://{settings.bucket}/data/{name}"
    local = fetch(settings, uri, tmp_path / "downloads")
    written_at = local.stat().st_mtime_ns
    assert (local.read_bytes(), local.name.endswith(f"-{name}")) == (b"first", True)
    assert fetch(settings, uri, tmp_path / "downloads").stat().st_mtime_ns == written_at
    blob.upload_from_string(b"second")
    assert fetch(settings, uri, tmp_path / "downloads").read_bytes() == b"second"
    assert [path.name for path in local.parent.iterdir()] == [local.name]


@pytest.mark.parametrize("uri", ["gs://bucket", "gs://bucket/folder/", "/tmp/x.hdf5", "https://host/x"])
def test_only_the_address_of_a_file_is_fetched(settings, uri, tmp_path):
    with pytest.raises(InvalidInput, match="gs://BUCKET/OBJECT"):
        fetch(settings, uri, tmp_path)


def test_a_missing_data_file_is_named(settings, tmp_path):
    with pytest.raises(InvalidInput, match=r"no such file.*nothing\.hdf5"):
        fetch(settings, "gs://nowhere/nothing.hdf5", tmp_path)


def test_files_of_others_under_the_name_stay_and_are_not_imported(settings, tmp_path):
    ensure_bucket.fn(settings)
    files = written(tmp_path, [b"one\n"])
    apply_import_files.fn(settings, "products", "c1", files, tmp_path)
    bucket = connect(settings).storage.bucket(settings.bucket)
    root = files_root(settings, "products")
    theirs = [f"{root}notes.txt", f"{root}c1/more.json"]
    for name in theirs:
        bucket.blob(name).upload_from_string(b"x")
    with pytest.raises(storage.ForeignFiles, match=r"holds 1 file that .*products/c1/more\.json"):
        apply_import_files.fn(settings, "products", "c1", files, tmp_path)
    assert sorted(storage.list_foreign_files(settings, "products")) == sorted(theirs)
    assert len(remove_import_files.fn(settings, "products")) == 1
    assert sorted(blob.name for blob in connect(settings).storage.list_blobs(settings.bucket)) == sorted(
        theirs
    )


def test_a_download_removes_the_part_that_a_killed_one_left(settings, tmp_path):
    ensure_bucket.fn(settings)
    connect(settings).storage.bucket(settings.bucket).blob("v.hdf5").upload_from_string(b"first")
    (tmp_path / ".abc-other.hdf5.123.part").write_bytes(b"half")
    local = fetch(settings, f"gs://{settings.bucket}/v.hdf5", tmp_path)
    assert list(tmp_path.iterdir()) == [local]


def test_a_download_that_fails_leaves_nothing(settings, tmp_path, monkeypatch):
    ensure_bucket.fn(settings)
    connect(settings).storage.bucket(settings.bucket).blob("v.hdf5").upload_from_string(b"first")

    def interrupted(_, part, **__):
        part.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Blob, "download_to_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(settings, f"gs://{settings.bucket}/v.hdf5", tmp_path)
    assert list(tmp_path.iterdir()) == []
