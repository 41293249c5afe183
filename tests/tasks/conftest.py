import itertools
from pathlib import Path

import h5py
import numpy as np
import pytest

SAMPLE = Path(__file__).parents[2] / "sandbox" / "data" / "glove-100-sample.hdf5"


@pytest.fixture
def sample():
    return SAMPLE


@pytest.fixture(scope="session")
def write_hdf5(tmp_path_factory):
    """write_hdf5(train=array, ids=[...], ...) -> path; a list of strings becomes a dataset of strings."""
    folder = tmp_path_factory.mktemp("hdf5")
    numbers = itertools.count()

    def write(*, chunks=None, **datasets):
        path = folder / f"{next(numbers)}.hdf5"
        with h5py.File(path, "w") as file:
            for name, values in datasets.items():
                is_text = isinstance(values, list) and values and isinstance(values[0], str | bytes)
                dtype = h5py.string_dtype() if is_text else None
                compression = {"chunks": chunks, "compression": "gzip"} if chunks and name == "train" else {}
                file.create_dataset(name, data=values, dtype=dtype, **compression)
        return path

    return write


@pytest.fixture(scope="session")
def vectors_of():
    """vectors_of(rows, dimensions) -> float32 values that are the same in every run."""

    def make(rows, dimensions=4, dtype=np.float32, seed=0):
        return np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(dtype)

    return make
