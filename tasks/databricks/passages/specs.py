"""An index of passages as a specification: its columns, its version; a passage as a row of it, and the row that describes them all.

Direct Vector Access, because passages are embedded here: rows go in as they are embedded, a crash loses at most one batch, and neither
a warehouse nor a pipeline stands between a document and its answer.

A column holds one value, so that the readers of a passage are a group: passages for the same readers have the same `audience`, and a
query names the groups that a reader is in. The describing row has none, so no query finds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from tasks.answers.chunks import Chunk, Chunks, Splitting
from tasks.answers.knowledge import KnowledgeBase
from tasks.databricks.data import Row
from tasks.databricks.indexes import IndexState
from tasks.databricks.specs import KEY, DataType, IndexSpec
from tasks.errors import InvalidInput
from tasks.marks import fingerprint

VECTOR = "embedding"
SEARCHED = ("title", "heading", "text")
"""The columns whose words are searched."""
DESCRIPTION = "description"
"""The key of the row that says what the others are. It is written last: an index that has it has all of them."""
PUBLIC = "public"
"""The group of passages for everybody."""
MOST_AUDIENCES = 1000
"""Groups of readers: a filter takes 1,024 clauses (from memory of the page "Resource and data size limits")."""
_COLUMNS: tuple[tuple[str, DataType], ...] = (
    ("document", "string"),
    ("title", "string"),
    ("heading", "string"),
    ("text", "string"),
    ("hash", "string"),
    ("readers", "string"),
    ("audience", "string"),
    ("start", "long"),
    ("end", "long"),
    ("page", "long"),
)
PLAIN = tuple(column for column, _ in _COLUMNS)
"""All columns but the key and the vector."""


class Description(BaseModel, frozen=True):
    """What an index of passages holds, as it says itself."""

    content: str
    chunks: int
    documents: int
    splitter: str
    splitting: Splitting
    model: str
    """What embedded them."""
    audiences: dict[str, tuple[str, ...]]
    """The readers of each group."""

    @property
    def version(self) -> str:
        """Twelve hex digits: other content, or another model, is another index."""
        return fingerprint([self.content, self.splitter, self.model])

    def knowledge_base(self, name: str, index: IndexState) -> KnowledgeBase:
        """As every engine describes one."""
        return KnowledgeBase(
            name=name, index=self.version, chunks=self.chunks, documents=self.documents, splitter=self.splitter,
            splitting=self.splitting, sparse_model="", search_model="", dense_model=self.model, fields=(VECTOR,),
            audiences=self.audiences, handle=index,
        )  # fmt: skip


@dataclass(frozen=True)
class Embedded:
    """A passage with its embedding."""

    chunk: Chunk
    vector: NDArray[np.float32]


def described(chunks: Chunks, model: str) -> Description:
    """What an index of these chunks will say of itself.

    Raises:
        InvalidInput: they are for more groups of readers than a filter can name.
    """
    audiences = {audience_of(chunk): tuple(sorted(set(chunk.readers))) for chunk in chunks.chunks}
    if len(audiences) > MOST_AUDIENCES:
        raise InvalidInput(
            "These documents are for too many groups of readers", value=f"{len(audiences):,}", source="--documents",
            accepted=f"at most {MOST_AUDIENCES:,} different lists of readers on Databricks",
        )  # fmt: skip
    return Description(
        content=chunks.content, chunks=len(chunks.chunks), documents=chunks.documents, splitter=chunks.splitting.mark,
        splitting=chunks.splitting, model=model, audiences=audiences,
    )  # fmt: skip


def passage_index(name: str, version: str, dimensions: int) -> IndexSpec:
    """The index of a version.

    Raises:
        InvalidInput: the name is none that Databricks takes, or the model's vectors are too long.
    """
    try:
        return IndexSpec(
            name=name, version=version, dimensions=dimensions, vector_column=VECTOR, data_columns=_COLUMNS
        )
    except ValidationError as error:
        said = "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors())
        raise InvalidInput(f"Databricks takes no such index: {said}", value=name, source="--name") from error


def audience_of(chunk: Chunk) -> str:
    """The group of readers that a passage is for."""
    return fingerprint(sorted(set(chunk.readers))) if chunk.readers else PUBLIC


def row_of(passage: Embedded) -> Row:
    """A passage as a row."""
    return {
        KEY: passage.chunk.id,
        **_body(passage.chunk),
        "hash": hash_of(passage.chunk),
        VECTOR: passage.vector,
    }


def description_row(description: Description, dimensions: int) -> Row:
    """The row that describes the others."""
    text = description.model_dump_json()
    return {
        KEY: DESCRIPTION,
        "text": text,
        "hash": fingerprint(text),
        VECTOR: np.zeros(dimensions, np.float32),
    }


def chunk_of(id_: str, row: Mapping[str, Any]) -> Chunk:
    """A row as a passage again."""
    page = row["page"]
    return Chunk(
        id=id_,
        document=row["document"],
        title=row["title"],
        heading=row["heading"],
        start=int(row["start"]),
        end=int(row["end"]),
        page=None if page is None else int(page),
        text=row["text"],
        readers=tuple(orjson.loads(row["readers"])),
    )


def hash_of(chunk: Chunk) -> str:
    """Twelve hex digits of everything that is stored of a passage: what verification compares."""
    return fingerprint(_body(chunk))


def _body(chunk: Chunk) -> dict[str, Any]:
    return {
        "document": chunk.document,
        "title": chunk.title,
        "heading": chunk.heading,
        "text": chunk.text,
        "readers": orjson.dumps(chunk.readers).decode(),
        "audience": audience_of(chunk),
        "start": chunk.start,
        "end": chunk.end,
        "page": chunk.page,
    }
