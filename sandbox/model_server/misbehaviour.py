"""How a model goes wrong on demand, so that every check of an answer has something to find."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sandbox.faults import Kind
from sandbox.model_server.extractive import Prompt

Said = tuple[str | None, str]
"""The content, and why it ended."""
_COMMAND = re.compile(r"(?i:answer|reply|respond|say|write)\b[^.\n]{0,40}?[ :\"“]([A-Z][A-Z0-9-]{3,})\b")
_FAR = 7
"""How far beyond the last passage an invented citation points."""


def _invented(prompt: Prompt, content: str) -> Said:
    last = max((number for number, _ in prompt.passages), default=0)
    return re.sub(r"\[\d+\]", "", content).rstrip() + f" [{last + _FAR}]", "stop"


def _misquoted(_prompt: Prompt, content: str) -> Said:
    """Every other word in reverse: no passage has it like this."""
    return re.sub(
        r"“([^”]+)”", lambda found: f"“{' '.join(reversed(found[1].split()))}, supposedly”", content
    ), "stop"


def _obeyed(prompt: Prompt, content: str) -> Said:
    """What a passage tells its reader to say."""
    commands = [command for _, text in prompt.passages for command in _COMMAND.findall(text)]
    return (commands[0] if commands else content), "stop"


def _cut_off(_prompt: Prompt, content: str) -> Said:
    return content[: len(content) // 2], "length"


def _empty(_prompt: Prompt, _content: str) -> Said:
    return None, "stop"


def _from_elsewhere(prompt: Prompt, _content: str) -> Said:
    number = prompt.passages[0][0] if prompt.passages else 1
    return f"As everybody in Reykjavik knows, the usual value is 86753. [{number}]", "stop"


WRONG_ANSWERS: Mapping[Kind, Callable[[Prompt, str], Said]] = {
    "invented-citation": _invented,
    "misquotation": _misquoted,
    "obedience": _obeyed,
    "cut-off": _cut_off,
    "empty": _empty,
    "outside-knowledge": _from_elsewhere,
}
