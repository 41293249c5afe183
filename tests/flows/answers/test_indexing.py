"""A folder of documents becomes a knowledge base, again without a change, changed, shortened, killed and resumed."""

from __future__ import annotations

import shutil

import pytest

from tasks.elastic.passages.reading import read_knowledge_base
from tasks.elastic.passages.searching import read_passages
from tasks.errors import InvalidInput
from tasks.models.settings import model_settings
from tests.flows.answers.pages import insert_a_part
from tests.polling import until

pytestmark = pytest.mark.slow

SMALL = ("--deployment", "ingest", "--chunk-size", 100)


def test_only_what_changed_is_embedded_and_what_is_gone_leaves(
    service, run, index, answers, folder, name, facts
):
    index(service, *SMALL)
    first = service.passages(name)
    assert {one["document"] for one in first.values()} == {"leave.md", "expenses.md", "salaries.md"}
    assert facts("index")["written"] == {"embedded": len(first), "carried": 0, "there": 0}
    assert service.unembedded(name, "passage") == 0
    answers(service, "verify", "--name", name, "--documents", folder)

    writes, inferences = service.writes, service.inferences()
    assert "Nothing to do" in index(service, *SMALL).err
    assert (service.writes, service.inferences()) == (writes, inferences)

    (before,) = service.alias(name)
    insert_a_part(folder / "leave.md")
    (folder / "expenses.md").unlink()
    assert "orphaned" in answers(service, "verify", "--name", name, "--documents", folder, code=1).err
    index(service, *SMALL)
    second = service.passages(name)
    assert {one["document"] for one in second.values()} == {"leave.md", "salaries.md"}
    written = facts("index")["written"]
    assert written["carried"] == len(second.keys() & first.keys()) > 0
    assert written["embedded"] == len(second.keys() - first.keys())
    moved = [(first[id_]["start"], second[id_]["start"]) for id_ in first.keys() & second.keys()]
    assert any(one < other for one, other in moved)
    fresh = {text for text in service.inferences() if text not in inferences}
    assert len(fresh) == written["embedded"]
    answers(service, "verify", "--name", name, "--documents", folder)

    assert service.alias(name) != [before]
    run(service, "elastic", "rollback", "--name", name, "--target", "sandbox")
    assert service.alias(name) == [before]
    run(service, "elastic", "teardown", "--name", name, "--yes", "--target", "sandbox")
    assert service.indices(name) == []


def test_a_version_that_nobody_could_go_back_to_is_removed(service, index, folder, name):
    for number in range(3):
        (folder / "leave.md").write_text(f"# Leave at {name}\n\nEverybody has {number} days.\n")
        index(service)
    assert len(service.indices(name)) == 2


def test_readers_change_without_an_embedding(service, index, folder, name, facts):
    index(service, "--deployment", "ingest")
    (folder / "leave.md").write_text("---\nreaders: [hr]\n---\n" + (folder / "leave.md").read_text())
    index(service, "--deployment", "ingest")
    assert facts("index")["written"]["embedded"] == 0
    there = service.passages(name).values()
    assert {one["document"]: one["public"] for one in there} == {
        "leave.md": False, "expenses.md": True, "salaries.md": False,
    }  # fmt: skip


def test_a_folder_that_lost_most_of_its_documents_needs_a_yes(service, index, folder, name):
    (folder / "long.md").write_text(
        "\n\n".join(f"## Part {n}\n\n{f'A sentence of part {n}. ' * 40}" for n in range(9))
    )
    index(service)
    (folder / "long.md").unlink()
    served = service.alias(name)
    refused = index(service, code=2)
    assert "serve 3 passages in place of" in refused.err
    assert service.alias(name) == served
    index(service, "--yes")
    assert service.alias(name) != served


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engine", "nowhere"], "databricks"),
        (["--deployment", "absent"], "There is no such deployment"),
        (["--chunk-size", "100", "--chunk-overlap", "80"], "more than half"),
        (["--search-deployment", "absent", "--deployment", "ingest"], "There is no such deployment"),
    ],
)
def test_what_cannot_be_indexed_is_refused_before_anything_is_created(service, index, words, said):
    writes = service.writes
    refused = index(service, *words, code=2)
    assert said in refused.err
    assert service.writes == writes


def test_a_folder_that_is_not_there_is_refused(service, index, folder):
    shutil.rmtree(folder)
    assert "This is no folder" in index(service, code=2).err


def test_dense_embeddings_are_made_once_and_carried_over(service, index, folder, name, facts):
    before = service.embedded_texts()  # the questions of other tests too
    index(service, "--dense")
    first = service.embedded_texts()
    index(service, "--dense")
    assert service.embedded_texts() == first
    (folder / "leave.md").write_text("# A new part\n\nWhat changed.\n\n" + (folder / "leave.md").read_text())
    index(service, "--dense")
    written = facts("index")["written"]
    assert written["carried"] > 0
    assert sum((service.embedded_texts() - first).values()) == written["embedded"] > 0
    assert max((service.embedded_texts() - before).values()) == 1
    assert service.client.count(index=name, query={"exists": {"field": "passage_vector"}})["count"] == len(
        service.passages(name)
    )


def test_whichever_way_is_searched_a_reader_finds_only_what_that_reader_may_see(service, index, name):
    index(service, "--deployment", "ingest", "--dense")
    models = service.settings_by(model_settings)
    base = read_knowledge_base.fn(service.settings, name)
    assert base.ways == ("text", "sparse", "dense", "hybrid")
    for how in base.ways:
        found = {}
        for readers in ((), ("legal",), ("hr",)):
            passages = read_passages.fn(
                service.settings,
                models,
                base,
                "What is the lowest salary?",
                how=how,
                most=10,
                readers=readers,
            )
            found[readers] = {passage.first.document for passage in passages}
        assert "salaries.md" in found["hr",], how
        assert "salaries.md" not in found[()] | found["legal",], how
    other = models.model_copy(update={"embedding_model": "another"})
    with pytest.raises(InvalidInput, match="embedded by multilingual-e5-small"):
        read_passages.fn(service.settings, other, base, "What?", how="dense", most=3)


@pytest.mark.core
def test_killed_halfway_the_same_command_embeds_at_most_what_was_under_way_again(
    slow_service, begin, kill, index, folder, name
):
    (folder / "long.md").write_text(
        "\n\n".join(f"## Part {n} of {name}\n\n{f'A sentence of part {n}. ' * 30}" for n in range(80))
    )
    words = [
        "answers",
        "index",
        "--name",
        name,
        "--documents",
        folder,
        "--deployment",
        "ingest",
        "--replicas",
        0,
    ]
    command = begin(slow_service, *words, "--target", "sandbox")
    until(lambda: 0 < slow_service.arrived(name) < 80 or command.has_ended, "the first batch")
    kill(command)
    stored = slow_service.arrived(name)
    assert 0 < stored < 80
    index(slow_service, "--deployment", "ingest")
    there = slow_service.passages(name)
    assert len(there) >= 80
    assert slow_service.unembedded(name, "passage") == 0
    again = sum(times - 1 for text, times in slow_service.inferences().items() if name in text and times > 1)
    assert again <= 2 * 32 + 1  # two batches under way, and the sample that every run tries its pipeline on
