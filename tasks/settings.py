"""What the settings of every engine share: the home folder, and what a running sandbox announces.

The target of a flow is always explicit. A real service takes its settings from the environment or a `.env` file, and a
missing one is an error; `sandbox` takes them only from the file that a running stand-in writes, so that no variable of a
real project can leak into it, or the other way round. Settings are passed in, never imported as a global.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, SecretStr, ValidationError

from tasks.errors import InvalidInput
from tasks.lines import check_file
from tasks.program import PROGRAM
from tasks.redaction import hide, hide_userinfo

T = TypeVar("T")

SANDBOX = "sandbox"
"""The target that every engine has: its local stand-in."""


def home() -> Path:
    """The folder for state, logs and reports: VECTOR_SEARCH_HOME, or `.vector-search-ops` in the current folder."""
    return Path(os.environ.get("VECTOR_SEARCH_HOME", ".vector-search-ops")).absolute()


def _hidden(value: object) -> str:
    """A secret as text, which no message shows from now on."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    hide(text)
    # A file written on Windows begins with a byte order mark and ends with more than a line feed.
    text = text.removeprefix("\ufeff").rstrip("\r\n")
    hide(text)
    return text


def _key(value: object) -> object:
    if value is None:
        return None
    text = _hidden(value).strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("not empty, in printable ASCII, without blanks")
    return SecretStr(text)


def _password(value: object) -> object:
    if value is None:
        return None
    text = _hidden(value)
    if not text or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise ValueError("not empty, without control characters")
    return SecretStr(text)


Key = Annotated[SecretStr | None, BeforeValidator(_key)]
"""A key or token, which goes into a header as it is: blanks and line ends around it are dropped; printable ASCII is accepted."""
Password = Annotated[SecretStr | None, BeforeValidator(_password)]
"""A password, which is encoded before it is sent: only line ends after it are dropped; control characters are refused."""


_HOST = re.compile(r"(localhost|[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+)(:\d{1,5})?")


def address(url: str, *, credentials: str) -> str:
    """An address without secrets, since it is shown in errors.

    Args:
        url: as the user set it.
        credentials: the settings in which a name, password or key belongs.

    Raises:
        ValueError: it contains credentials or a query, or does not begin with http:// or https://.
    """
    if "@" in url:
        hide_userinfo(url)
        hide(url.rpartition("@")[0].rpartition("//")[2])
        raise ValueError(f"without a name and a password: they belong in {credentials}")
    if "?" in url or "#" in url:
        hide(url.partition("?")[2])
        raise ValueError("without a query")
    if not url.lower().startswith(("https://", "http://")):
        # A key may have been set in place of the address; a plain host is none and can be shown.
        raise ValueError(
            f"which begins with https:// or http://{f', as in https://{url}' if _HOST.fullmatch(url) else ''}"
        )
    return url


def file_name(value: object) -> object:
    """Refuse the content of a file in place of its path, before a message can show it: certificates come with private keys."""
    if isinstance(value, str) and ("\n" in value or "-----BEGIN" in value or value.lstrip().startswith("{")):
        hide(value)
        raise ValueError("the path of a file, not its content")
    return value


def from_environment(read: Callable[[], T], *, target: str, prefix: str, example: str) -> T:
    """The settings of a real service.

    Args:
        read: reads them from the environment and `.env`.
        target: what they are for.
        prefix: how the variables begin.
        example: variables that are enough, as a shell sets them.

    Raises:
        InvalidInput: names every variable that is missing or wrong, never a value: a key may be in the wrong variable.
    """
    check_env_file()
    return checked(
        read,
        target=target,
        source="the environment or .env",
        spelled=lambda name: f"{prefix}{name}".upper(),
        remedy=f"For example: export {example}",
    )


def checked(
    read: Callable[[], T], *, target: str, source: str, spelled: Callable[[str], str], remedy: str
) -> T:
    """The settings of a real service, or what is wrong with them.

    Args:
        read: makes them.
        target: what they are for.
        source: where they are from.
        spelled: how a field is called there.
        remedy: what to do about it.

    Raises:
        InvalidInput: names every setting that is missing or wrong, never a value: a key may be in the wrong one.
    """
    try:
        return read()
    except ValidationError as error:
        errors = error.errors(include_input=False, include_context=False)
        wrong = sorted(_wrong(dict(each), spelled) for each in errors)
        # Not "from error": its text shows all that was set, the secrets too.
        raise InvalidInput(
            f"The target {target} needs {' and '.join(wrong)}", source=source, remedy=remedy
        ) from None


def check_env_file() -> None:
    """Refuse a `.env` in the current folder that cannot be read, before a library does so with a stack trace.

    Raises:
        InvalidInput: it is not UTF-8, or not ours to read.
    """
    file = Path(".env")
    try:
        if file.is_file():
            file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InvalidInput(
            f"This file cannot be read ({'not UTF-8' if isinstance(error, UnicodeError) else error.strerror})",
            value=str(file.absolute()),
            remedy="Prefect and this program take settings from it. Correct it, or run in another folder.",
        ) from None


def _wrong(found: dict[str, Any], spelled: Callable[[str], str]) -> str:
    said = str(found["msg"]).removeprefix("Value error, ")
    if not found["loc"]:
        return said
    name = spelled(str(found["loc"][0]))
    return name if found["type"] == "missing" else f"{name} ({said})"


def sandbox_environment(variable: str, noun: str) -> dict[str, str]:
    """What a running sandbox announces.

    Args:
        variable: one that it announces if it has the stand-in that is needed.
        noun: what this stands in for: `Elasticsearch`.

    Raises:
        InvalidInput: none is running, it has no such stand-in, or its announcement cannot be read.
    """
    file = Path(os.environ.get("VECTOR_SEARCH_SANDBOX") or home() / "sandbox" / "sandbox.json")
    source = "VECTOR_SEARCH_SANDBOX or VECTOR_SEARCH_HOME"
    try:
        if file.exists():
            check_file(file, source=source)
        environment = dict[str, str](json.loads(file.read_text())["environment"])
    except FileNotFoundError as error:
        raise InvalidInput(
            "No sandbox is running",
            value=str(file),
            source=source,
            remedy=f"Start the local stack with `{PROGRAM} up`, or the stand-ins alone with `python -m sandbox start`.",
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidInput(
            f"This is not what a running sandbox announces ({type(error).__name__})",
            value=str(file),
            source=source,
        ) from error
    if variable not in environment:
        raise InvalidInput(
            f"The running sandbox has no {noun}", value=str(file), source=source,
            remedy=f"Restart it: `{PROGRAM} down`, then `{PROGRAM} up`.",
        )  # fmt: skip
    return environment
