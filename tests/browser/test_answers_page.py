"""The page of `answers serve` in a real browser: what a reader sees, and what documents, questions and other pages cannot do to it."""

from __future__ import annotations

import pytest

from sandbox.elastic.options import ElasticOptions
from tests.client import VERSION
from tests.flows.answers.conftest import AnswersStandIn
from tests.flows.answers.pages import index_plainly, serving
from tests.polling import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.browser]

LEAVE = """# Leave

Everybody has thirty-one days of leave in a year, counted from January.

## Carers

Carers have five more days.
"""
HOSTILE = """# Parking <img src=x onerror=alert(1)>

Parking costs four euros <script>alert(2)</script> a day & see [the tariff](https://evil.example/tariff) <b>today</b>.

</blockquote></details><iframe src="https://evil.example/"></iframe><style>body{display:none}</style>

![pixel](https://evil.example/pixel.png) <a href="javascript:alert(3)">free parking</a>
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    (folder / "leave.md").write_text(LEAVE)
    (folder / "parking<svg onload=alert(4)>.md").write_text(HOSTILE)
    stand_in = AnswersStandIn(tmp_path_factory.mktemp("state"), ElasticOptions(version=VERSION))
    try:
        index_plainly(stand_in, "handbook", folder)
        with serving(stand_in, "handbook", tmp_path_factory.mktemp("home")) as page:
            page.service = stand_in
            yield page
    finally:
        stand_in.process.stop()


@pytest.fixture
def reader(chromium, served):
    """A page of somebody who has given the key; at the end it has asked nobody else, and nothing was blocked or raised."""
    user, password = served.key.split(":")
    context = chromium.new_context(http_credentials={"username": user, "password": password})
    context.set_default_timeout(PATIENCE * 1000)
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message) or dialog.dismiss())
    page.goto(served.url)
    yield page
    assert [url for url in asked if not url.startswith(f"{served.url}/")] == [], "it calls nobody else"
    assert said == []
    context.close()


def ask(page, question):
    page.get_by_label("Ask").fill(question)
    page.get_by_role("button", name="Ask").click()
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_load_state()  # its style too


def test_an_answer_cites_sources_that_open_at_the_passage_and_takes_a_yes(reader):
    ask(reader, "How many days of leave does everybody have in a year?")
    assert "thirty-one days of leave" in reader.locator(".answer").inner_text()
    passage = reader.locator("#source-1")
    assert not passage.is_visible()
    reader.get_by_label("Source 1").click()
    passage.wait_for(state="visible")
    assert "thirty-one days" in passage.locator("mark#quote-1").inner_text()
    assert reader.url.endswith("#quote-1")
    reader.get_by_role("button", name="Yes").click()
    reader.get_by_text("Thank you. You said yes.").wait_for()
    assert reader.get_by_role("button", name="Yes").get_attribute("aria-pressed") == "true"
    reader.reload()
    assert "thirty-one days of leave" in reader.locator(".answer").inner_text()


def test_what_is_not_in_the_documents_is_said_to_be_missing(reader):
    ask(reader, "What is the capital of Australia?")
    assert reader.get_by_role("heading", name="Not in the documents").is_visible()
    assert reader.locator(".answer, .cite").count() == 0


def test_an_answer_that_its_sources_do_not_support_is_not_shown(reader, served):
    served.service.fault("CreateChatCompletion", "outside-knowledge")
    ask(reader, "How many days of leave does everybody have in a year?")
    assert reader.get_by_role("heading", name="No answer that can be trusted").is_visible()
    assert reader.locator(".answer").count() == 0
    reader.get_by_text("Why").click()
    assert reader.get_by_text("the name Reykjavik is in no cited passage").is_visible()


def test_markup_of_a_hostile_document_stays_text_in_answer_and_sources(reader):
    ask(reader, "How many euros does parking cost a day?")
    shown = reader.locator(".answer").inner_text()
    assert "<script>alert(2)</script>" in shown
    assert "[the tariff](https://evil.example/tariff)" in shown
    reader.get_by_label("Source 1").click()
    assert "<script>alert(2)</script>" in reader.locator("#source-1").inner_text()
    assert reader.get_by_text("<svg onload=alert(4)>").first.is_visible()
    everything = "script, img, svg, iframe, style, b, [onerror], [onload]"
    assert reader.locator(everything).count() == 0
    links = reader.locator("a").evaluate_all("all => all.map(each => each.getAttribute('href'))")
    assert set(links) == {"/", "#quote-1"}
    assert reader.get_by_label("Ask").is_visible(), "no style of the document hides the page"


def test_markup_in_a_question_stays_text_in_page_and_title(reader):
    question = "</title><script>alert(5)</script><h1 onclick=alert(6)>leave?"
    ask(reader, question)
    assert reader.get_by_role("heading", level=1).inner_text() == question
    assert reader.title().startswith(question)
    assert reader.locator("script, [onclick]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_both_color_schemes(reader, scheme):
    reader.emulate_media(color_scheme=scheme)
    reader.set_viewport_size({"width": 360, "height": 640})
    ask(reader, f"{'Long' * 80} parking euros cost a day?")
    assert reader.evaluate("document.documentElement.scrollWidth") == 360
    ground, text = reader.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    ground, text = (sum(map(int, each[4:-1].split(","))) for each in (ground, text))
    assert (ground > text) == (scheme == "light")


def test_a_page_of_another_origin_asks_and_frames_nothing(chromium, port, served):
    user, password = served.key.split(":")
    context = chromium.new_context(http_credentials={"username": user, "password": password})
    page, before = context.new_page(), served.records.read_text() if served.records.exists() else ""
    page.goto(served.url)  # the browser knows the key now
    page.goto(f"http://127.0.0.1:{port}/")
    page.set_content(
        f"<form method=post action={served.url}/answers><input name=question value=leave></form>"
    )
    with page.expect_navigation() as went:
        page.evaluate("document.forms[0].submit()")
    assert went.value.status == 403
    page.goto(f"http://127.0.0.1:{port}/")
    with page.expect_response(lambda answer: answer.url.startswith(served.url)) as framed:
        page.set_content(f"<iframe src='{served.url}/'></iframe>")
    assert framed.value.status == 403
    assert (served.records.read_text() if served.records.exists() else "") == before
    context.close()
