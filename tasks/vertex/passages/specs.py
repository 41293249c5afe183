"""A version of a knowledge base: what describes it, its files, and a passage as a datapoint.

description.json          written last, and before the index: a folder that has it has everything
texts-00000.jsonl         passages, spread over a few files by their ids, so that a search reads only some of them
vectors-CHUNK.json        embeddings, a file for each batch as it is embedded
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel

from tasks.answers.chunks import Chunk, Chunks, Splitting
from tasks.answers.knowledge import KnowledgeBase
from tasks.marks import MANAGED_BY, fingerprint
from tasks.vertex.datapoints.filters import Restrict
from tasks.vertex.resources.served import ServedIndex

READERS = "readers"
"""The namespace of the restricts that say who may read a passage."""
PUBLIC = "public"
PASSAGES_IN_FILE = 500
"""In one file of texts, about: a megabyte, of which a search reads one for each passage that it finds."""


class Description(BaseModel, frozen=True):
    """What a version holds, as it says itself."""

    managed_by: Literal["vector-search-ops"] = MANAGED_BY
    version: str
    imported: str
    """Hash of the import files, by which its index is known."""
    content: str
    chunks: int
    documents: int
    splitter: str
    splitting: Splitting
    model: str
    dimensions: int
    text_files: int

    def knowledge_base(self, name: str, served: ServedIndex) -> KnowledgeBase:
        """As every engine describes one."""
        return KnowledgeBase(
            name=name, index=self.version, chunks=self.chunks, documents=self.documents, splitter=self.splitter,
            splitting=self.splitting, sparse_model="", search_model="", dense_model=self.model, fields=("embedding",),
            has_words=False, text_files=self.text_files, handle=served,
        )  # fmt: skip


def version_for(chunks: Chunks, model: str) -> str:
    """Twelve hex digits: other content, or another model, is another version."""
    return fingerprint([chunks.content, chunks.splitting.mark, model])


def text_files_for(chunks: int) -> int:
    """The number of files that hold the texts of this number of passages."""
    return max(1, -(-chunks // PASSAGES_IN_FILE))


def text_file(id_: str, files: int) -> str:
    """The file that holds a passage."""
    return f"texts-{int(id_[:8], 16) % files:05}.jsonl"


def text_line(chunk: Chunk) -> bytes:
    """A passage as a line of a file."""
    return orjson.dumps({**asdict(chunk), "hash": hash_of(chunk)}) + b"\n"


def chunk_of(line: bytes) -> Chunk:
    """A line as a passage again."""
    found: dict[str, Any] = orjson.loads(line)
    found.pop("hash")
    readers: list[str] = found.pop("readers")
    return Chunk(**found, readers=tuple(readers))


def hash_of(chunk: Chunk) -> str:
    """Twelve hex digits of everything that is stored of a passage: what verification compares."""
    return fingerprint(asdict(chunk))


def restrict_of(chunk: Chunk) -> Restrict:
    """Who may read a passage, as a restrict: a query finds it if it allows one of these tokens."""
    return Restrict(namespace=READERS, allow=tokens(chunk.readers) if chunk.readers else (PUBLIC,))


def tokens(readers: Sequence[str]) -> tuple[str, ...]:
    """The tokens of these readers; no name of a reader is that of everybody."""
    return tuple(f"reader:{reader}" for reader in sorted(set(readers)))


def import_record(chunk: Chunk, vector: NDArray[np.float32]) -> bytes:
    """A passage as a line of a file of datapoints."""
    restrict = restrict_of(chunk)
    record = {
        "id": chunk.id,
        "embedding": vector.tolist(),
        "restricts": [{"namespace": restrict.namespace, "allow": list(restrict.allow)}],
    }
    return orjson.dumps(record) + b"\n"


def packed(ids: Sequence[str], vectors: NDArray[np.float32]) -> bytes:
    """Embeddings as a file."""
    text = base64.b64encode(np.ascontiguousarray(vectors, "<f4").tobytes()).decode()
    return orjson.dumps({"ids": list(ids), "dimensions": vectors.shape[1], "vectors": text})


def unpacked(content: bytes) -> dict[str, NDArray[np.float32]]:
    """The embeddings of a file, by the passage's id."""
    found: dict[str, Any] = orjson.loads(content)
    flat = np.frombuffer(base64.b64decode(found["vectors"]), "<f4").astype(np.float32)
    return dict(zip(found["ids"], flat.reshape(-1, found["dimensions"]), strict=True))
