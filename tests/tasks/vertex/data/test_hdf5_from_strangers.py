"""Files that nobody vouches for: what leads elsewhere, what was never written, what is too large, what is no dataset."""

import os
import resource
import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from tasks.errors import InvalidInput
from tasks.vertex.data import errors, hdf5
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.validation import validate_vectors
from tasks.vertex.data.vectors import VectorFile, open_vectors

GOOD = np.arange(40, dtype=np.float32).reshape(10, 4)
TEXT = h5py.string_dtype()


@pytest.fixture
def write(tmp_path):
    """write(fill, train=..., latest=...) -> path; ``fill(file)`` adds what is wrong with it."""

    def write(fill, *, train=GOOD, latest=False):
        path = tmp_path / "stranger.hdf5"
        with h5py.File(path, "w", libver="latest" if latest else "earliest") as file:
            if train is not None:
                file["train"] = train
            fill(file)
        return path

    return write


def nothing(_):
    pass


def validate(path, *columns, allow_external=False):
    with VectorFile(path, allow_external=allow_external) as file:
        return validate_vectors(file, DatapointRules(restrict_columns=columns))


def external_storage(name, shape, dtype):
    def fill(file):
        file.create_dataset(name, shape, dtype, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])

    return fill


def external_link(name):
    return lambda file: file.__setitem__(name, h5py.ExternalLink("/etc/secrets.hdf5", "/ids"))


def link_through_a_group(file):
    file["there"] = h5py.ExternalLink("/etc/secrets.hdf5", "/")
    file["ids"] = h5py.SoftLink("/there/ids")


def virtual(name, source="/etc/secrets.hdf5", shape=GOOD.shape, dtype="f4"):
    def fill(file):
        layout = h5py.VirtualLayout(shape, dtype)
        layout[...] = h5py.VirtualSource(source, "data", shape=shape, dtype=dtype)
        file.create_virtual_dataset(name, layout)

    return fill


LEADING_ELSEWHERE = {
    "train in external storage": (external_storage("train", (10, 4), "f4"), (), "/etc/passwd"),
    "test in external storage": (external_storage("test", (10, 4), "f4"), (), "/etc/passwd"),
    "ids in external storage": (external_storage("ids", (10,), "S4"), (), "/etc/passwd"),
    "neighbors in external storage": (external_storage("neighbors", (10, 4), "i4"), (), "/etc/passwd"),
    "a column in external storage": (external_storage("color", (10,), "S4"), ("color",), "/etc/passwd"),
    "train linked": (external_link("train"), (), "/etc/secrets.hdf5"),
    "ids linked": (external_link("ids"), (), "/etc/secrets.hdf5"),
    "test linked": (external_link("test"), (), "/etc/secrets.hdf5"),
    "neighbors linked": (external_link("neighbors"), (), "/etc/secrets.hdf5"),
    "a column linked": (external_link("color"), ("color",), "/etc/secrets.hdf5"),
    "ids linked through a group": (link_through_a_group, (), "/etc/secrets.hdf5"),
    "train virtual": (virtual("train"), (), "/etc/secrets.hdf5"),
    "test virtual": (virtual("test"), (), "/etc/secrets.hdf5"),
    "ids virtual": (virtual("ids", shape=(10,), dtype="i8"), (), "/etc/secrets.hdf5"),
    "virtual in itself": (virtual("test", source="."), (), "virtual dataset"),
}


@pytest.mark.parametrize(
    ("fill", "columns", "names"), LEADING_ELSEWHERE.values(), ids=LEADING_ELSEWHERE.keys()
)
def test_values_in_other_files_are_refused_and_the_option_is_named(write, fill, columns, names):
    train = None if fill.__qualname__ and columns == () and "train" in _names(write, fill) else GOOD
    path = write(fill, train=train)
    with pytest.raises(errors.ExternalData, match=f"{names}.*--allow-external-data") as refused:
        validate(path, *columns)
    assert str(path) in str(refused.value)


def _names(write, fill):
    with h5py.File(write(fill, train=None)) as file:
        return list(file)


def test_if_allowed_values_of_other_files_are_read(write, tmp_path):
    (tmp_path / "raw").write_bytes(b"".join(b"id-%d" % row for row in range(10)))
    with h5py.File(tmp_path / "other.hdf5", "w") as other:
        other["data"], other["price"] = GOOD, np.arange(10)

    def fill(file):
        file.create_dataset("ids", (10,), "S4", external=[(str(tmp_path / "raw"), 0, 40)])
        file["price"] = h5py.ExternalLink("other.hdf5", "/price")
        virtual("train", source="other.hdf5")(file)

    path = write(fill, train=None)
    assert validate(path, "price", allow_external=True).rows == 10
    with VectorFile(path, allow_external=True) as file:
        (block,) = file.blocks(("price",))
    assert block.ids == [f"id-{row}" for row in range(10)]
    assert block.columns["price"].values == list(range(10))
    np.testing.assert_array_equal(block.vectors, GOOD)


def short_external(file):
    Path(file.filename).with_name("raw").write_bytes(b"123")
    file.create_dataset("ids", (10,), "S4", external=[(str(Path(file.filename).with_name("raw")), 0, 40)])


def partly_mapped(file):
    with h5py.File(Path(file.filename).with_name("other.hdf5"), "w") as other:
        other["data"] = GOOD[:5]
    layout = h5py.VirtualLayout((10, 4), "f4")
    layout[:5] = h5py.VirtualSource("other.hdf5", "data", shape=(5, 4), dtype="f4")
    file.create_virtual_dataset("test", layout)


def shorter_source(file):
    with h5py.File(Path(file.filename).with_name("other.hdf5"), "w") as other:
        other["data"] = GOOD[:5]
    virtual("test", source="other.hdf5")(file)


def unwritten_source(file):
    with h5py.File(Path(file.filename).with_name("other.hdf5"), "w") as other:
        other.create_dataset("data", (10, 4), "f4", chunks=(2, 4))
    virtual("test", source="other.hdf5")(file)


INCOMPLETE = {
    "external storage that ends early": (short_external, errors.NeverWritten, "3 of 40 bytes"),
    "a virtual dataset whose source is gone": (virtual("test", "gone.hdf5"), errors.DataFileMissing, "gone"),
    "a virtual dataset that is mapped in part": (partly_mapped, errors.NeverWritten, "20 of its 40 values"),
    "a source shorter than its mapping": (shorter_source, errors.NeverWritten, "only part of 'data'"),
    "a source that was never written": (unwritten_source, errors.NeverWritten, "0 of its 5 chunks"),
    "a link to a file that is gone": (external_link("ids"), errors.DataUnreadable, "`ids`"),
}


@pytest.mark.parametrize(("fill", "error", "says"), INCOMPLETE.values(), ids=INCOMPLETE.keys())
def test_even_if_allowed_what_is_missing_elsewhere_is_refused(write, fill, error, says):
    with pytest.raises(error, match=says):
        validate(write(fill), allow_external=True)


def test_files_that_lead_to_each_other_in_a_circle_are_refused(write):
    with pytest.raises(InvalidInput, match="more than 8 files"):
        validate(
            write(lambda file: (virtual("data", ".")(file), virtual("test", ".")(file))), allow_external=True
        )


def unfinished(name, shape, dtype, written, chunks, **options):
    def fill(file):
        dataset = file.create_dataset(name, shape, dtype, chunks=chunks, **options)
        if written:
            dataset[:written] = np.ones((written, *shape[1:])) if dtype != TEXT else ["x"] * written

    return fill


NEVER_WRITTEN = {
    "train, chunks": (unfinished("train", (100, 4), "f4", 35, (10, 4)), "4 of its 10 chunks"),
    "train, no chunk": (unfinished("train", (100, 4), "f4", 0, (10, 4)), "0 of its 10 chunks"),
    "train, compressed": (unfinished("train", (100, 4), "f4", 35, (10, 4), compression="gzip"), "4 of its 10"),
    "train, resizable": (unfinished("train", (100, 4), "f4", 35, (10, 4), maxshape=(None, 4)), "4 of its 10"),
    "train, contiguous": (unfinished("train", (100, 4), "f4", 0, None), "none of its values"),
    "test": (unfinished("test", (20, 4), "f4", 5, (5, 4)), "1 of its 4 chunks is"),
    "ids": (unfinished("ids", (10,), TEXT, 2, (2,)), "1 of its 5 chunks is"),
    "ids, contiguous": (unfinished("ids", (10,), "i8", 0, None), "none of its values"),
    "neighbors": (unfinished("neighbors", (10, 3), "i4", 0, (2, 3)), "0 of its 5 chunks"),
    "a column": (unfinished("color", (10,), "i8", 2, (2,)), "1 of its 5 chunks is"),
}  # fmt: skip


@pytest.mark.parametrize("latest", [False, True], ids=["old format", "new format"])
@pytest.mark.parametrize(("fill", "says"), NEVER_WRITTEN.values(), ids=NEVER_WRITTEN.keys())
def test_what_was_never_written_is_not_indexed_as_fill_values(write, fill, says, latest):
    train = None if "train" in _names(write, fill) else GOOD
    columns = ("color",) if "color" in _names(write, fill) else ()
    with pytest.raises(errors.NeverWritten, match=says):
        validate(write(fill, train=train, latest=latest), *columns)


LAYOUTS = {
    "contiguous": {},
    "chunked": {"chunks": True},
    "one chunk": {"chunks": (3000,)},
    "resizable": {"chunks": (7,), "maxshape": (None,)},
    "gzip": {"chunks": (7,), "compression": "gzip"},
    "gzip, shuffle": {"chunks": (700,), "compression": "gzip", "shuffle": True},
    "lzf": {"chunks": (700,), "compression": "lzf"},
}


@pytest.mark.parametrize("userblock", [0, 1024])
@pytest.mark.parametrize("latest", [False, True], ids=["old format", "new format"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_strings_of_every_layout_read_as_the_library_reads_them(tmp_path, layout, latest, userblock):
    path, words = tmp_path / "text.hdf5", [f"ž {'word' * (row % 40)} {row}" for row in range(2999)] + [""]
    with h5py.File(path, "w", libver="latest" if latest else "earliest", userblock_size=userblock) as file:
        file["train"] = np.ones((3000, 1), np.float32)
        file.create_dataset("words", data=words, dtype=TEXT, **layout)
    with VectorFile(path) as file:
        column = file.column("words")
        assert column.texts(0, 3000) == words
        assert column.texts(6, 1501) == words[6:1501]


def named_type(file):
    file["ids"] = np.dtype("f8")


def circle(file):
    file["ids"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/ids")


NO_DATASET = {
    "broken link": (lambda file: file.__setitem__("ids", h5py.SoftLink("/gone")), "a soft link to what is not"),
    "links in a circle": (circle, "soft links in a circle"),
    "link to itself": (lambda file: file.__setitem__("ids", h5py.SoftLink("ids")), "soft links in a circle"),
    "group": (lambda file: file.create_group("ids"), "a group"),
    "named type": (named_type, "a named type"),
    "inside of a dataset": (lambda file: file.__setitem__("ids", h5py.SoftLink("/train/x")), "inside of"),
}  # fmt: skip


@pytest.mark.parametrize("name", ["ids", "test", "neighbors", "color"])
@pytest.mark.parametrize(("fill", "says"), NO_DATASET.values(), ids=NO_DATASET.keys())
def test_a_name_that_is_no_dataset_is_not_taken_as_absent(write, fill, says, name):
    def renamed(file):
        fill(file)
        if name != "ids":
            file.move("ids", name)
            if "b" in file:
                del file["b"]
                file["b"] = h5py.SoftLink(f"/{name}")

    if says.endswith("circle") and name != "ids":
        renamed = lambda file: file.__setitem__(name, h5py.SoftLink(name))  # noqa: E731
    with pytest.raises(errors.NotADataset, match=f"`{name}` is no dataset; it is .*{says}"):
        validate(write(renamed), *(["color"] if name == "color" else []))


def test_soft_links_within_the_file_are_followed(write):
    def fill(file):
        file["deep/ids"] = np.arange(10)
        file["group"] = h5py.SoftLink("/deep")
        file["ids"] = h5py.SoftLink("group/./ids")

    assert validate(write(fill), "deep/ids").rows == 10


COLUMN_TYPES = {
    "complex": np.ones(10, complex), "compound": np.ones(10, [("a", "i4")]), "opaque": np.ones(10, "V4"),
    "float128": np.ones(10, np.longdouble), "arrays": np.ones(10, [("a", "f4", 3)])["a"],
    "enum": np.ones(10, h5py.enum_dtype({"RED": 1})), "date": np.ones(10).astype(h5py.opaque_dtype("M8[s]")),
}  # fmt: skip


@pytest.mark.parametrize("values", COLUMN_TYPES.values(), ids=COLUMN_TYPES.keys())
@pytest.mark.parametrize("name", ["ids", "color"])
def test_values_of_other_types_are_refused(write, values, name):
    with pytest.raises((errors.WrongType, errors.WrongShape), match=f"`{name}`"):
        validate(write(lambda file: file.create_dataset(name, data=values)), "color")


def references(file):
    file.create_dataset("ids", data=[file["train"].ref] * 10, dtype=h5py.ref_dtype)


def ragged(file):
    file.create_dataset("ids", (10,), h5py.vlen_dtype("i4"))[:] = [np.arange(3)] * 10


def small_float(file):
    kind = h5py.h5t.IEEE_F16LE.copy()
    kind.set_fields(15, 8, 7, 0, 7)  # bfloat16
    kind.set_ebias(127)
    space = h5py.h5s.create_simple((10, 4))
    h5py.h5d.create(file.id, b"train", kind, space).write(space, space, GOOD)


@pytest.mark.parametrize("fill", [references, ragged], ids=["references", "ragged"])
def test_ids_that_are_no_values_are_refused(write, fill):
    with pytest.raises(errors.WrongType, match="`ids`"):
        validate(write(fill))


def test_vectors_of_a_float_type_that_numpy_lacks_are_refused(write):
    with pytest.raises(InvalidInput, match="`train`"):
        validate(write(small_float, train=None))


@pytest.mark.parametrize("dtype", ["?", "<i4", ">u8", "c8", "S3", "V4", np.longdouble])
def test_vectors_of_other_types_are_refused(write, dtype):
    with pytest.raises(errors.WrongType, match="`train`"):
        validate(write(lambda file: file.create_dataset("train", data=GOOD.astype(dtype)), train=None))


LARGE = {
    "chunk": (lambda file: file.create_dataset("train", (2**24, 4), "f4", chunks=(2**24, 4)), "A chunk"),
    "row": (lambda file: file.create_dataset("train", data=np.ones((1, 3 * 2**20), "f4")), "A row"),
    "queries": (
        lambda file: (file.create_dataset("train", data=GOOD), file.create_dataset("test", data=np.ones((5 * 2**20, 4), "f4"), chunks=(2**16, 4), compression="gzip")),
        "The queries",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fill", "says"), LARGE.values(), ids=LARGE.keys())
def test_what_memory_cannot_hold_is_refused(write, fill, says):
    path = write(fill, train=None)
    with pytest.raises(errors.TooLargeForMemory, match=says), VectorFile(path) as file:
        file.queries()


def shared_strings(path):
    """Half a megabyte of file, in which every one of 4,096 ids is the same string of 500,000 characters."""
    with h5py.File(path, "w") as file:
        file["train"] = np.ones((4096, 1), np.float32)
        ids = file.create_dataset("ids", (4096,), TEXT)
        ids[0] = "x" * 500_000
        at = ids.id.get_offset()
    raw = bytearray(path.read_bytes())
    raw[at : at + 16 * 4096] = raw[at : at + 16] * 4096
    path.write_bytes(raw)


def bomb(path):
    """A chunk of half a megabyte that inflates to half a gigabyte."""
    pump = zlib.compressobj()
    stream = b"".join(pump.compress(bytes(2**20)) for _ in range(512)) + pump.flush()
    with h5py.File(path, "w") as file:
        train = file.create_dataset("train", (2**20, 4), "f4", chunks=(2**20, 4), compression="gzip")
        train.id.write_direct_chunk((0, 0), stream)


def zeros(path):
    """Two gigabytes of rows in a file of two megabytes, with ids and a column, in chunks as large as they may be."""
    with h5py.File(path, "w") as file:
        rows = 2**23
        shape = {"train": (rows, 64), "ids": (rows,), "price": (rows,)}
        for name, chunk in {"train": (2**17, 64), "ids": (2**22,), "price": (2**22,)}.items():
            dataset = file.create_dataset(
                name, shape[name], "f4" if name == "train" else "i8", chunks=chunk, compression="gzip"
            )
            part = zlib.compress(bytes(int(np.prod(chunk)) * dataset.dtype.itemsize))
            for start in range(0, rows, chunk[0]):
                dataset.id.write_direct_chunk((start, *[0] * (len(chunk) - 1)), part)


CHILD = """
import resource, sys, pathlib
from tasks.errors import InvalidInput
from tasks.vertex.data.vectors import VectorFile
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    with VectorFile(pathlib.Path(sys.argv[1])) as file:
        columns = ("price",) if file._file.has("price") else ()
        for number, block in enumerate(file.blocks(columns)):
            if number == 4: break
    print("read", end=" ")
except InvalidInput as error:
    print(type(error).__name__, end=" ")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "outcome"),
    [(shared_strings, "TooLargeForMemory"), (bomb, "TooLargeForMemory"), (zeros, "read")],
    ids=["one string for all rows", "a deflate bomb", "the largest chunks"],
)
def test_reading_takes_less_than_256_megabytes_whatever_the_file_says(tmp_path, make, outcome):
    path = tmp_path / "large.hdf5"
    make(path)
    ended = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30,) * 2),
    )
    how, megabytes = ended.stdout.split()
    assert how == outcome
    assert int(megabytes) < 256


def test_of_thousands_of_other_datasets_none_is_opened(write, monkeypatch):
    opened = []
    find = hdf5.Hdf5File._find
    monkeypatch.setattr(hdf5.Hdf5File, "_find", lambda self, name: opened.append(name) or find(self, name))

    def fill(file):
        for number in range(1000):
            file[f"other {number}"] = number
        file["ids"] = np.arange(10)

    path = write(fill)
    validate(path)
    assert opened == ["train", "ids"]
    with pytest.raises(errors.DatasetMissing, match="and 982 more"):
        validate(path, "color")


def test_a_damaged_object_header_is_an_error_of_the_file(write):
    path = write(lambda file: file.create_dataset("ids", data=np.arange(10)))
    with h5py.File(path) as file:
        at = h5py.h5o.get_info(file["ids"].id).addr
    raw = bytearray(path.read_bytes())
    raw[at : at + 16] = b"\xff" * 16
    path.write_bytes(raw)
    with pytest.raises(errors.DataUnreadable, match="`ids`") as damaged:
        validate(path)
    assert str(path) in str(damaged.value)


def test_a_heap_that_claims_empty_objects_ends(write):
    path = write(lambda file: file.create_dataset("ids", data=[f"id {row}" for row in range(10)], dtype=TEXT))
    raw = bytearray(path.read_bytes())
    heap = raw.index(b"GCOL")
    raw[heap + 24 : heap + 32] = bytes(8)  # where the library loops for ever
    path.write_bytes(raw)
    with pytest.raises(errors.UnreadableRows, match="is not in its heap"):
        validate(path)


@pytest.fixture
def as_nobody():
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_without_permission_is_named_with_the_reason(write, request):
    path = write(nothing)
    path.chmod(0)
    request.getfixturevalue("as_nobody")
    with pytest.raises(errors.DataUnreadable, match="Permission denied"):
        validate(path)


@pytest.mark.parametrize("name", ["/dev/zero", "nul\0byte", "x" * 5000, "\udc80", "~nobody-of-that-name/x"])
def test_what_is_no_file_is_refused_before_it_is_opened(name):
    with pytest.raises((errors.DataUnreadable, errors.DataFileMissing)), open_vectors(name):
        pass


def test_a_pipe_is_refused_and_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(errors.DataFileMissing):
        validate(tmp_path / "pipe")


@pytest.mark.parametrize("column", ["nul\0byte", "\udc80", "/", "..", "a" * 3000])
def test_names_that_no_file_has_are_missing(write, column):
    with pytest.raises((errors.DatasetMissing, errors.NotADataset)):
        validate(write(nothing), column)
