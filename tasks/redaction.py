"""Secret values stay in the process: what is written for people or for a server is searched for them first.

Libraries quote what they were given: a header in an exception, an address in a log line. Every secret that a setting holds
is registered here when it is read, and our errors, log records and reports replace it in their text, plain or encoded.
"""

from __future__ import annotations

import json
import logging
import os
import re
import traceback
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "********"
_SHORTEST = 4
"""Characters. A shorter secret protects nothing, and to hide it would blank half of every text."""
_SHORTEST_ENCODED = 6
_VARIABLES = ("PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_KEY")
"""Secrets of Prefect, which reads them by itself."""
_ADDRESSES = (
    "PREFECT_API_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy",
)  # fmt: skip
"""Variables that hold an address, which may contain a name and a password."""
_USERINFO = re.compile(r"^(?:\w+://)?([^/]+)@")

_secrets: set[str] = set()


def hide(secret: str | None) -> None:
    """Register a value that no text may show from now on, with what follows its first colon (`user:password`)."""
    if secret:
        password = secret.partition(":")[2]
        _secrets.update(each for each in (secret, secret.strip(), password) if len(each) >= _SHORTEST)


def hide_userinfo(address: str | None) -> None:
    """Register the name and password within an address, as they are written and as they are sent."""
    if address and (found := _USERINFO.match(address)):
        hide(found[1])
        hide(unquote(found[1]))


def redacted(text: str) -> str:
    """A text without any registered secret, and without those in the variables that Prefect and proxies read."""
    for name in _VARIABLES:
        hide(os.environ.get(name))
    for name in _ADDRESSES:
        hide_userinfo(os.environ.get(name))
    return _pattern(frozenset(_secrets)).sub(HIDDEN, text) if _secrets else text


def redacted_trace(error: BaseException) -> str:
    """The stack trace of an exception and its causes, without secrets."""
    return redacted("".join(traceback.format_exception(error)))


@lru_cache(maxsize=4)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str]:
    forms = {form for secret in secrets for form in _forms(secret)}
    # The longest first: a secret may be part of another one's encoding.
    return re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is, and as texts quote, escape and encode it."""
    yield secret
    yield repr(secret)[1:-1]
    yield json.dumps(secret)[1:-1]
    data = secret.encode(errors="surrogatepass")
    yield repr(data)[2:-1]
    yield quote(data, safe="")
    yield quote_plus(data)
    for before, dropped in enumerate((0, 2, 3)):
        # In the middle of something longer, as in `user:password`, only the whole groups of six bits are the secret's own.
        encoded = b64encode(b"\0" * before + data).decode()[dropped : (before + len(data)) * 8 // 6]
        if len(encoded) >= _SHORTEST_ENCODED:
            yield encoded
            yield encoded.replace("+", "-").replace("/", "_")


def redact_log_records() -> None:
    """From now on, every log record of this process is made without secrets, whoever logs it and wherever it goes."""
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        return _without_secrets(make(*args, **kwargs))

    vars(factory)["redacts"] = True
    logging.setLogRecordFactory(factory)


def _without_secrets(record: logging.LogRecord) -> logging.LogRecord:
    try:
        said = record.getMessage()
    except Exception:  # noqa: BLE001 -- a record that cannot be formatted is the business of its handler
        said = str(record.msg)
    if (shown := redacted(said)) != said:
        record.msg, record.args = shown, ()
    if record.exc_info and record.exc_info[1] is not None:
        # Every formatter takes this text, if it is there, in place of the exception.
        trace = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        if (hidden := redacted(trace)) != trace:
            record.exc_text, record.exc_info = hidden, None
    return record
