"""A model's answer for one text, whichever model gave it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Embedding:
    """The answer for one text."""

    value: dict[str, float] | list[float]
    """Of a sparse model token to weight, largest first; of a dense one the vector. float32 values in their shortest form."""
    is_truncated: bool
    """Whether the text had more tokens than the model reads."""

    @property
    def weights(self) -> dict[str, float]:
        """The token weights of a sparse model's answer.

        Raises:
            TypeError: it is a vector.
        """
        if not isinstance(self.value, dict):
            raise TypeError("A dense embedding has no token weights.")
        return self.value
