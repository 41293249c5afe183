"""HDF5 files that Hypothesis makes up and damages: reading one gives valid blocks or an error of ours that names it.

Whatever the file: never another exception, a crash or a hang, and never beyond the memory bound. The reader is a process of its own.
"""

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.tasks.vertex.data.hostility import damaged, damages, outcome_of

pytestmark = pytest.mark.slow
NAMES = ("train", "test", "ids", "neighbors", "color", "train_words")
CSR = ("sparse/indptr", "sparse/indices", "sparse/data")
TEXT = h5py.string_dtype()
DTYPES = (
    "<f4", "<f8", "<f2", ">f4", ">f8", "<i4", "<i8", ">u8", "|u1", "?", "S3", "S40", "V5", "<c8", "<c16",
    np.longdouble, TEXT, h5py.string_dtype("ascii", 7), h5py.vlen_dtype("f4"), h5py.enum_dtype({"A": 1}),
    h5py.ref_dtype, np.dtype([("a", "f4"), ("b", "S2")]), np.dtype(("f4", (3,))),
)  # fmt: skip
SPECIAL = (0.0, 1.5, -3.0, np.nan, np.inf, -np.inf, 1e39, 1e300, 2.0**63)
LAYOUTS = (
    "contiguous", "chunked", "gzip", "lzf", "shuffled", "checked", "scaled", "resizable", "early", "compact",
    "unwritten", "half written", "external", "virtual", "empty",
)  # fmt: skip
PLACES = (
    "dataset",
    "soft link",
    "broken link",
    "circle",
    "external link",
    "group",
    "named type",
    "hard link",
)

rows = st.sampled_from([0, 1, 2, 9, 9, 9, 30])
shapes = st.one_of(
    st.tuples(rows, st.sampled_from([0, 1, 4, 4, 4, 600])), st.tuples(rows), st.just(()), st.tuples(rows, rows, rows)
)  # fmt: skip
contents = st.fixed_dictionaries(
    {
        "place": st.sampled_from(("dataset",) * 8 + PLACES),
        "dtype": st.sampled_from(DTYPES),
        "shape": shapes,
        "layout": st.sampled_from(("contiguous", "chunked", "gzip") * 3 + LAYOUTS),
        "special": st.lists(st.sampled_from(SPECIAL), max_size=2),
    }
)


def sound(name):
    """What a good file has under a name."""
    shape = {"train": (9, 4), "test": (2, 4), "neighbors": (2, 3), "sparse/indptr": (10,)}.get(name, (9,))
    kinds = {"train": "<f4", "test": "<f4", "neighbors": "<i4", "color": "<i8"} | dict.fromkeys(CSR, "<i4")
    dtype = kinds.get(name, TEXT)
    return {"place": "dataset", "dtype": dtype, "shape": shape, "layout": "contiguous", "special": []}


@st.composite
def files(draw):
    kept = draw(st.sets(st.sampled_from(NAMES), max_size=6)) | {"train"}
    csr = CSR if draw(st.booleans()) else ()
    odd = draw(st.dictionaries(st.sampled_from((*NAMES, *csr)), contents, max_size=2))
    parts = {name: sound(name) for name in (*NAMES, *csr) if name in kept or name in csr} | odd
    for name in ("ids", "color", "train", "test"):  # often the same content in another layout
        if name in parts and name not in odd:
            layouts = ("contiguous", "contiguous", "chunked", "gzip", "lzf", "shuffled", "resizable")
            parts[name]["layout"] = draw(st.sampled_from(layouts))
    return draw(st.booleans()), draw(st.sampled_from([0, 0, 512])), parts, draw(damages)


def values(part):
    dtype, shape = part["dtype"], part["shape"]
    count = int(np.prod(shape))
    kind = np.dtype(dtype).kind
    if dtype is TEXT or h5py.check_string_dtype(np.dtype(dtype)) is not None:
        array = np.array([f"id {number}" for number in range(count)], "S" if kind == "S" else object)
        return array.reshape(shape)
    if kind in "fc" and np.dtype(dtype).shape == ():
        array = np.arange(count, dtype=np.float64)
        array[: len(part["special"])] = part["special"][:count]
        with np.errstate(over="ignore", invalid="ignore"):
            return array.astype(dtype).reshape(shape)
    if kind in "iu" and h5py.check_enum_dtype(np.dtype(dtype)) is None:
        return (
            (np.arange(count, dtype="u8") * (2**63 + 1 if part["special"] and kind == "u" else 1))
            .astype(dtype)
            .reshape(shape)
        )
    return None


def options(part):
    shape = part["shape"]
    chunk = tuple(max(1, min(4, size)) for size in shape) or None
    return {
        "chunked": {"chunks": chunk},
        "gzip": {"chunks": chunk, "compression": "gzip"},
        "lzf": {"chunks": chunk, "compression": "lzf"},
        "shuffled": {"chunks": chunk, "compression": "gzip", "shuffle": True},
        "checked": {"chunks": chunk, "fletcher32": True},
        "scaled": {"chunks": chunk, "scaleoffset": 3},
        "resizable": {"chunks": chunk, "maxshape": (None, *shape[1:])},
        "early": {"chunks": chunk, "track_times": False},
        "half written": {"chunks": chunk},
        "external": {"external": [("/etc/hostname", 0, h5py.h5f.UNLIMITED)]},
    }.get(part["layout"], {})


def put(file, name, part):
    place, layout = part["place"], part["layout"]
    links = {
        "soft link": h5py.SoftLink("/train"), "broken link": h5py.SoftLink("/gone"), "circle": h5py.SoftLink(f"/{name}"),
        "external link": h5py.ExternalLink("/etc/hostname", "/x"), "named type": np.dtype("f8"),
    }  # fmt: skip
    if place in links:
        file[name] = links[place]
    elif place == "group":
        file.create_group(name)
    elif place == "hard link":
        file[name] = file.get("train", file)
    elif layout == "virtual":
        virtual = h5py.VirtualLayout(part["shape"], "f4")
        virtual[...] = h5py.VirtualSource("/etc/hostname", "x", part["shape"], "f4")
        file.create_virtual_dataset(name, virtual)
    elif layout == "empty":
        file[name] = h5py.Empty(part["dtype"])
    elif layout == "compact":
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.COMPACT)
        low = h5py.h5d.create(
            file.id,
            name.encode(),
            h5py.h5t.py_create(np.dtype(part["dtype"]), logical=True),
            h5py.h5s.create_simple(part["shape"]),
            properties,
        )
        if (data := values(part)) is not None:
            h5py.Dataset(low)[...] = data
    else:
        dataset = file.create_dataset(name, part["shape"], part["dtype"], **options(part))
        data = values(part)
        if data is not None and layout == "half written" and data.ndim:
            dataset[: len(data) // 2] = data[: len(data) // 2]
        elif data is not None and layout not in ("unwritten", "external"):
            dataset[...] = data


def write(path, drawn):
    latest, userblock, parts, damage = drawn
    with h5py.File(path, "w", libver="latest" if latest else "earliest", userblock_size=userblock) as file:
        for name, part in parts.items():
            try:
                put(file, name, part)
            except (
                ValueError,
                TypeError,
                OSError,
                RuntimeError,
                KeyError,
            ):  # no such combination of type, shape and layout
                if name in file.keys():  # noqa: SIM118 -- `in` follows links
                    del file[name]
    damaged(path, damage, spared=userblock + 8)  # the signature, without which it is no HDF5


@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(drawn=files())
def test_a_hostile_file_gives_valid_blocks_or_one_clear_error(reader, tmp_path, drawn):
    path = tmp_path / "hostile.hdf5"
    write(path, drawn)
    event(outcome_of(reader, path))
