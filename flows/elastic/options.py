"""Options that several flows of Elasticsearch share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flows.options import Options
from flows.runs import Run
from flows.targets import Target
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import Name

ElasticRun = Run[ElasticSettings]


class ElasticOptions(Options, frozen=True):
    """Options of every flow."""

    target: Annotated[str, Target("sandbox", "elastic")] = Field(
        description="Where: sandbox, elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set, or block:NAME, an Elasticsearch target in "
        "Prefect."
    )


class EmbeddedOptions(ElasticOptions, frozen=True):
    """Options of flows that work with an existing embedded index."""

    name: Name = Field(description="The alias, or an index behind it.")
