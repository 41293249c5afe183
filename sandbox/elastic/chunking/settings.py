"""`chunking_settings` of endpoints and semantic_text fields, checked as the service does (`*ChunkingSettings.java`, `ServiceUtils.java`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.elastic.chunking import splitting
from sandbox.elastic.chunking.splitting import Span
from sandbox.elastic.errors import Answer, in_java

DEFAULT = {"strategy": "sentence", "max_chunk_size": 250, "sentence_overlap": 1}
"""What an endpoint without settings uses; sizes are words."""
NO_STRATEGY = Answer(
    400,
    "illegal_argument_exception",
    "Can't generate Chunker without ChunkingStrategy provided",
    "ChunkingSettingsBuilder.java",
)
UNKNOWN_STRATEGY = Answer(
    400,
    "illegal_argument_exception",
    "Invalid chunkingStrategy {strategy}",
    "ChunkingStrategy.java",
)
INVALID = Answer(400, "validation_exception", "Validation Failed: {problems}", "ServiceUtils.java")
SEPARATOR = Answer(
    400,
    "illegal_argument_exception",
    "the sandbox reads separators as regular expressions of Python: [{separator}] is none ({problem})",
)
_KEYS = {
    "sentence": {"strategy", "max_chunk_size", "sentence_overlap"},
    "word": {"strategy", "max_chunk_size", "overlap"},
    "none": {"strategy"},
    "recursive": {"strategy", "max_chunk_size", "separator_group", "separators"},
}
_SPOKEN = {
    "sentence": "Sentence based",
    "word": "Word based",
    "none": "Sentence based",
    "recursive": "Recursive",
}
"""How refusals call the strategies; `none` bears another's name in the service too."""
_LEAST = {"sentence": 20, "word": 10, "recursive": 10}
_MOST = {"word": 300, "recursive": 300}
_GROUPS = {
    "plaintext": [r"(?<!\n)\n\n(?!\n)", r"(?<!\n)\n(?!\n)"],
    "markdown": [
        *(f"\n{'#' * level} " for level in range(1, 7)),
        *(f"\n^(?!\\s*$).*\\n{line}{{1,}}\\n" for line in "-="),
    ],
}
"""`SeparatorGroup.java`. The last two of markdown match nothing there either: `^` does not stand for the beginning of a line."""


@dataclass(frozen=True)
class Chunking:
    """Checked settings."""

    strategy: str
    most: int = 0
    """Words in a chunk."""
    overlap: int = 0
    """Words (strategy `word`) or sentences (`sentence`) that a chunk repeats of the one before."""
    separators: Sequence[str] = ()
    """Regular expressions of the strategy `recursive`, the coarsest first."""

    def spans(self, text: str) -> list[Span]:
        """The chunks of a text, in order; none of a blank one."""
        if not text.strip():
            return []
        match self.strategy:
            case "word":
                return list(splitting.by_words(text, self.most, self.overlap))
            case "sentence":
                return list(splitting.by_sentences(text, self.most, self.overlap))
            case "recursive":
                return splitting.by_separators(
                    text, self.most, [re.compile(each) for each in self.separators]
                )
            case _:
                return [(0, len(text))]

    def shown(self) -> dict[str, Any]:
        """The settings as the API returns them: with defaults, and separators instead of their group."""
        last = {
            "sentence": {"sentence_overlap": self.overlap},
            "word": {"overlap": self.overlap},
            "recursive": {"separators": list(self.separators)},
        }.get(self.strategy)
        sizes = {} if last is None else {"max_chunk_size": self.most, **last}
        return {"strategy": self.strategy, **sizes}


def read(given: Mapping[str, Any] | None) -> Chunking:
    """Check `chunking_settings`; without any, the default.

    Raises:
        Refusal: the strategy is missing or unknown, or a setting is unknown, missing or out of its limits.
    """
    settings = given or DEFAULT
    if "strategy" not in settings:
        raise NO_STRATEGY.refusal()
    strategy = in_java(settings["strategy"]).lower()
    if strategy not in _KEYS:
        raise UNKNOWN_STRATEGY.refusal(strategy=strategy)
    problems = _unknown(settings, strategy)
    most = overlap = 0
    separators: list[str] = []
    if strategy != "none":
        most = _positive(settings, "max_chunk_size", problems, _LEAST[strategy], _MOST.get(strategy))
    if strategy == "word" and most:
        overlap = _positive(settings, "overlap", problems, 1, most // 2)
    elif strategy == "sentence":
        overlap = _sentence_overlap(settings, problems)
    elif strategy == "recursive":
        separators = _separators(settings, problems)
    if problems:
        shown = "".join(f"{place}: {problem};" for place, problem in enumerate(problems, start=1))
        raise INVALID.refusal(problems=shown)
    return Chunking(strategy, most, overlap, tuple(separators))


def _unknown(settings: Mapping[str, Any], strategy: str) -> list[str]:
    unknown = sorted(set(settings) - _KEYS[strategy])
    listed = f"[{', '.join(unknown)}]"
    return (
        [f"{_SPOKEN[strategy]} chunking settings can not have the following settings: {listed}"]
        if unknown
        else []
    )


def _positive(
    settings: Mapping[str, Any], name: str, problems: list[str], least: int, most: int | None
) -> int:
    """A required number within limits, which the service shows as decimals; 0 with a problem."""
    value = settings.get(name)
    where = "[chunking_settings]"
    if value is None:
        problems.append(f"{where} does not contain the required setting [{name}]")
    elif not isinstance(value, int) or isinstance(value, bool):
        problems.append(_of_other_type(name, value, "Integer"))
    elif value <= 0:
        problems.append(f"{where} Invalid value [{value}]. [{name}] must be a positive integer")
    elif value < least:
        problems.append(
            f"{where} Invalid value [{value}.0]. [{name}] must be a greater than or equal to [{least}.0]"
        )
    elif most is not None and value > most:
        problems.append(
            f"{where} Invalid value [{value}.0]. [{name}] must be a less than or equal to [{most}.0]"
        )
    else:
        return value
    return 0


def _sentence_overlap(settings: Mapping[str, Any], problems: list[str]) -> int:
    value = settings.get("sentence_overlap")
    if value is None:
        return 1
    if not isinstance(value, int) or isinstance(value, bool):
        problems.append(_of_other_type("sentence_overlap", value, "Integer"))
    elif value not in (0, 1):
        problems.append(f"sentence_overlap[{value}] must be either 0 or 1")
    else:
        return value
    return 0


def _separators(settings: Mapping[str, Any], problems: list[str]) -> list[str]:
    group, given = settings.get("separator_group"), settings.get("separators")
    if group is not None and str(group).strip().lower() not in _GROUPS:
        known = ", ".join(sorted(_GROUPS))
        problems.append(
            f"[chunking_settings] Invalid value [{group}] received. [separator_group] must be one of [{known}]"
        )
        return []
    if given is not None and not isinstance(given, list):
        problems.append(_of_other_type("separators", given, "List"))
        return []
    if given is not None and group is not None:
        problems.append("Recursive chunking settings can not have both separators and separator_set")
    if given is None:
        return _GROUPS[str(group or "plaintext").strip().lower()]
    if not given:
        problems.append("Recursive chunking settings can not have an empty list of separators")
    for each in given:
        try:
            re.compile(str(each))
        except re.error as error:
            raise SEPARATOR.refusal(separator=each, problem=error) from None
    return [str(each) for each in given]


def _of_other_type(name: str, value: Any, wanted: str) -> str:
    return f"field [{name}] is not of the expected type. The value [{in_java(value)}] cannot be converted to a [{wanted}]"
