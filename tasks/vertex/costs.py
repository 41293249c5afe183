"""The hourly cost of a deployed index, shown before the first paid step.

This is no quotation: tasks/prices/prices.toml has the prices, with their source and date.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.prices.prices import prices
from tasks.vertex.data.validation import ValidatedVectors
from tasks.vertex.machines import DEFAULT_MACHINES, DEFAULT_SHARD_SIZE, check_machine, check_tier
from tasks.vertex.specs import DeployedIndexSpec, Replicas, ShardSize


def building_cost(data: ValidatedVectors) -> str:
    """What building an index of data costs once, in words. Of sparse embeddings the size is not known beforehand."""
    gibibytes = data.dense_rows * data.dimensions * 4 / 2**30
    size = f"{gibibytes:,.2f} GiB" if gibibytes >= 0.01 else "less than 0.01 GiB"
    price = prices().vertex.build_usd_per_gib
    more = ", and what the sparse embeddings take" if data.sparse_rows else ""
    return (
        f"Building the index costs about {max(gibibytes * price, 0.01):.2f} USD for {size} of dense vectors{more} "
        "(price from memory; see the price list, https://cloud.google.com/vertex-ai/pricing)."
    )


def node_price(machine: str) -> float | None:
    """USD per node and hour of a machine type; None if it is not known here."""
    return prices().vertex.node_hours.get(machine)


@dataclass(frozen=True)
class HourlyCost:
    """What deployed indexes cost while they are deployed, queried or not."""

    machine: str
    min_replicas: int
    max_replicas: int
    deployed_indexes: int = 1
    """How many of the same kind."""

    @property
    def price(self) -> float | None:
        """USD per node and hour, if known."""
        return node_price(self.machine)

    def __str__(self) -> str:
        replicas = str(self.min_replicas)
        if self.max_replicas > self.min_replicas:
            replicas += f" to {self.max_replicas}"
        nodes = f"{replicas} {'replica' if replicas == '1' else 'replicas'} of {self.machine}"
        costs, they_are = "A deployed index costs", "it is"
        if self.deployed_indexes > 1:
            costs, they_are = f"{self.deployed_indexes} deployed indexes cost", "they are"
            nodes += " each"
        if self.price is None:
            return (
                f"{costs} node-hours until {they_are} undeployed, queried or not: {nodes}, whose price is "
                "unknown here; see the price list, https://cloud.google.com/vertex-ai/pricing."
            )
        hourly = " to ".join(
            f"{self.price * count * self.deployed_indexes:.2f}"
            for count in sorted({self.min_replicas, self.max_replicas})
        )
        return (
            f"{costs} about {hourly} USD per hour and shard until {they_are} undeployed, queried or not: "
            f"{nodes} (prices from memory, us-central1; see the price list, https://cloud.google.com/vertex-ai/pricing)."
        )


def hourly_cost(
    deployed: DeployedIndexSpec, shard_size: ShardSize | None, there: Replicas | None = None
) -> HourlyCost:
    """The cost of a deployed index, where these replicas are there. An unset shard size is the service's, medium.

    Raises:
        InvalidInput: the machine or the tier cannot serve such shards.
    """
    check_tier(deployed.deployment_tier, shard_size)
    check_machine(deployed.machine_type, shard_size)
    machine = deployed.machine_type or DEFAULT_MACHINES.get(
        shard_size or DEFAULT_SHARD_SIZE, "storage-optimized nodes"
    )
    return HourlyCost(machine, *deployed.replicas(there))
