"""Options that several flows of Elasticsearch share."""

from __future__ import annotations

from pydantic import Field

from flows.options import Options
from flows.runs import Run
from tasks.elastic.settings import ElasticSettings, ElasticTarget
from tasks.elastic.specs import Name

ElasticRun = Run[ElasticSettings]


class ElasticOptions(Options, frozen=True):
    """Options of every flow."""

    target: ElasticTarget = Field(
        description="Where: sandbox, or elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set."
    )


class EmbeddedOptions(ElasticOptions, frozen=True):
    """Options of flows that work with an existing embedded index."""

    name: Name = Field(description="The alias, or an index behind it.")
