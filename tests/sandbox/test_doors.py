"""The door alone, in front of an application that answers everything."""

import asyncio
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import JSONResponse, PlainTextResponse

from sandbox.doors import Door

LOOPBACK = ["127.0.0.1", "127.0.0.1:9200", "localhost", "LocalHost:1", "[::1]", "[::1]:65535"]
FOREIGN = [
    "evil.example",
    "evil.example:9200",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "localhost.",
    "localhost@evil.example",
    "evil.example@localhost",
    "127.0.0.1:9200:80",
    "127.0.0.1:",
    "127.0.0.1:٣",
    "127.0.0.1, evil.example",
    "127.1",
    "0.0.0.0",
    "2130706433",
    "::1",
    "[::ffff:127.0.0.1]",
    "localhost\n",
    " localhost",
    "",
]
CORRECT = ("host", "127.0.0.1:9200")
PAGES = [
    ("origin", "http://evil.example"),
    ("origin", "null"),
    ("origin", ""),
    ("origin", "http://127.0.0.1:9200"),
    ("Origin", "chrome-extension://abc"),
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-site", "same-site"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-site", ""),
]


def ask(*headers, refusal=None, kind="http"):
    """Send one request with exactly these headers through a door; returns status and body."""
    application = PlainTextResponse("served")
    door = Door(application, refusal) if refusal else Door(application)
    sent = []

    async def send(message):
        sent.append(message)

    raw = [(name.lower().encode("latin-1"), value.encode("utf-8")) for name, value in headers]
    scope = {
        "type": kind,
        "method": "GET",
        "path": "/",
        "headers": raw,
        "extensions": {"websocket.http.response": {}},
    }
    asyncio.run(door(scope, None, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent).decode()


@pytest.mark.parametrize("host", LOOPBACK)
def test_a_program_that_asks_for_loopback_is_served(host):
    assert ask(("host", host)) == (200, "served")
    assert ask(("host", host), ("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")) == (200, "served")


@pytest.mark.parametrize("host", FOREIGN, ids=repr)
def test_another_name_is_refused(host):
    status, text = ask(("host", host))
    assert status == 421
    assert "answers to 127.0.0.1, localhost and [::1]" in text


def test_a_host_that_is_missing_or_given_twice_is_refused():
    assert ask()[0] == 421
    assert ask(CORRECT, CORRECT)[0] == 421
    assert ask(CORRECT, ("host", "evil.example"))[0] == 421
    assert ask(("x-forwarded-host", "localhost"))[0] == 421


@pytest.mark.parametrize("header", PAGES, ids=lambda header: "{}: {}".format(*header))
def test_what_a_page_sends_is_refused(header):
    assert ask(CORRECT, header)[0] == 403
    assert ask(CORRECT, ("sec-fetch-site", "none"), header)[0] == 403
    assert ask(CORRECT, header, kind="websocket")[0] == 403


def test_a_refusal_has_the_form_that_the_service_gives_it():
    def refusal(status, text):
        return JSONResponse({"error": {"code": int(status), "message": text}}, status)

    status, body = ask(("host", "evil.example"), refusal=refusal)
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (421, 421)
    assert "'evil.example'" in error["message"]


headers = st.lists(
    st.tuples(
        st.sampled_from(
            ["host", "Host", "origin", "Origin", "sec-fetch-site", "referer", "x-forwarded-host"]
        ),
        st.sampled_from([*LOOPBACK, *FOREIGN, "none", "null"]) | st.text(max_size=20),
    ),
    max_size=4,
)


@given(headers)
def test_whatever_the_headers_only_one_name_of_loopback_and_no_page_gets_in(headers):
    named = [value for name, value in headers if name.lower() == "host"]
    page = [value for name, value in headers if name.lower() == "origin"]
    page += [value for name, value in headers if name == "sec-fetch-site" and value != "none"]
    is_ours = len(named) == 1 and re.sub(r":\d{1,5}$", "", named[0], flags=re.ASCII).lower() in {"127.0.0.1", "localhost", "[::1]"}  # fmt: skip
    assert ask(*headers)[0] == (421 if not is_ours else 403 if page else 200)
