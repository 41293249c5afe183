"""Numbers with their nouns, and lists, in words: `1 file`, `2,000 files`, `a, b and c`."""

from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """A number and its noun, which takes a plain `s` in the plural."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def counted_each(*counts: tuple[int, str]) -> str:
    """Numbers with their nouns, zeros left out unless all are: `300 vectors and 290 sparse vectors`."""
    there = [counted(number, noun) for number, noun in counts if number]
    return " and ".join(there) or counted(*counts[0])


def listed(words: Iterable[str]) -> str:
    """`a, b and c`; of none, `nothing`."""
    *most, last = list(words) or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last
