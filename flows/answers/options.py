"""Options that several flows of answers share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from flows.options import Options
from tasks.elastic.specs import Name

AnswersTarget = Literal["sandbox", "elastic"]
HolderName = Literal["elastic"]
"""Vertex AI and Databricks are to follow; until then they are refused by name."""


class AnswersOptions(Options, frozen=True):
    """Options of every flow."""

    name: Name = Field(description="The knowledge base: the alias that searches use.")
    target: AnswersTarget = Field(
        description="Where: sandbox, or elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set."
    )
    engine: HolderName = Field(default="elastic", description="What holds the passages: elastic.")


class DocumentsOptions(AnswersOptions, frozen=True):
    """Options of flows that read documents."""

    documents: str = Field(
        description="The folder of documents: Markdown, HTML, text, PDF, JSON lines; and its folders."
    )
