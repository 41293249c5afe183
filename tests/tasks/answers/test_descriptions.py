"""What a knowledge base says of itself is read, or refused with the place where it stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.answers.knowledge import described_by
from tasks.databricks.passages.specs import Description as OnDatabricks
from tasks.errors import InvalidInput
from tasks.vertex.passages.specs import Description as OnVertex

SHARED = {
    "content": "c",
    "chunks": 1,
    "documents": 1,
    "splitter": "s",
    "splitting": {"size": 1000, "overlap": 0},
    "model": "m",
}
DESCRIPTIONS = [
    OnDatabricks(**SHARED, audiences={"public": ()}),
    OnVertex(**SHARED, version="0123456789ab", imported="i", dimensions=4, text_files=1),
]


@pytest.mark.parametrize("written", DESCRIPTIONS, ids=["databricks", "vertex"])
def test_what_was_written_is_read(written):
    assert described_by(type(written), written.model_dump_json(), place="a row") == written


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": "2"}'])
@pytest.mark.parametrize("model", [OnDatabricks, OnVertex], ids=["databricks", "vertex"])
def test_anything_else_is_refused_with_its_place_and_a_way_out(model, text):
    with pytest.raises(
        InvalidInput, match=r"no description of a knowledge base.*from a row.*under another name"
    ):
        described_by(model, text, place="a row")


def test_a_splitter_of_another_release_is_named_with_the_one_here():
    base = DESCRIPTIONS[0].knowledge_base("handbook", None)
    here = base.splitting.mark
    assert replace(base, splitter=here).cut_by == here
    assert base.cut_by == f"s; here it is {here}, which may cut otherwise"
