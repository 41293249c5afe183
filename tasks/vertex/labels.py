"""The user's own labels of what we create, beside our marks: parsed and checked by Google's rules.

"Requirements for labels" (docs/sources.md): at most 64 on a resource; lowercase letters of any alphabet, digits, underscores and
dashes; a key begins with a letter; at most 63 characters each; a value may be empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tasks.errors import InvalidInput
from tasks.vertex.marks import OURS, is_mark

MOST_LABELS = 64
MOST_CHARACTERS = 63


def parse_labels(written: Iterable[str]) -> dict[str, str]:
    """Labels from texts of the form KEY=VALUE.

    Raises:
        InvalidInput: one is written in another way, against Google's rules, is one of our marks, or has a key that is there already.
    """
    labels = dict[str, str]()
    for text in written:
        key, equals, value = text.partition("=")
        if not equals or not _is_key(key) or not _is_value(value):
            raise InvalidInput(
                "Not a label", value=text, source="label",
                accepted=f"KEY=VALUE, each of at most {MOST_CHARACTERS} lowercase letters, digits, underscores and dashes; the key begins "
                "with a letter, and the value may be empty",
            )  # fmt: skip
        if is_mark(key):
            raise InvalidInput(
                "This label is one of the marks by which this project knows what it created", value=text, source="label",
                accepted=f"any key but {', '.join(sorted(OURS))}",
            )  # fmt: skip
        if key in labels:
            raise InvalidInput("A label is given twice", value=text, source="label", accepted="each key once")
        labels[key] = value
    return labels


def differing(wanted: Mapping[str, str], there: Mapping[str, str]) -> dict[str, str]:
    """Those of the wanted labels that are not there, or with another value."""
    return {key: value for key, value in wanted.items() if there.get(key) != value}


def check_number(wanted: Mapping[str, str], there: Mapping[str, str], *, resource: str) -> None:
    """See that a resource has room for labels.

    Raises:
        InvalidInput: it would have more than Google allows.
    """
    number = len({*wanted, *there, *OURS})
    if number > MOST_LABELS:
        raise InvalidInput(
            f"Too many labels for {resource}, with those that are there and room for our {len(OURS)} marks",
            value=number, source="label", accepted=f"{MOST_LABELS} at most",
        )  # fmt: skip


def _is_key(text: str) -> bool:
    return bool(text) and text[0].isalpha() and _is_value(text)


def _is_value(text: str) -> bool:
    return len(text) <= MOST_CHARACTERS and all(
        letter in "_-0123456789" or (letter.isalpha() and letter == letter.lower()) for letter in text
    )
