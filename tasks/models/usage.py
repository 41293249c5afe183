"""What calls of models used, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.models.settings import ModelSettings


@dataclass(frozen=True)
class Usage:
    """Tokens, as the server counts them."""

    prompt: int = 0
    completion: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt + other.prompt, self.completion + other.completion)

    def cost(self, settings: ModelSettings) -> float:
        """By the prices in the settings; 0 if none are set."""
        return (self.prompt * settings.prompt_price + self.completion * settings.completion_price) / 1e6
