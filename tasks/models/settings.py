"""How to reach models behind OpenAI's routes: OpenAI itself, Vertex AI's and Databricks' compatible ones, vLLM, Ollama, llama.cpp."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.errors import InvalidInput
from tasks.settings import SANDBOX, Key, address, from_environment, sandbox_environment

_PREFIX = "OPENAI_"


def _address(url: str) -> str:
    return address(url, credentials="OPENAI_API_KEY").rstrip("/")


class ModelSettings(BaseModel, frozen=True, hide_input_in_errors=True):
    """What is needed to ask models."""

    base_url: Annotated[str, AfterValidator(_address)] = Field(
        description="The address of the routes, which usually ends in /v1: https://api.example.org/v1."
    )
    api_key: Key = Field(default=None, description="The key; servers of one's own often need none.")
    chat_model: str | None = Field(default=None, min_length=1, description="The model that answers.")
    embedding_model: str | None = Field(
        default=None, min_length=1, description="The model that embeds passages and questions."
    )
    query_prefix: str = Field(
        default="", description="What the embedding model wants before a question; e5 models: 'query: '."
    )
    passage_prefix: str = Field(
        default="", description="What the embedding model wants before a passage; e5 models: 'passage: '."
    )
    context_tokens: int = Field(
        default=8192, ge=256, description="Tokens of a prompt and its answer together that the model takes."
    )
    answer_tokens: int = Field(default=512, ge=16, description="Tokens of an answer at most.")
    tokens_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        default="max_tokens",
        description="How the server calls the limit of an answer; OpenAI's reasoning models take only the second.",
    )
    prompt_price: float = Field(default=0.0, ge=0, description="Price of a million tokens of prompts.")
    completion_price: float = Field(default=0.0, ge=0, description="Price of a million tokens of answers.")

    @property
    def where(self) -> str:
        """The server's host."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def control_plane(self) -> str | None:
        """Where Databricks shows the endpoints behind its compatible routes (`HOST/serving-endpoints`); None for other servers."""
        host, routes, rest = self.base_url.rpartition("/serving-endpoints")
        return f"{host}/api/2.0/serving-endpoints" if routes and not rest else None

    def embedding(self) -> str:
        """The name of the embedding model.

        Raises:
            InvalidInput: none is set.
        """
        return _set(self.embedding_model, "OPENAI_EMBEDDING_MODEL")

    def embedder(self) -> str:
        """What passages are embedded by: the model, and what is put before each passage, because either changes the vectors.

        Raises:
            InvalidInput: no model is set.
        """
        return (
            f"{self.embedding()} after {self.passage_prefix!r}" if self.passage_prefix else self.embedding()
        )

    def chat(self) -> str:
        """The name of the model that answers.

        Raises:
            InvalidInput: none is set.
        """
        return _set(self.chat_model, "OPENAI_CHAT_MODEL")


class _ModelEnvironment(ModelSettings, BaseSettings, frozen=True):  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- pydantic merges the two configurations
    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_file=".env", extra="ignore")


def model_settings(target: str) -> ModelSettings:
    """The settings of the models that a target uses: the stand-in's on the sandbox, else those of the environment.

    Raises:
        InvalidInput: a setting is missing or wrong, or no sandbox is running.
    """
    if target == SANDBOX:
        environment = sandbox_environment(f"{_PREFIX}BASE_URL", "model server")
        announced = {
            name.removeprefix(_PREFIX).lower(): value
            for name, value in environment.items()
            if name.startswith(_PREFIX)
        }
        return ModelSettings.model_validate(announced)
    found = from_environment(
        _ModelEnvironment,  # pyright: ignore[reportArgumentType] -- its fields come from the environment
        target=target,
        prefix=_PREFIX,
        example="OPENAI_BASE_URL=https://api.example.org/v1 OPENAI_API_KEY=... OPENAI_CHAT_MODEL=...",
    )
    return ModelSettings(**found.model_dump())


def _set(name: str | None, variable: str) -> str:
    if name is None:
        raise InvalidInput(
            f"No model is named: {variable} is not set",
            source="the environment or .env",
            accepted="the name of a model that OPENAI_BASE_URL serves",
        )
    return name
