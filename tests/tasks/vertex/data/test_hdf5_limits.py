"""Files that nobody vouches for: odd types, what memory cannot hold, damage, and paths that are no file."""

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
from tasks.vertex.data import errors
from tasks.vertex.data.formats import hdf5
from tasks.vertex.data.formats.stored import Names
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.validation import validate_vectors
from tasks.vertex.data.vectors import VectorFile, open_vectors
from tests.forks import ROOT

GOOD = np.arange(40, dtype=np.float32).reshape(10, 4)
TEXT = h5py.string_dtype()


def nothing(_):
    pass


def validate(path, *columns, allow_external=False):
    with VectorFile(path, allow_external=allow_external) as file:
        return validate_vectors(file, DatapointRules(restrict_columns=columns))


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
import sys, pathlib
from tests.memory import peak_megabytes
from tasks.errors import InvalidInput
from tasks.vertex.data.vectors import VectorFile
before = peak_megabytes()
try:
    with VectorFile(pathlib.Path(sys.argv[1])) as file:
        columns = ("price",) if file._file.has("price") else ()
        for number, block in enumerate(file.blocks(columns)):
            if number == 4: break
    print("read", end=" ")
except InvalidInput as error:
    print(type(error).__name__, end=" ")
print(peak_megabytes() - before)
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
        cwd=ROOT,
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


def test_what_opens_but_cannot_be_read_is_one_clear_error():
    if not Path("/proc/self/mem").exists():
        pytest.skip("a file of Linux")
    with (
        pytest.raises(errors.DataUnreadable, match="Input/output error"),
        open_vectors("/proc/self/mem", names=Names(queries="queries.npy")),
    ):
        pass
