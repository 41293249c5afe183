"""The page's doors and its records, over HTTP: who gets in, what is kept of a question and what is not."""

from __future__ import annotations

import json
import stat

import httpx
import pytest

from tests.flows.answers.pages import index_plainly, serving
from tests.flows.answers.test_answering import ANSWER, QUESTION

pytestmark = pytest.mark.slow


@pytest.fixture
def served(service, folder, name, home):
    """A page on the folder's documents."""
    index_plainly(service, name, folder)
    with serving(service, name, home) as page:
        yield page


@pytest.fixture
def owner(served):
    with httpx.Client(
        base_url=served.url,
        auth=tuple(served.key.split(":")),
        trust_env=False,
        follow_redirects=True,
        timeout=60,
    ) as client:
        yield client


def ask(client, question):
    return client.post("/answers", data={"question": question})


def test_only_the_key_opens_it_and_only_for_its_own_name_and_pages(served, owner):
    with httpx.Client(base_url=served.url, trust_env=False) as stranger:
        for path in ("/", "/style.css", "/answers/x", "/nowhere"):
            assert stranger.get(path).status_code == 401
        for key in ("reader:wrong", "reader:", ":", "admin:" + served.key.partition(":")[2]):
            assert stranger.get("/", auth=tuple(key.split(":"))).status_code == 401
        assert stranger.get("/", headers={"Authorization": b"Basic \xe9"}).status_code == 401
    assert owner.get("/").status_code == 200
    assert owner.get("/", headers={"Host": "evil.example"}).status_code == 421
    for origin in ("null", "http://evil.example", served.url.replace("127.0.0.1", "localhost")):
        refused = owner.post("/answers", data={"question": QUESTION}, headers={"Origin": origin})
        assert refused.status_code == 403
    assert not served.records.exists()


def test_every_answer_has_the_headers_that_leave_a_page_nothing_to_run(served, owner):
    with httpx.Client(base_url=served.url, trust_env=False) as stranger:
        pages = [owner.get("/"), owner.get("/nowhere"), stranger.get("/"), ask(owner, QUESTION)]
    for page in pages:
        assert page.headers["content-security-policy"].startswith(
            "default-src 'none'; style-src 'self'; form-action"
        )
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "server" not in page.headers


def test_records_hold_hashes_ids_outcomes_and_no_words(served, owner, service):
    first, again = ask(owner, QUESTION), ask(owner, f"  {QUESTION.upper()} ")
    assert '<mark id="quote-1">Everybody has thirty-one days of leave in a year</mark>' in first.text
    ask(owner, "What is the capital of Australia?")
    service.fault("CreateChatCompletion", "misquotation")
    assert "No answer that can be trusted" in ask(owner, QUESTION).text
    for said in ("yes", "no", "no"):
        assert "You said" in owner.post(f"{first.url}/verdict", data={"useful": said}).text
    text = served.records.read_text()
    asked = [json.loads(line) for line in text.splitlines()]
    assert [each.get("outcome", each.get("useful")) for each in asked] == [
        "answered", "answered", "not in the sources", "withheld", True, False,
    ]  # fmt: skip
    assert asked[0]["question"] == asked[1]["question"] != asked[2]["question"]
    assert asked[0]["passages"]
    assert asked[0]["prompt_tokens"] > 0
    assert {each["id"] for each in asked[4:]} == {asked[0]["id"]}
    for words in ("leave", "Australia", "thirty", ANSWER):
        assert words not in text
    assert stat.S_IMODE(served.records.stat().st_mode) == 0o600
    assert stat.S_IMODE(served.records.parent.stat().st_mode) == 0o700
    assert served.key not in text + served.out
    assert again.url != first.url
