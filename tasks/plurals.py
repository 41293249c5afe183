"""Numbers with their nouns: `1 file`, `2,000 files`."""


def counted(number: int, noun: str) -> str:
    """A number and its noun, which takes a plain `s` in the plural."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def counted_each(*counts: tuple[int, str]) -> str:
    """Numbers with their nouns, zeros left out unless all are: `300 vectors and 290 sparse vectors`."""
    there = [counted(number, noun) for number, noun in counts if number]
    return " and ".join(there) or counted(*counts[0])
