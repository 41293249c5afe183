"""What the options of several flows of Elasticsearch share."""

from __future__ import annotations

from pydantic import Field

from flows.options import Options
from flows.runs import Run
from tasks.elastic.settings import ElasticSettings, ElasticTarget
from tasks.elastic.specs import Name

ElasticRun = Run[ElasticSettings]


class ElasticOptions(Options, frozen=True):
    """Of every flow."""

    target: ElasticTarget = Field(
        description="Where: sandbox, or elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set."
    )


class EmbeddedOptions(ElasticOptions, frozen=True):
    """Of flows that work with an embedded index that is there."""

    name: Name = Field(description="The alias, or an index behind it.")
