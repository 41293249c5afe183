"""No text shows a secret, however it is quoted or encoded."""

from __future__ import annotations

import base64
import json
import logging
from urllib.parse import quote, quote_plus

import pytest

from tasks import redaction
from tasks.errors import InvalidInput, TransientError, Withheld, without_secrets
from tasks.redaction import HIDDEN, hide, hide_userinfo, redact_log_records, redacted, redacted_trace

SECRET = "p@ss/wörd\\ 'x\"\r1"


@pytest.fixture(autouse=True)
def _nothing_else_is_hidden(monkeypatch):
    monkeypatch.setattr(redaction, "_secrets", set())
    factory = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(factory)


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(SECRET, id="plain"),
        pytest.param(repr(SECRET), id="repr"),
        pytest.param(repr(SECRET.encode()), id="bytes"),
        pytest.param(json.dumps({"key": SECRET}), id="json"),
        pytest.param(f"https://h/?key={quote(SECRET, safe='')}", id="percent"),
        pytest.param(quote_plus(SECRET), id="form"),
        *(
            pytest.param(base64.b64encode(f"{user}:{SECRET}".encode()).decode(), id=f"basic auth {user}")
            for user in ("u", "us", "use")
        ),
        pytest.param(base64.urlsafe_b64encode(SECRET.encode()).decode(), id="base64 for addresses"),
    ],
)
def test_a_secret_is_hidden_in_every_form(shown):
    assert redacted(shown) == shown
    hide(SECRET)
    assert HIDDEN in redacted(shown)
    core = "rd"  # of the letters that no form changes
    assert core not in redacted(shown)


def test_a_short_secret_would_blank_every_text_and_is_left():
    hide("abc")
    assert redacted("abcabc") == "abcabc"


@pytest.mark.parametrize(
    "address",
    ["https://user:hush%2Dhush@host:9200/x", "user:hush%2Dhush@host", "http://user:hush%2Dhush@[::1]"],
)
def test_the_password_of_an_address_is_hidden_as_written_and_as_sent(address):
    hide_userinfo(address)
    assert "hush" not in redacted(f"{address} hush%2Dhush hush-hush")


@pytest.mark.parametrize("name", ["PREFECT_API_AUTH_STRING", "PREFECT_API_KEY"])
def test_what_prefect_reads_by_itself_is_hidden(monkeypatch, name):
    monkeypatch.setenv(name, "admin:hush-hush")
    assert redacted("said: admin:hush-hush, hush-hush") == f"said: {HIDDEN}, {HIDDEN}"


def test_our_errors_show_no_secret_that_a_service_has_quoted():
    hide("hush-hush")
    assert str(InvalidInput("bad", value="hush-hush")) == f"bad: '{HIDDEN}'."
    assert str(TransientError("hush-hush")) == HIDDEN


def test_a_foreign_exception_keeps_its_kind_and_loses_the_secret():
    hide("hush-hush")
    with pytest.raises(Withheld) as raised, without_secrets():
        raise ValueError("Invalid header value b'ApiKey hush-hush\\r'")
    assert str(raised.value) == f"ValueError: Invalid header value b'ApiKey {HIDDEN}\\r'"
    assert raised.value.__cause__ is None
    with pytest.raises(KeyError), without_secrets():
        raise KeyError("nothing")


def quoting(*secrets: str) -> None:
    """Fail as a library does that quotes what it was given, with a cause for each but the first."""
    first, *causes = secrets
    try:
        if causes:
            quoting(*causes)
    finally:
        int(first)  # its error quotes the text


def test_a_trace_shows_no_secret_of_a_cause():
    hide("hush-hush")
    with pytest.raises(ValueError, match="hush-hush") as raised:
        quoting("hush-hush", "hush-hush too")
    trace = redacted_trace(raised.value)
    assert trace.count("ValueError") == 2
    assert "hush" not in trace


def test_no_log_record_shows_a_secret_whoever_logs_it(caplog):
    hide("hush-hush")
    redact_log_records()
    redact_log_records()
    logger = logging.getLogger("foreign")
    try:
        quoting("hush-hush")
    except ValueError:
        logger.exception("with %s and %r", "hush-hush", b"hush-hush")
    logger.warning("nothing %s", "secret")
    assert "hush-hush" not in caplog.text
    assert f"with {HIDDEN} and b'{HIDDEN}'" in caplog.text
    assert "ValueError" in caplog.text
    assert caplog.records[-1].args == ("secret",)
