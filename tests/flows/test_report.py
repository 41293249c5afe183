"""A report says how a flow has ended, whatever happens to Prefect or to the disk meanwhile."""

from __future__ import annotations

import io
import json
import shlex
from types import SimpleNamespace

import pytest
from markdown_it import MarkdownIt
from prefect.settings import PREFECT_API_URL, temporary_settings
from rich.console import Console

from flows import resuming
from flows.command_line.tree import parse
from flows.commands import load
from flows.report import Report, reporting
from flows.report_page.page import page
from flows.results import result
from flows.stack.api import free_port
from tasks.errors import GateNotMet, InvalidInput, NotConfirmed
from tasks.interruption import RemoteWork, interruptible

pytestmark = pytest.mark.filterwarnings("ignore:Artifact creation outside of a flow")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VECTOR_SEARCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def nobody():
    """Prefect's API is at an address where nobody listens."""
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}):
        yield


@pytest.mark.usefixtures("nobody")
def test_prefects_outage_does_not_hide_the_error_of_a_flow(home):
    with pytest.raises(ValueError, match="the real error"), reporting("vertex check", "name", "sandbox"):
        raise ValueError("the real error")
    (file,) = (home / "reports").glob("*.json")
    assert json.loads(file.read_text())["outcome"] == "failed: the real error"


@pytest.mark.usefixtures("nobody")
def test_what_was_measured_is_in_the_report_also_when_its_gate_is_not_met(home):
    with pytest.raises(GateNotMet), reporting("vertex verify", "name", "sandbox"):
        raise GateNotMet("recall@10", measured=0.5, wanted=0.9, facts={"recall": {"recall": 0.5, "p50": 3.1}})
    (file,) = (home / "reports").glob("*.json")
    gate = {"what": "recall@10", "measured": 0.5, "required": 0.9}
    assert json.loads(file.read_text())["facts"] == {"gate": gate, "recall": {"recall": 0.5, "p50": 3.1}}


@pytest.mark.usefixtures("nobody")
def test_a_full_disk_does_not_hide_the_error_of_a_flow(home):
    home.write_text("a file, where the folder would be")
    with pytest.raises(ValueError, match="the real error"), reporting("vertex check", "name", "sandbox"):
        raise ValueError("the real error")


@pytest.mark.usefixtures("nobody")
def test_prefects_outage_does_not_fail_a_flow_that_is_done():
    with reporting("vertex check", "name", "sandbox") as report, report.step("look") as step:
        step.saw("all of it")
    assert report.outcome == "done"
    assert json.loads(report.file.read_text())["file"] == str(report.file)


def test_a_long_title_leaves_room_for_what_was_seen_in_eighty_columns():
    report = Report(flow="vertex check", name="name", target="sandbox")
    with report.step("a step whose title says much more than is good for a table") as step:
        step.saw("word " * 60)
    console = Console(width=80, file=io.StringIO())
    console.print(report.render())
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 18


@pytest.mark.parametrize("id_", ["app/[slug]/page.tsx", "user:key:5", "a[/b]", "[bold]", "back\\[slash]"])
def test_ids_are_shown_as_they_are(id_):
    report = Report(flow="vertex check", name=id_, target="sandbox")
    with report.step(f"remove {id_}") as step:
        step.saw(f"{id_} is gone")
    report.outcome = f"failed: {id_}"
    console = Console(width=120, file=io.StringIO())
    console.print(report.render())
    shown = console.file.getvalue()
    for said in (report.title, f"remove {id_} ", f"{id_} is gone", report.outcome):
        assert said in shown


def test_a_bar_in_a_step_stays_within_its_cell_of_the_ui():
    report = Report(flow="vertex check", name="name", target="sandbox")
    with report.step("remove a|b") as step:
        step.saw("a|b is gone")
    assert "| remove a\\|b | a\\|b is gone |" in report.markdown()


@pytest.mark.parametrize(
    "said",
    [
        "![a](http://a.example/b)",
        "[a](http://a.example)",
        "<img src=//a.example>",
        "x\n\n[y]: //a.example\n[y]",
    ],
)
def test_what_a_stranger_wrote_is_no_image_link_or_element_in_the_ui(said):
    report = Report(flow="answers ask", name="name", target="sandbox", answer=said, outcome=f"failed: {said}")
    with report.step(said) as step:
        step.saw(said)
    report.results = [{"cited": said}]
    html = MarkdownIt("commonmark").enable("table").render(report.markdown())
    assert html.count("a.example") >= 5  # it is all there
    assert not [tag for tag in ("<img", "<a ", "href") if tag in html]


def test_an_answer_is_shown_before_its_sources():
    report = Report(flow="answers ask", name="films", target="sandbox", answer="It is [1].")
    report.results = [{"cited": "[1]", "source": "films.md"}]
    assert [line.split() for line in shown(report).splitlines()[1:4]] == [
        ["It", "is", "[1]."], ["cited", "source"], ["[1]", "films.md"],
    ]  # fmt: skip
    assert report.markdown().index("It is [1].") < report.markdown().index("| [1] | films.md |")
    assert "It is [1]." in page(report, {})


def test_a_run_with_nothing_to_do_shows_no_empty_table():
    report = Report(flow="elastic endpoint-delete", name="films", target="sandbox")
    console = Console(width=80, file=io.StringIO())
    console.print(report.render())
    shown = console.file.getvalue()
    assert report.title in shown
    assert "step" not in shown
    assert "|" not in report.markdown()


def shown(report, width=80):
    console = Console(width=width, file=io.StringIO())
    console.print(report.render())
    return console.file.getvalue()


def test_what_a_query_found_is_a_table_of_ids_scores_and_fields():
    report = Report(flow="vertex query", name="films", target="sandbox")
    report.results = [
        result("app/[slug]", {"dot product": 0.98765432}, {"id": 7, "genre": "Crime|Drama"}),
        result("b", {"dot product": 0.5}, {"genre": None}),
    ]
    with report.step("kinds of the filters") as step:
        step.saw("price: int64")
    lines = [line.split() for line in shown(report).splitlines()]
    assert lines[1:4] == [
        ["id", "dot", "product", "id", "(field)", "genre"],
        ["app/[slug]", "0.987654", "7", "Crime|Drama"],
        ["b", "0.5"],
    ]
    assert "| app/[slug] | 0.987654 | 7 | Crime\\|Drama |" in report.markdown()
    assert "Crime|Drama" in page(report, {})


PIRATES = "pirates-of-the-caribbean-the-curse-of-the-black-pearl"


def test_a_long_text_stands_beneath_its_row_where_the_columns_leave_it_too_little_room():
    report = Report(flow="elastic search", name="films", target="sandbox")
    plot = "A blacksmith and an eccentric pirate sail after a crew of cursed buccaneers who have carried off the daughter."
    report.results = [
        result(PIRATES, {"score": 6.25}, {"plot": plot}),
        result("jaws", {"score": 5.5}, {"plot": "A shark."}),
    ]
    assert [line.rstrip() for line in shown(report).splitlines()[1:6]] == [
        f"id{' ' * 51}  score",
        f"{PIRATES}   6.25",
        "  A blacksmith and an eccentric pirate sail after a crew of cursed buccaneers",
        "  who have carried off the daughter.",
        f"jaws{' ' * 49}    5.5",
    ]
    wide = shown(report, width=200).splitlines()
    assert wide[2].split()[:2] == [PIRATES, "6.25"]
    assert wide[2].rstrip().endswith(plot), "beside the others where there is room"


def test_of_several_long_texts_all_stand_beneath_with_their_names():
    report = Report(flow="elastic search", name="films", target="sandbox")
    fields = {"plot": "A shark. " * 9, "notes": "Water. " * 9, "genre": "horror"}
    report.results = [result("jaws", {"score": 5.5}, fields)]
    lines = [line.rstrip() for line in shown(report).splitlines()]
    assert lines[1:3] == ["id    score", "jaws    5.5"]
    assert [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "] == list(fields)
    assert "  genre  horror" in lines


def test_a_query_that_found_nothing_says_why_instead_of_a_table():
    report = Report(flow="vertex query", name="films", target="sandbox", nothing="No neighbors: it is empty.")
    assert shown(report).splitlines()[:2] == ["vertex query films on sandbox", "No neighbors: it is empty."]
    assert "No neighbors: it is empty." in report.markdown()
    assert "No neighbors: it is empty." in page(report, {})


def test_the_step_of_a_resource_says_first_what_changed_or_that_nothing_did():
    report, changes = Report(flow="vertex build", name="films", target="sandbox"), ["created the endpoint"]
    with report.step("index films", changes) as step:
        changes.append("created the index")
        step.saw("9 vectors")
    with report.step("deployed index films", changes) as step:
        step.saw("at localhost")
    with report.step("alias films", changes):
        pass
    assert [step.seen for step in report.steps] == [
        "created the index; 9 vectors", "unchanged; at localhost", "unchanged"
    ]  # fmt: skip


@pytest.fixture
def in_a_run(monkeypatch):
    """A run of `vertex build` with these parameters: `in_a_run(name="films", yes=True)`."""
    flow = load("flows.vertex.build:build_index")

    def of(**parameters):
        context = SimpleNamespace(flow=flow, parameters=parameters)
        monkeypatch.setattr(resuming, "FlowRunContext", SimpleNamespace(get=lambda: context))

    return of


@pytest.mark.usefixtures("nobody")
def test_an_interrupted_run_says_what_goes_on_in_the_target_and_the_command_that_resumes(home, in_a_run):
    in_a_run(
        name="a b",
        target="sandbox",
        data="x.hdf5",
        yes=True,
        label=("team=x", "y=z"),
        when_interrupted="leave-running",
    )
    work = RemoteWork(what="deploy index a b", id="operations/7", where="at the service", cancel=lambda: None)
    with (
        pytest.raises(KeyboardInterrupt),
        reporting("vertex build", "a b", "sandbox"),
        interruptible(work, "leave-running"),
    ):
        raise KeyboardInterrupt
    (file,) = (home / "reports").glob("*.json")
    told = json.loads(file.read_text())
    assert told["outcome"].startswith(
        "interrupted: deploy index a b is still running at the service (operations/7)"
    )
    resume = "vector-search vertex build --name 'a b' --target sandbox --data x.hdf5 --yes --label team=x y=z"
    assert shlex.split(told["resume"])[:3] == ["vector-search", "vertex", "build"]
    assert sorted(shlex.split(told["resume"])) == sorted(shlex.split(resume))
    parse(shlex.split(told["resume"])[1:], debug=False)
    assert (
        "continues by itself. Resume with <code>vector-search vertex build"
        in file.with_suffix(".html").read_text()
    )
    assert f"Resume with `{told['resume']}`" in Report.last.markdown()


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    "error",
    [
        InvalidInput("No rows"),
        GateNotMet("recall@10", measured=0.5, wanted=0.9),
        NotConfirmed("x", consequence="y"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_where_nothing_goes_on_there_is_nothing_to_resume(error, in_a_run):
    in_a_run(name="films", target="sandbox", data="x.hdf5")
    with pytest.raises(type(error)), reporting("vertex build", "films", "sandbox") as report:
        raise error
    assert report.resume == ""
