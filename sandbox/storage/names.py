"""Which names buckets and objects may have: the documented rules.

A name is never a path here. The store keeps it as a value, and a content lies in a file with a random name: `../x` is an
object like any other, as in the real service.
"""

from __future__ import annotations

import ipaddress
import re

from sandbox.storage import errors

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_LONGEST_PART = 63
_LONGEST_OBJECT = 1024
"""Bytes of UTF-8, as documented for buckets without a hierarchical namespace."""


def check_bucket(name: object) -> str:
    """A bucket's name, as "Bucket naming requirements" has it.

    Raises:
        Refusal: it breaks a rule.
    """
    if not isinstance(name, str) or not _BUCKET.fullmatch(name) or not _parts_are_valid(name):
        raise errors.BUCKET_NAME.refusal(name=name)
    return name


def check_object(name: object) -> str:
    """An object's name, as "Object naming requirements" has it.

    Raises:
        Refusal: it breaks a rule.
    """
    if not isinstance(name, str):
        raise errors.OBJECT_NAME.refusal(problem="it is not a string.")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise errors.OBJECT_NAME.refusal(problem="it is not valid Unicode.") from None
    if not 1 <= size <= _LONGEST_OBJECT:
        raise errors.OBJECT_NAME.refusal(problem=f"it has {size} bytes, not 1 to {_LONGEST_OBJECT}.")
    if name in (".", "..") or name.startswith(".well-known/acme-challenge/"):
        raise errors.OBJECT_NAME.refusal(
            problem="it must not be . or .. or begin with .well-known/acme-challenge/."
        )
    if "\r" in name or "\n" in name or "\0" in name:
        raise errors.OBJECT_NAME.refusal(problem="it contains a carriage return, a line feed or NUL.")
    return name


def _parts_are_valid(name: str) -> bool:
    parts = name.split(".")
    if any(not 1 <= len(part) <= _LONGEST_PART or part[0] == "-" or part[-1] == "-" for part in parts):
        return False
    if len(parts) == 1 and len(name) > _LONGEST_PART:
        return False
    return not name.startswith("goog") and "google" not in name and not _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
