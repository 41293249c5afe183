import pytest

from sandbox import faults
from tasks.elastic.connection.clients import connect
from tasks.elastic.specs import EmbeddedField
from tasks.elastic.verification import truncation
from tasks.elastic.verification.truncation import read_truncated

FIELD = EmbeddedField(input="text", output="vector")


@pytest.fixture
def texts(settings, name):
    """Stores texts by their ids and gives the index's name."""

    def store(**documents):
        for id_, text in documents.items():
            connect(settings).index(index=name, id=id_, document={"text": text}, refresh=True)
        return name

    yield store
    connect(settings).indices.delete(index=name, ignore_unavailable=True)


def test_only_texts_that_lose_their_end_are_told(settings, deployed, texts):
    index = texts(short="a cat", long="cat " * 500, cut="cat " * 600)
    found = read_truncated.fn(settings, index, [FIELD], deployed)
    assert (found.looked_at, found.long, found.tried, found.truncated) == (3, 2, 2, ("cut",))
    assert "1 of the 2 longest texts of all 3 documents are truncated" in str(found)


def test_how_many_documents_were_not_looked_at_is_said(settings, deployed, texts, monkeypatch):
    monkeypatch.setattr(truncation, "_LOOKED_AT", 2)
    found = read_truncated.fn(settings, texts(a="a cat", b="a dog", c="cat " * 600), [FIELD], deployed)
    assert (found.looked_at, found.documents) == (2, 3)
    assert "no text of the first 2 of 3 documents (the others were not looked at)" in str(found)


def test_short_texts_are_not_sent_to_the_model(sandbox, settings, deployed, texts):
    struck = len(faults.struck(sandbox.state))
    faults.add(sandbox.state, "ml.infer_trained_model", "unavailable", "before", 1, 0.0)
    try:
        found = read_truncated.fn(settings, texts(a="a cat", b="a dog"), [FIELD], deployed)
        assert "no text of all 2 documents is longer" in str(found)
        assert len(faults.struck(sandbox.state)) == struck
    finally:
        faults.clear(sandbox.state)


@pytest.mark.parametrize("deployment", ["nobody", None], ids=["not there", "too busy"])
def test_a_model_that_does_not_answer_leaves_the_question_open(
    sandbox, settings, deployed, texts, deployment
):
    faults.add(sandbox.state, "ml.infer_trained_model", "throttled", "before", 1, 0.0)
    try:
        found = read_truncated.fn(settings, texts(cut="cat " * 600), [FIELD], deployment or deployed)
        assert "may be longer than the model's 512 tokens; it does not answer" in str(found)
    finally:
        faults.clear(sandbox.state)
