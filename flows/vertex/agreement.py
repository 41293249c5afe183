"""What a build needs confirmation for before it changes anything: hourly costs, and the replacement of served content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from flows.confirmation import Question, agree, billed
from flows.vertex.options import VertexRun
from tasks.vertex.costs import hourly_cost
from tasks.vertex.data.validation import ValidatedVectors
from tasks.vertex.resources.deployed_indexes import DeployedIndexState
from tasks.vertex.resources.indexes import IndexState, read_indexes
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import DeployedIndexSpec, ShardSize


def cost_questions(
    settings: VertexSettings,
    wanted: DeployedIndexSpec,
    shard_size: ShardSize | None,
    ours: DeployedIndexState | None,
    *,
    beside: str = "",
) -> list[Question]:
    """Show the hourly cost of a deployment or of more replicas, and ask. A sandbox costs nothing, so nothing is asked.

    What others have deployed of the same index is theirs to pay for and counts as no agreement here.

    Args:
        settings: the target.
        wanted: the deployed index.
        shard_size: of its index.
        ours: what is deployed of it.
        beside: the version that is served meanwhile, and costs too.
    """
    there = None if ours is None else ours.replicas
    replicas = wanted.replicas(there)
    if there is not None and replicas[0] <= there[0] and replicas[1] <= there[1]:
        return []
    cost = hourly_cost(wanted, shard_size, there)
    said = f"{cost} The version {beside} costs beside it until it is pruned." if beside else str(cost)
    step = "deploy the index" if there is None else "raise the replicas"
    return billed(step, said, is_sandbox=settings.is_sandbox)


def overwrite_questions(there: IndexState | None, validated: ValidatedVectors) -> list[Question]:
    """Ask before other content replaces what is served, wherever the index is deployed; also in a sandbox.

    An overwrite with the same data that an earlier run started was agreed to then.
    """
    if there is None or not there.deployed or validated.content in (there.content, there.coming):
        return []
    came = "streamed" if there.update_method == "STREAM_UPDATE" else "imported"
    consequence = f"It would serve {validated.vectors} in place of {there.size}; datapoints that were {came} into it are lost."
    return [Question("replace all content of the deployed index", consequence)]


def agree_to_first_deployments(
    run: VertexRun,
    wanted: Sequence[DeployedIndexSpec],
    shard_size: ShardSize | None,
    *,
    yes: bool,
    endpoint_name: str | None = None,
) -> frozenset[str]:
    """Ask for the cost of everything that is not deployed yet, as one question, before reading the data, which is not needed.

    Where something is deployed already, replacing its content may need agreement too: `build` asks both as one question.

    Args:
        run: the run that this is part of.
        wanted: what to deploy.
        shard_size: of every index that does not exist yet.
        yes: agreed in advance.
        endpoint_name: an endpoint that is shared.

    Returns:
        The names for which the cost was agreed to.

    Raises:
        InvalidInput: a machine cannot serve the shards.
        NotConfirmed: nobody agreed.
    """
    there = {spec.name: _most_deployed(run, spec.name) for spec in wanted}
    new = frozenset(name for name, index in there.items() if index is None or not index.deployed)
    if new:
        step = "deploy the index" if len(new) == 1 else f"deploy {len(new)} indexes"
        alike = Counter(
            hourly_cost(spec, shard_size if (index := there[spec.name]) is None else index.shard_size)
            for spec in wanted
            if spec.name in new
        )
        cost = " ".join(str(replace(each, deployed_indexes=count)) for each, count in alike.items())
        if endpoint_name:
            cost += f" Sharing the endpoint {endpoint_name} saves nothing: every deployed index has replicas of its own."
        agree(billed(step, cost, is_sandbox=run.settings.is_sandbox), yes=yes)
    return new


def _most_deployed(run: VertexRun, name: str) -> IndexState | None:
    """Of the indexes of a name one that is deployed, if any is."""
    indexes = read_indexes(run.settings, name, run.deadline).values()
    return max(indexes, key=lambda index: bool(index.deployed), default=None)
