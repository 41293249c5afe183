"""The way to a version behind Private Service Connect: every version has a service attachment of its own."""

from __future__ import annotations

from dataclasses import replace

from flows.report import StepReport
from flows.vertex.options import VertexRun
from tasks.errors import InvalidInput
from tasks.outcomes import Did
from tasks.program import command
from tasks.vertex.network.private_service_connect import (
    Way,
    ensure_address,
    ensure_forwarding_rule,
    read_subnetwork,
    read_way_to_change,
    wait_for_acceptance,
)
from tasks.vertex.resources.served import ServedIndex, read_served_index
from tasks.vertex.settings import VertexSettings

KIND = "private-service-connect"


def connect(run: VertexRun, way: Way) -> str:
    """Chain the steps from an address to a connection that is accepted. Returns the address where queries go."""
    settings, report, deadline = run.settings, run.report, run.deadline
    with report.step(f"ensure address {way.resource_name}") as step:
        address = ensure_address(settings, way, deadline)
        saw(step, address.did, address.there)
    with report.step(f"ensure forwarding rule {way.resource_name}") as step:
        saw(step, ensure_forwarding_rule(settings, way, deadline).did)
    with report.step("wait until the service attachment accepts it") as step:
        wait_for_acceptance(settings, way, deadline)
        step.saw(way.attachment)
    return address.there


def saw(step: StepReport, did: Did, what: str = "") -> None:
    """Record in a report what was done to something."""
    done = "there already" if did == "nothing" else did
    step.saw(f"{what}: {done}" if what else done)


def refuse_unreachable(settings: VertexSettings, name: str) -> None:
    """See that a new version can be measured, before it is built: its way begins where that of the served one does.

    Raises:
        InvalidInput: no forwarding rule of ours leads to the served version, or VERTEX_PRIVATE_ADDRESS stands for it.
        NotServed: no version is served.
    """
    if settings.private_address:
        raise InvalidInput(
            "Every version has a service attachment of its own, but VERTEX_PRIVATE_ADDRESS is the address of one",
            value=settings.private_address, source="VERTEX_PRIVATE_ADDRESS",
            remedy=f"Unset it and connect the served version with `{command('vertex network-ensure', name=name, private_service_connect=True)}`; "
            "the new version is then connected by its build.",
        )  # fmt: skip
    if not read_served_index(settings, name).address:
        raise InvalidInput(
            f"No forwarding rule of ours leads to the served version of {name}, so a new one could not be measured", value=KIND,
            source="endpoint", remedy=f"Run `{command('vertex network-ensure', name=name, private_service_connect=True)}` first.",
        )  # fmt: skip


def connected(run: VertexRun, built: ServedIndex) -> ServedIndex:
    """A new version with an address where queries reach it: connected now, if nothing leads to it yet.

    The address and the forwarding rule are of the network and the subnet of those that lead to the served version.
    """
    if built.address or built.kind != KIND:
        return built
    settings, name = run.settings, built.name
    served = read_served_index(settings, name)
    begins = read_subnetwork(settings, name, served.service_attachment)
    if begins is None:
        refuse_unreachable(settings, name)
        return built
    network, subnetwork = begins
    way = Way(
        name=name,
        network=network,
        subnetwork=subnetwork,
        region=settings.location,
        attachment=built.service_attachment,
        version=built.version,
    )
    read_way_to_change(settings, way)
    return replace(built, address=connect(run, way))
