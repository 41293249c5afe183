"""More allocations of the deployment that embeds, for the time of an embedding."""

from __future__ import annotations

from dataclasses import dataclass

from flows.elastic.deployment_steps import existing_deployment
from flows.elastic.options import ElasticRun
from flows.elastic.plans import scaled
from flows.plan import Resource
from tasks.elastic.cluster.capacity import verify_capacity
from tasks.elastic.cluster.deployment_states import DeploymentState
from tasks.elastic.cluster.deployments import ensure_deployment, wait_for_deployment
from tasks.errors import InvalidInput


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """The allocations of a deployment during an embedding and after it."""

    during: int | None = None
    """None leaves them as they are."""
    afterwards: int | None = None
    may_grow: bool = False
    """Whether the cluster scales its nodes by itself, so that more may be requested than fits the current ones."""

    def refuse(self, there: DeploymentState) -> None:
        """Refuse a request that cannot be met.

        Raises:
            InvalidInput: only one of the two numbers is given, or the deployment scales by itself.
        """
        if (self.during is None) != (self.afterwards is None):
            raise InvalidInput(
                "Only one of load_allocations and final_allocations is given",
                value=self.during or self.afterwards,
                remedy="Give both: the number while documents are embedded, and the number afterwards.",
            )
        if self.during is not None and there.adaptive is not None:
            raise InvalidInput(
                "This deployment has adaptive allocations and scales by itself",
                value=there.id,
                remedy="Leave out load_allocations and final_allocations.",
            )

    def plan(self, run: ElasticRun, deployment: str) -> list[Resource]:
        """What would become of the deployment in the end."""
        if self.afterwards is None:
            return []
        there = existing_deployment(run.settings, deployment, "deployment")
        return [scaled(there, there.scaled(self.afterwards))]

    def scale(self, run: ElasticRun, deployment: str, allocations: int | None) -> list[str]:
        """Set the allocations, if they are to change now. Returns what was changed."""
        settings, deadline = run.settings, run.deadline
        there = existing_deployment(settings, deployment, "deployment")
        if allocations is None or allocations == there.allocations:
            return []
        spec = there.scaled(allocations)
        if allocations > there.allocations and not self.may_grow:
            verify_capacity(settings, [spec])
        with run.report.step(f"set the allocations of {there.id} to {allocations}") as step:
            ensure_deployment(settings, spec, deadline, may_grow=self.may_grow)
            wait_for_deployment(settings, spec, deadline, may_grow=self.may_grow)
            step.saw(f"it had {there.allocations}")
        return [f"set the allocations of {there.id} to {allocations}"]
