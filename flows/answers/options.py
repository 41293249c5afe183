"""Options that several flows of answers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from flows.options import Options
from flows.targets import Target, block_of
from tasks.elastic.specs import Name

HolderName = Literal["elastic", "vertex", "databricks"]
_TARGETS: Mapping[HolderName, str] = {
    "elastic": "elastic",
    "vertex": "google-cloud",
    "databricks": "databricks",
}
"""The real service of each engine."""


class AnswersOptions(Options, frozen=True):
    """Options of every flow."""

    name: Name = Field(description="The knowledge base: the alias or the endpoint that searches use.")
    target: Annotated[str, Target("sandbox", *_TARGETS.values())] = Field(
        description="Where: sandbox, the engine's own service with its settings (elastic, google-cloud, databricks), or block:NAME: two blocks in "
        "Prefect of this name, the engine's target and an answer model."
    )
    engine: HolderName = Field(
        default="elastic", description="What holds the passages: elastic, vertex, databricks."
    )

    @model_validator(mode="after")
    def _at_its_own_service(self) -> Self:
        own = _TARGETS[self.engine]
        if self.target not in ("sandbox", own) and block_of(self.target) is None:
            raise ValueError(f"The engine {self.engine} has the targets sandbox and {own}, not {self.target}")
        return self


def target_of(engine: str, options: AnswersOptions) -> str:
    """Where another engine is, for a flow with these options: the sandbox and a block have all of them, else its own real service."""
    is_own = options.target == _TARGETS[options.engine]
    return next((own for name, own in _TARGETS.items() if is_own and name == engine), options.target)


class DocumentsOptions(AnswersOptions, frozen=True):
    """Options of flows that read documents."""

    documents: str = Field(
        description="The folder of documents: Markdown, HTML, text, PDF, DOCX, JSON lines; and its folders."
    )
