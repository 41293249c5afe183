"""Settings that an evaluation compares: read, refused before anything is searched, and only of the same documents."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from flows.answers import compared_settings
from flows.answers.ask import SearchingOptions
from flows.answers.compared_settings import read_gold, read_settings
from tasks.answers.chunks import Splitting, cut
from tasks.answers.documents.documents import Document
from tasks.answers.evaluation.questions import Question, Quote
from tasks.answers.knowledge import KnowledgeBase, NoKnowledgeBase
from tasks.errors import InvalidInput
from tasks.models.settings import ModelSettings

MODELS = ModelSettings(base_url="http://127.0.0.1/v1", chat_model="here", embedding_model="e5")
TEXT = "# Leave\n\nEverybody has thirty-one days of leave in a year.\n\n" + "Carers have five more. " * 20
QUESTIONS = [
    Question(id="leave", question="How many?", answers=("thirty-one",), quotes=(Quote(document="leave.md", quote="thirty-one days"),))
]  # fmt: skip


class Holder:
    """Holds knowledge bases in memory; it cannot search."""

    def __init__(self, engine, held):
        self.held, self.read_at = held, []
        self.engine = SimpleNamespace(settings=lambda target: self.read_at.append(target) or engine)

    def read(self, _, name):
        return self.held.get(name)

    def all_passages(self, _, base):
        return base.handle


def base(name, *, size=1000, text=TEXT, sparse="", dense="e5", words=True):
    splitting = Splitting(size=size)
    return KnowledgeBase(
        name=name, index=f"{name}-1", chunks=1, documents=1, splitter=splitting.mark, splitting=splitting, sparse_model=sparse,
        search_model=sparse, dense_model=dense, fields=(), has_words=words,
        handle=tuple(cut(Document(id="leave.md", title="Leave", text=text), splitting)),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def holders(monkeypatch):
    """What each engine holds."""
    held = {
        "elastic": Holder("elastic", {
            "handbook": base("handbook"), "handbook-300": base("handbook-300", size=300), "others": base("others", text=TEXT + "More."),
            "sleepy": base("sleepy", dense="another"),
        }),
        "vertex": Holder("vertex", {"handbook": base("handbook", words=False)}),
        "databricks": Holder("databricks", {}),
    }  # fmt: skip
    monkeypatch.setattr(compared_settings, "holder_of", held.__getitem__)
    return held


def opened(*compare, **options):
    given = SearchingOptions.model_validate({"name": "handbook", "target": "sandbox", **options})
    return read_settings(given, compare, MODELS)


def test_each_setting_has_what_it_gives_and_the_rest_of_the_first():
    found = opened("how=text", "how=dense, passages=12", "name=handbook-300", "engine=vertex")
    assert [(one.label, *one.where, one.how, one.options.passages) for one in found] == [
        ("first", "elastic", "handbook", "hybrid", 6),
        ("how=text", "elastic", "handbook", "text", 6),
        ("how=dense,passages=12", "elastic", "handbook", "dense", 12),
        ("name=handbook-300", "elastic", "handbook-300", "hybrid", 6),
        ("engine=vertex", "vertex", "handbook", "dense", 6),
    ]
    assert found[3].params["chunk size"] == 300


def test_the_first_is_called_by_what_the_others_have_otherwise_if_it_is_one_thing():
    assert opened()[0].label == ""
    assert opened("how=text", "how=dense")[0].label == "how=hybrid"
    assert opened("passages=3", how="text")[0].label == "passages=6"


@pytest.mark.parametrize(
    ("target", "other"), [("sandbox", "sandbox"), ("elastic", "google-cloud"), ("block:night", "block:night")]
)
def test_another_engine_is_looked_for_where_it_is(holders, target, other):
    opened("engine=vertex", target=target)
    assert holders["elastic"].read_at == [target]
    assert holders["vertex"].read_at == [other]


@pytest.mark.parametrize(
    ("compare", "said"),
    [
        (["text"], "This is no setting: 'text' .*Accepted: KEY=VALUE"),
        (["k=3"], "This is no setting: 'k=3'"),
        (["how="], "This is no setting"),
        (["how=text,how=dense"], "This is no setting"),
        (["how=near"], "how: Input should be 'text', 'sparse', 'dense' or 'hybrid'"),
        (["engine=pinecone"], "engine: Input should be 'elastic', 'vertex' or 'databricks'"),
        (["passages=0"], "passages: Input should be greater than or equal to 1"),
        (["passages=many"], "passages: Input should be a valid integer"),
        (["name=NO"], "name: Value error, A name has"),
        (["how=text", "how=text"], "given twice: 'how=text'.*Accepted: what differs .*how=hybrid,passages=6"),
        (["how=hybrid"], "given twice: 'how=hybrid'"),
        (["name=handbook,passages=6"], "given twice"),
        (["how=sparse"], "cannot be searched like this: 'sparse' .from --compare how=sparse.*Accepted: text, dense, hybrid"),
        (["engine=vertex,how=text"], "cannot be searched like this: 'text' .from --compare engine=vertex,how=text.*Accepted: dense"),
        (["name=sleepy"], "The passages were embedded by another"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_with_what_can(compare, said):
    with pytest.raises(InvalidInput, match=said):
        opened(*compare)


def test_a_knowledge_base_that_is_not_there_is_named_with_its_engine():
    with pytest.raises(NoKnowledgeBase, match="'absent' on elastic"):
        opened("name=absent")
    with pytest.raises(NoKnowledgeBase, match="'handbook' on databricks"):
        opened("engine=databricks")


def test_the_passages_that_answer_are_those_of_each_knowledge_base():
    gold = read_gold(opened("name=handbook-300", "how=text", "engine=vertex"), QUESTIONS)
    assert gold.keys() == {("elastic", "handbook"), ("elastic", "handbook-300"), ("vertex", "handbook")}
    assert gold["elastic", "handbook"] == gold["vertex", "handbook"]
    assert gold["elastic", "handbook"] != gold["elastic", "handbook-300"]


def test_other_documents_are_not_compared():
    with pytest.raises(InvalidInput, match="others on elastic differs from handbook on elastic") as refused:
        read_gold(opened("how=text", "name=others"), QUESTIONS)
    assert refused.value.value == "leave.md (another text)"
    assert refused.value.source == "--compare name=others"
