"""What web pages can do to the HTTP stand-ins: nothing, whatever their origin, and even with the key."""

from __future__ import annotations

import pytest

from sandbox import process
from tests.sandbox.stand_ins import STAND_INS

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module", params=STAND_INS)
def victim(request, tmp_path_factory):
    row, state = STAND_INS[request.param], tmp_path_factory.mktemp(request.param)
    with process.running(state, row.options) as environment:
        yield row.of(state, environment)


@pytest.mark.parametrize("with_key", [False, True], ids=["without the key", "with it"])
def test_a_page_of_another_origin_reads_and_changes_nothing(with_key, foreign, fetch_from, victim):
    before, fetch = victim.writes, fetch_from(foreign)
    method, path, body = victim.row.changes
    key = victim.key if with_key else {}
    change = {"method": method, "body": body.decode()}
    assert "Failed to fetch" in fetch(f"{victim.url}{victim.row.reads[1]}", headers=key)
    assert "Failed to fetch" in fetch(
        f"{victim.url}{path}", headers=key | {"Content-Type": victim.row.kind}, **change
    )
    assert "Failed to fetch" in fetch(f"{victim.url}{path}", headers=key, **change)
    assert fetch(f"{victim.url}{victim.row.reads[1]}", mode="no-cors").startswith("opaque 0 ")
    assert fetch(f"{victim.url}{path}", mode="no-cors", **change).startswith("opaque 0 ")
    assert victim.writes == before


def test_forms_links_and_frames_of_another_origin_get_nothing(foreign, victim):
    before, there = victim.writes, foreign.url
    for html, act in {
        f"<form method=post enctype=text/plain action={victim.url}{victim.row.changes[1]}><input name=a></form>": "document.forms[0].submit()",
        f"<a href={victim.url}{victim.row.reads[1]}>look</a>": "document.links[0].click()",
    }.items():
        foreign.goto(there)
        foreign.set_content(html)
        with foreign.expect_navigation() as went:
            foreign.evaluate(act)
        assert went.value.status == 403
    foreign.goto(there)
    with foreign.expect_response(lambda answer: answer.url.startswith(victim.url)) as framed:
        foreign.set_content(f"<iframe src={victim.url}{victim.row.reads[1]}></iframe>")
    assert framed.value.status == 403
    assert victim.writes == before


def test_a_name_that_was_rebound_to_the_stand_in_gets_nothing(page, fetch_from, victim):
    before = victim.writes
    rebound = victim.address._replace(netloc=f"evil.example:{victim.address.port}").geturl()
    assert page.goto(f"{rebound}{victim.row.reads[1]}").status == 421
    method, path, body = victim.row.changes
    for headers in ({}, victim.key):
        options = {
            "method": method,
            "body": body.decode(),
            "headers": headers | {"Content-Type": victim.row.kind},
        }
        assert "421" in fetch_from(page)(f"{rebound}{path}", **options)
    assert victim.writes == before


def test_what_a_user_types_gets_in_and_what_the_answer_would_do_does_not(page, fetch_from, victim):
    before, (method, path, body) = victim.writes, victim.row.changes
    assert page.goto(f"{victim.url}{victim.row.reads[1]}").status not in (403, 421)
    for headers in ({}, victim.key):
        options = {
            "method": method,
            "body": body.decode(),
            "headers": headers | {"Content-Type": victim.row.kind},
        }
        assert "403" in fetch_from(page)(f"{victim.url}{path}", **options)
    assert victim.writes == before
