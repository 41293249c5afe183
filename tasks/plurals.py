"""Numbers with their nouns: `1 file`, `2,000 files`."""


def counted(number: int, noun: str) -> str:
    """A number and its noun, which takes a plain `s` in the plural."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
