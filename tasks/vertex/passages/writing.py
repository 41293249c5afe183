"""Passages and their embeddings written into the bucket, before an index is made of them.

Inference is the expensive part. Embeddings are stored batch by batch, so that a run after a crash embeds again at most the batch that
was in flight; those of the version before are taken over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.answers.chunks import Chunk
from tasks.answers.knowledge import Written
from tasks.batches import attempt_each
from tasks.files import whole_file
from tasks.models.embeddings import embed_directions
from tasks.models.settings import ModelSettings
from tasks.plurals import counted
from tasks.progress import Progress
from tasks.steps import step
from tasks.vertex.imports.passage_files import (
    DESCRIPTION,
    list_files,
    read_file,
    remove_passage_files,
    write_file,
)
from tasks.vertex.passages.specs import (
    Description,
    import_record,
    packed,
    text_file,
    text_files_for,
    text_line,
    unpacked,
)
from tasks.vertex.settings import VertexSettings
from tasks.waiting import Deadline, Look

BATCH = 32
"""Passages in a request that embeds, and what a crash may embed again."""
CARRIED = 1000
"""Embeddings that are taken over in one file."""
_VECTORS = "vectors-"
Vectors = dict[str, NDArray[np.float32]]


@step("write the passages of version {version} of {name}")
def apply_passages(
    settings: VertexSettings,
    name: str,
    version: str,
    chunks: Sequence[Chunk],
    models: ModelSettings,
    deadline: Deadline,
    *,
    previous: str,
    import_file: Path,
) -> Written:
    """Store every chunk and its embedding in the bucket, and write the local file that an index is built from.

    Args:
        settings: the target.
        name: of the knowledge base.
        version: what they become, perhaps begun by a run that was killed.
        chunks: what it is to hold.
        models: where the model is that embeds them.
        deadline: for all of them.
        previous: a version that the same model embedded; empty for none.
        import_file: where the local file goes.

    Raises:
        DeadlinePassed: what was stored is kept; the same command continues.
        Exception: as `tasks.models.errors.calling`.
    """
    wanted = {chunk.id for chunk in chunks}
    known = read_vectors(settings, name, version)
    there = len(known.keys() & wanted)
    carried: Vectors = {}
    if previous and len(known) < len(wanted):
        before = read_vectors(settings, name, previous)
        carried = {id_: before[id_] for id_ in sorted(wanted - known.keys()) if id_ in before}
        for start in range(0, len(carried), CARRIED):
            _store(settings, name, version, dict(list(carried.items())[start : start + CARRIED]))
    known |= carried
    rest = [chunk for chunk in chunks if chunk.id not in known]
    known |= _embedded(settings, name, version, rest, models, deadline)
    _write_texts(settings, name, version, chunks)
    _write_import_file(import_file, chunks, known)
    return Written(there=there, carried=len(carried), embedded=len(rest))


@step("describe version {description.version} of {name}")
def apply_description(settings: VertexSettings, name: str, description: Description) -> None:
    """Say that everything of a version is in the bucket, and which index is made of it."""
    content = description.model_dump_json().encode()
    path = f"{description.version}/{DESCRIPTION}"
    if read_file(settings, name, path) != content:
        write_file(settings, name, path, content)


@step("remove passages of {name}")
def remove_passages(settings: VertexSettings, name: str, keep: Sequence[str]) -> tuple[str, ...]:
    """Remove the files of every version but those that are kept. Returns the versions that went."""
    versions = dict.fromkeys(path.partition("/")[0] for path in list_files(settings, name))
    gone = tuple(version for version in versions if version not in keep)
    for version in gone:
        remove_passage_files.fn(settings, name, version)
    return gone


def read_vectors(settings: VertexSettings, name: str, version: str) -> Vectors:
    """The embeddings that a version has, by the passage's id."""
    found: Vectors = {}
    for path in list_files(settings, name, version):
        if path.rpartition("/")[2].startswith(_VECTORS) and (content := read_file(settings, name, path)):
            found |= unpacked(content)
    return found


def _embedded(
    settings: VertexSettings,
    name: str,
    version: str,
    chunks: Sequence[Chunk],
    models: ModelSettings,
    deadline: Deadline,
) -> Vectors:
    """Embed and store these, one batch after the other."""
    made: Vectors = {}

    def attempt(batch: Sequence[Chunk]) -> Look[bool]:
        # A file that is sent again is not embedded again.
        if batch[0].id not in made:
            vectors = embed_directions(models, [chunk.passage for chunk in batch], "passage")
            made.update(zip((chunk.id for chunk in batch), vectors, strict=True))
        _store(settings, name, version, {chunk.id: made[chunk.id] for chunk in batch})
        return Look(seen="stored", value=True, done=True)

    parts = [chunks[start : start + BATCH] for start in range(0, len(chunks), BATCH)]
    what = f"embed passages of {name}"
    attempt_each(what, parts, attempt, deadline, total=len(chunks), outcome="stored", unit="passages")
    return made


def _store(
    settings: VertexSettings, name: str, version: str, vectors: Mapping[str, NDArray[np.float32]]
) -> None:
    ids = list(vectors)
    content = packed(ids, np.stack([vectors[id_] for id_ in ids]))
    write_file(settings, name, f"{version}/{_VECTORS}{ids[0]}.json", content)


def _write_texts(settings: VertexSettings, name: str, version: str, chunks: Sequence[Chunk]) -> None:
    """The texts, in a few files. Writing them again changes nothing, so only files that differ are written."""
    files, parts = text_files_for(len(chunks)), defaultdict[str, list[bytes]](list)
    for chunk in chunks:
        parts[text_file(chunk.id, files)].append(text_line(chunk))
    with Progress(f"write texts of {name}") as progress:
        for done, (file, lines) in enumerate(sorted(parts.items()), start=1):
            path, content = f"{version}/{file}", b"".join(lines)
            if read_file(settings, name, path) != content:
                write_file(settings, name, path, content)
            progress.count(done, len(parts), "files")
        progress.end(counted(len(parts), "file"))


def _write_import_file(path: Path, chunks: Sequence[Chunk], vectors: Vectors) -> None:
    """The same bytes for the same passages in every run: the index is known by their hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        for chunk in sorted(chunks, key=lambda chunk: chunk.id):
            part.write(import_record(chunk, vectors[chunk.id]))
