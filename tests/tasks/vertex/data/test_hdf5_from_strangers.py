"""Files that nobody vouches for: what leads elsewhere, what was never written, what is no dataset."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from tasks.errors import InvalidInput
from tasks.vertex.data import errors
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.validation import validate_vectors
from tasks.vertex.data.vectors import VectorFile

GOOD = np.arange(40, dtype=np.float32).reshape(10, 4)
TEXT = h5py.string_dtype()


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
