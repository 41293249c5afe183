"""HDF5 files with something wrong in them."""

import h5py
import numpy as np
import pytest

from tests.tasks.vertex.data.hostility import Reader

GOOD = np.arange(40, dtype=np.float32).reshape(10, 4)


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


@pytest.fixture
def reader():
    """reader(path) -> [outcome, megabytes], in a process of its own; another one when it died."""
    running = [Reader()]

    def read(path):
        if running[0].process.poll() is not None:
            running[0] = Reader()
        return running[0].read(path)

    yield read
    running[0].stop()
