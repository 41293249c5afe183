"""The same folder on engines that hold passages by dense embeddings: built beside, changed, killed, asked, gone."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import Any

import pytest

from flows.answers.holders import holder_of
from sandbox.databricks.options import DatabricksOptions
from sandbox.vertex.options import VertexOptions
from tasks.answers.chunks import Splitting, read_chunks
from tasks.errors import GateNotMet, InvalidInput
from tasks.models.settings import model_settings
from tasks.steps import plain_calls
from tests.flows.answers.engines import OnDatabricks, OnVertex, embedded_texts
from tests.flows.answers.pages import index_plainly, insert_a_part
from tests.polling import until

pytestmark = pytest.mark.slow
ENGINES = {
    "databricks": (OnDatabricks, DatabricksOptions(clock_factor=20_000, write_delay=0.02)),
    "vertex": (OnVertex, VertexOptions(clock_factor=20_000, upsert_delay=0.05)),
}
WAYS = {"databricks": ("text", "dense", "hybrid"), "vertex": ("dense",)}
QUESTION = "How many days of leave does everybody have in a year?"
SMALL = ("--chunk-size", 100)


@dataclass(frozen=True)
class Base:
    """A knowledge base, as the flows hold it."""

    holder: Any
    settings: Any
    models: Any
    base: Any
    written: dict[str, int]
    made_from: Any

    def documents(self, question, how, readers):
        """The documents that a question finds."""
        found = self.holder.find(
            self.settings, self.models, self.base, question, how=how, most=10, readers=readers
        )
        return {passage.first.document for passage in found}

    def verify(self):
        """Compare what is served with the documents."""
        return self.holder.verify(self.settings, self.base, self.made_from)


@pytest.fixture(params=ENGINES)
def held(request, shared_stand_in):
    """The session's stand-in of an engine, with the model server."""
    return shared_stand_in(*ENGINES[request.param])


@pytest.fixture
def of(answers, held, name):
    """Runs a command of answers on the engine: `of("ask", QUESTION)`."""
    return lambda flow, *words, code=0: answers(
        held, flow, "--name", name, "--engine", held.engine, *words, code=code
    )


@pytest.fixture
def indexed(of, folder):
    """Indexes the folder: `indexed("--yes")`."""
    return lambda *words, code=0: of("index", "--documents", folder, "--dense", *SMALL, *words, code=code)


def test_a_new_version_beside_the_old_embeds_only_what_changed_and_what_is_gone_leaves(
    held, of, indexed, run, folder, name, facts
):
    indexed()
    first, version = held.passages(name), held.served(name)
    assert {one["document"] for one in first.values()} == {"leave.md", "expenses.md", "salaries.md"}
    assert facts("index")["written"] == {"embedded": len(first), "carried": 0, "there": 0}
    of("verify", "--documents", folder)
    writes, paid = held.writes, embedded_texts(held)
    assert "Nothing to do" in indexed().err
    assert (held.writes, embedded_texts(held)) == (writes, paid)

    insert_a_part(folder / "leave.md")
    (folder / "expenses.md").unlink()
    differs = of("verify", "--documents", folder, code=1).err
    assert "missing" in differs
    assert "stale" in differs
    assert "orphaned" in differs
    indexed()
    second = held.passages(name)
    assert {one["document"] for one in second.values()} == {"leave.md", "salaries.md"}
    written = facts("index")["written"]
    assert written["carried"] == len(second.keys() & first.keys()) > 0
    assert written["embedded"] == len(second.keys() - first.keys()) > 0
    assert sum((embedded_texts(held) - paid).values()) == written["embedded"]
    of("verify", "--documents", folder)
    assert held.versions(name) == {version, held.served(name)}
    assert held.passages(name, version).keys() == first.keys()

    for number in range(2):
        (folder / "leave.md").write_text(f"# Leave at {name}\n\nEverybody has {number} days.\n")
        indexed()
    assert len(held.versions(name)) == 2
    run(held, held.engine, "teardown", "--name", name, "--yes", "--target", "sandbox")
    assert held.versions(name) == set()
    assert "There is no knowledge base" in of("ask", "--question", QUESTION, code=1).err


@pytest.fixture
def base(held, folder, name, home, monkeypatch):
    """Indexes the folder without Prefect and reads what is served: `base()`."""
    monkeypatch.setenv("VECTOR_SEARCH_HOME", str(home))
    models, holder = held.settings_by(model_settings), holder_of(held.engine)

    def again():
        chunks = read_chunks(folder, Splitting(size=100)).chunks
        facts = index_plainly(held, name, folder, engine=held.engine, models=models, size=100)
        return Base(holder, held.settings, models, holder.read(held.settings, name), facts["written"], chunks)

    with plain_calls():
        yield again


def test_whichever_way_is_searched_a_reader_finds_only_what_that_reader_may_see(held, base, folder):
    (folder / "bonus.md").write_text(
        "---\nreaders: [hr, board]\n---\n# Bonus\n\nThe lowest salary has no bonus.\n"
    )
    there = base()
    assert there.base.ways == WAYS[held.engine]
    for how in there.base.ways:
        found = {
            readers: there.documents("What is the lowest salary?", how, readers)
            for readers in ((), ("legal",), ("public",), ("board",), ("hr",))
        }
        assert found[()] == found["legal",] == found["public",], how
        assert not found[()] & {"salaries.md", "bonus.md"}, how
        assert found["board",] == found[()] | {"bonus.md"}, how
        assert found["hr",] == found[()] | {"bonus.md", "salaries.md"}, how


def test_documents_whose_passages_have_only_moved_are_served_from_their_new_places(base, folder):
    written = base().written
    for _ in range(4):
        text = (folder / "leave.md").read_text()
        (folder / "leave.md").write_text(text.replace("\n## Carers", "\n\n## Carers"))
        moved = base()
        moved.verify()
        assert moved.written["embedded"] == 0 < written["embedded"]


def test_a_question_is_refused_in_a_way_and_by_a_model_that_the_passages_do_not_have(base):
    there = base()
    with pytest.raises(InvalidInput, match="cannot be searched like this"):
        there.documents("What?", "sparse", ())
    other = replace(there, models=there.models.model_copy(update={"embedding_model": "another"}))
    with pytest.raises(InvalidInput, match="embedded by multilingual-e5-small"):
        other.documents("What?", "dense", ())


def test_a_passage_that_somebody_removed_is_missed_and_written_again(held, base, name):
    there = base()
    gone = min(held.passages(name))
    held.lose(name, gone)
    until(lambda: gone not in held.passages(name), "the passage to be gone")
    with pytest.raises(GateNotMet, match="1 missing"):
        there.verify()
    again = base()
    assert again.written["embedded"] <= 1
    assert again.verify().found == len(there.made_from)


def test_killed_while_it_embeds_the_same_command_embeds_at_most_one_batch_again(
    held, begin, kill, indexed, of, folder, name
):
    indexed()
    version = held.served(name)
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "long.md").write_text(
        "\n\n".join(
            f"## Part {n} of {name}\n\nA sentence of part {n} that is long enough." for n in range(100)
        )
    )
    words = [
        "index",
        "--name",
        name,
        "--engine",
        held.engine,
        "--documents",
        folder,
        "--dense",
        *SMALL,
        "--yes",
    ]
    before, stored = embedded_texts(held), held.arrived(name)
    command = begin(held, "answers", *words, "--target", "sandbox")
    until(lambda: held.arrived(name) > stored or command.has_ended, "the first batch")
    kill(command, on=held.engine)
    arrived = held.arrived(name) - stored
    assert 0 < arrived < 100
    assert held.served(name) == version
    indexed("--yes")
    assert len(held.passages(name)) == 100
    assert held.served(name) != version
    paid = embedded_texts(held) - before
    assert len(paid) == 100
    assert sum(paid.values()) - len(paid) <= 32
    of("verify", "--documents", folder)


def test_what_an_engine_cannot_do_is_refused_before_anything_is_created(held, indexed, run, folder, name):
    writes = held.writes
    assert "Deployments of ELSER are Elasticsearch's" in indexed("--deployment", "ingest", code=2).err
    words = ["index", "--name", name, "--engine", held.engine, "--documents", folder, "--dense"]
    assert "not elastic" in run(held, "answers", *words, "--target", "elastic", code=2).err
    assert held.writes == writes
