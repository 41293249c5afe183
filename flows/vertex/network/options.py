"""Options that the flows of networks share."""

from __future__ import annotations

from pydantic import Field

from flows.vertex.options import VertexOptions
from tasks.vertex.specs import Name


class NetworkOptions(VertexOptions, frozen=True):
    """Options of every flow of a network."""

    name: Name = Field(
        description="The name that everything for the network is made under; a network of our own has it too."
    )
