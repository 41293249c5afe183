"""The small files that the scenarios' commands read, written once per campaign from a fixed seed."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np

from tests.forks import ROOT

_SANDBOX = ROOT / "sandbox" / "data"
_ROWS, _DIMENSIONS, _TEXTS = 60, 8, 24
_TOUR_ROWS, _TOUR_QUERIES, _FILMS, _FILM_QUERIES, _GLOSSES = 240, 8, 14, 3, 10
"""What a tour does is the same with few rows; its cases are a fifth of all."""


_DOCUMENTS = {
    "leave.md": "# Leave\n\nEverybody has thirty-one days of leave in a year.\n\n## Carers\n\nCarers have five more days.\n",
    "expenses.md": "# Expenses\n\nA taxi is paid for after ten in the evening.\n\nKeep the receipt for two years.\n",
    "salaries.md": "---\nreaders: [hr]\n---\n# Salaries\n\nThe lowest salary is 41,000 a year.\n",
}
_CHANGED = {
    "leave.md": _DOCUMENTS["leave.md"].replace("thirty-one", "thirty"),
    "expenses.md": _DOCUMENTS["expenses.md"],
    "travel.md": "# Travel\n\nTrains are booked by the office.\n",
}
"""One document is other, one the same, one gone, one new."""


def write(folder: Path) -> dict[str, str]:
    """Write every file and return their paths by the names that the scenarios use."""
    folder.mkdir(parents=True, exist_ok=True)
    glosses = [
        json.loads(line) for line in (_SANDBOX / "wordnet-glosses.jsonl").read_text().splitlines()[:80]
    ]
    texts = [{"id": row["id"], "title": row["lemma"], "text": row["gloss"]} for row in glosses]
    wanted = {"query": texts[0]["text"], "expected": [texts[0]["id"]], "within": 3}
    films, film_queries = _films()
    return {
        "vectors": _vectors(folder / "vectors.hdf5", seed=1),
        "others": _vectors(folder / "others.hdf5", seed=2),
        "points": _lines(folder / "points.jsonl", _datapoints()),
        "delta": _vectors(folder / "delta.hdf5", seed=4, ids=["5", "added"]),
        "gone": _text(folder / "gone.txt", "1\n2\n"),
        "tour": _tour(folder / "tour.hdf5"),
        "texts": _lines(folder / "texts.jsonl", texts[:_TEXTS]),
        "more": _lines(folder / "more.jsonl", texts[: _TEXTS + 6]),
        "queries": _lines(folder / "queries.jsonl", [wanted]),
        "films": _lines(folder / "films.jsonl", films),
        "film_queries": _lines(folder / "film-queries.jsonl", film_queries),
        "glosses": _lines(folder / "glosses.jsonl", glosses[:_GLOSSES]),
        "rows": _lines(folder / "rows.jsonl", _rows()),
        "documents": _folder(folder / "documents", _DOCUMENTS),
        "changed": _folder(folder / "changed", _CHANGED),
    }


def _films():
    """Those that the first queries expect, and some more."""
    read = [
        list(map(json.loads, (_SANDBOX / name).read_text().splitlines()))
        for name in ("movies.jsonl", "movie-queries.jsonl")
    ]
    queries = read[1][:_FILM_QUERIES]
    expected = {id_ for query in queries for id_ in query["expected"]}
    return sorted(read[0], key=lambda film: film["id"] not in expected)[:_FILMS], queries


def _tour(file: Path) -> str:
    """The beginning of the sample."""
    with h5py.File(_SANDBOX / "glove-100-sample.hdf5") as sample, h5py.File(file, "w") as opened:
        for name, number in (("train", _TOUR_ROWS), ("test", _TOUR_QUERIES)):
            opened[name] = sample[name][:number]
            opened.create_dataset(
                f"{name}_words", data=sample[f"{name}_words"][:number], dtype=h5py.string_dtype()
            )
    return str(file)


def _rows():
    """One that is new and one that replaces a row, of a Databricks index."""
    random = np.random.default_rng(3)
    for id_ in ("new", "5"):
        yield {"id": id_, "embedding": [float(x) for x in random.normal(size=_DIMENSIONS).astype(np.float32)]}


def _folder(folder: Path, documents: dict[str, str]) -> str:
    folder.mkdir()
    for name, text in documents.items():
        (folder / name).write_text(text)
    return str(folder)


def _text(file: Path, text: str) -> str:
    file.write_text(text)
    return str(file)


def _vectors(file: Path, *, seed: int, ids: list[str] | None = None) -> str:
    random = np.random.default_rng(seed)
    with h5py.File(file, "w") as opened:
        opened["train"] = random.normal(size=(len(ids or ()) or _ROWS, _DIMENSIONS)).astype(np.float32)
        if ids:
            opened["ids"] = ids
        opened["test"] = random.normal(size=(10, _DIMENSIONS)).astype(np.float32)
    return str(file)


def _datapoints():
    """One that is new, one that replaces a row, one with restricts."""
    random = np.random.default_rng(3)
    for id_, more in (
        ("new", {}),
        ("5", {}),
        ("marked", {"restricts": [{"namespace": "colour", "allow": ["red"]}]}),
    ):
        yield {
            "id": id_,
            "embedding": [float(x) for x in random.normal(size=_DIMENSIONS).astype(np.float32)],
            **more,
        }


def _lines(file: Path, rows) -> str:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)
