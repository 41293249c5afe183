"""The processor `gsub`: what a regular expression matches in a text, replaced.

The expressions are Python's, which mean the same as Java's but for possessive quantifiers, Unicode classes and some flags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sandbox.elastic.ingest import errors as ingest_errors
from sandbox.elastic.ingest.processor_config import ProcessorConfig
from sandbox.elastic.ingest.processors import Change, on_strings

_NAMED = re.compile(r"\(\?<(?=[A-Za-z])")
"""The beginning of a named group, as Java spells it."""
_PART = re.compile(r"\\(.)|\$(\d+)|\$\{(\w+)\}", re.DOTALL)
"""In a replacement of Java: an escaped character, a group by its number or by its name."""


def gsub(config: ProcessorConfig) -> Change:
    """`gsub`: every match of `pattern` becomes `replacement`, in place or in `target_field`."""
    given, replacement = config.text("pattern"), _replacement(config.text("replacement"))
    try:
        pattern = re.compile(_NAMED.sub("(?P<", given))
        pattern.sub(replacement, "")
    except (re.error, IndexError) as error:
        raise config.refusal(ingest_errors.WRONG_PROPERTY, "pattern", problem=str(error)) from error
    return on_strings(lambda text: pattern.sub(replacement, text))(config)


def _replacement(given: str) -> str:
    """As Python spells it."""

    def part(found: re.Match[str]) -> str:
        escaped, number, name = found.groups()
        if escaped is not None:
            return escaped.replace("\\", "\\\\")
        return f"\\g<{number or name}>"

    return _PART.sub(part, given)


CHANGES: Mapping[str, Callable[[ProcessorConfig], Change]] = {"gsub": gsub}
"""By name in a pipeline."""
