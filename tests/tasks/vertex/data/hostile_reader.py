"""Reads one HDF5 file after the other, in a process whose death, hang or appetite the test sees: a path in, a line out."""

import json
import resource
import sys
from pathlib import Path

import numpy as np

from tasks.errors import PermanentError
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.validation import validate_vectors
from tasks.vertex.data.vectors import VectorFile
from tests.memory import peak_megabytes

MEMORY = 3 * 2**30
"""Bytes of address space; libraries alone reserve one and a half. What is resident is measured."""


def read(path: Path) -> str:
    """`read`, or the message of the error."""
    try:
        with VectorFile(path) as file:
            rules = (
                DatapointRules(restrict_columns=("color",)) if file._file.has("color") else DatapointRules()
            )
            validated = validate_vectors(file, rules)
            rows = 0
            for block in file.blocks(rules.columns):
                assert block.vectors.dtype == np.float32
                assert block.vectors.shape == (len(block.ids), validated.dimensions)
                assert np.isfinite(block.vectors).all()
                assert all(isinstance(id_, str) and id_ for id_ in block.ids)
                list(rules.records(block))
                rows += len(block.ids)
            assert rows == validated.rows
            if file.has_queries:
                assert np.isfinite(file.queries()).all()
            file.words("train_words", 10)
    except PermanentError as error:
        return f"{type(error).__name__}: {error}"
    return "read"


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for line in sys.stdin:
        try:
            outcome = read(Path(json.loads(line)))
        except BaseException as error:  # noqa: BLE001 -- the test judges it
            outcome = f"UNEXPECTED {error!r}"
        peak = peak_megabytes()
        sys.stdout.write(json.dumps([outcome, peak]) + "\n")
        sys.stdout.flush()
