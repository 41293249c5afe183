"""Words looked up by what they mean: mechanical questions, in any number, over the WordNet glosses: docs/answers-at-size.md.

    python -m benchmarks.glosses [--write] [--rows 1000] [--questions 300] [--engine elastic vertex databricks]

Each gloss is a passage (`unable: not having the necessary means`); a question is the definition in a gloss without its examples, and its
answer the word.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import orjson

from benchmarks.handbook import DATA, measure, standing, with_quotes
from benchmarks.handbook_report import Measured, means_table, retrieval_table
from flows.answers.options import HolderName
from tasks.answers.chunks import Splitting, read_chunks
from tasks.answers.evaluation.questions import Question, Quote

GLOSSES = DATA / "wordnet-glosses.jsonl"
PAGE = Path(__file__).parents[1] / "docs" / "answers-at-size.md"
FILE = "glosses.jsonl"
_PASSAGES = 6
_SHORTEST = 4
"""Words of a definition that tells one word from others."""
_EXAMPLES = re.compile(r';\s*".*')
_REMARK = re.compile(r"\([^)]*\)\s*")


def rows(most: int) -> list[dict[str, Any]]:
    """The first glosses, as documents: one for each definition, for words that mean the same share theirs."""
    with GLOSSES.open("rb") as file:
        words = [orjson.loads(line) for line in islice(file, most)]
    return [
        {"id": one["id"], "title": one["lemma"], "text": f"{one['lemma']}: {one['gloss']}"}
        for one in {word["gloss"]: word for word in reversed(words)}.values()
    ][::-1]


def questions(documents: Sequence[dict[str, Any]], most: int) -> list[Question]:
    """For a sample of the documents what their word means, by which the word is to be found."""
    found = list(_questions(documents))
    return random.Random(9).sample(found, min(most, len(found)))  # noqa: S311 -- the same questions at every run


def _questions(documents: Sequence[dict[str, Any]]) -> Iterator[Question]:
    asked = [definition(one["text"]) for one in documents]
    times = Counter(asked)
    for one, said in zip(documents, asked, strict=True):
        if len(said.split()) >= _SHORTEST and times[said] == 1:
            yield Question(
                id=one["id"],
                question=f"Which word means: {said}?",
                answers=(one["title"],),
                quotes=(Quote(document=f"{FILE}#{one['id']}", quote=one["text"]),),
            )


def definition(text: str) -> str:
    """What a gloss says without its word, its remarks in parentheses and its examples."""
    gloss = text.split(": ", 1)[1]
    return _REMARK.sub("", _EXAMPLES.sub("", gloss)).strip(" ;")


def page(measured: Sequence[Measured], *, passages: int) -> str:
    """The report in Markdown."""
    asked = len(measured[0].outcomes)
    head = (
        f"Written by `python -m benchmarks.glosses --write`, which anybody can run; do not edit it. {asked} mechanical questions over {passages:,} "
        "passages, each a WordNet gloss with its word: the definition is asked without its examples, the word is the answer. So every question "
        "has the words of its passage, and what is measured is whether one passage is told from its many neighbors, not whether other words "
        "find it: [answers-evaluation.md](answers-evaluation.md) is about that. The model that answers is the stand-in that quotes; the "
        "engines are the stand-ins of `sandbox/`. Means are over questions, with 95% intervals by resampling them."
    )
    answers = means_table(measured, ("right", "false abstention", "citation precision"))
    return "\n\n".join(("# Answers at size", head, retrieval_table(measured), answers)) + "\n"


def main() -> None:
    """Print every measure, and write the page if it is wanted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    engines = get_args(HolderName)
    parser.add_argument("--engine", nargs="+", choices=engines, default=engines)
    parser.add_argument("--rows", type=int, default=1000, help="take the first N glosses")
    parser.add_argument("--questions", type=int, default=300, help="ask N of them")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(PAGE.parents[1])}")
    given = parser.parse_args()
    documents = rows(given.rows)
    with tempfile.TemporaryDirectory() as folder, standing(given.engine) as models:
        (Path(folder) / FILE).write_bytes(b"\n".join(map(orjson.dumps, documents)))
        chunks = read_chunks(Path(folder), Splitting())
        asked = questions(documents, given.questions)
        measured = [
            one
            for engine in given.engine
            for one in measure(engine, with_quotes(models), chunks, asked, _PASSAGES)
        ]
    if given.write:
        PAGE.write_text(page(measured, passages=len(chunks.chunks)), encoding="utf-8")
        print(f"\nWritten: {PAGE}")


if __name__ == "__main__":
    main()
