"""An endpoint of Private Service Connect: who may connect, and what the forwarding rule leads to."""

from __future__ import annotations

import dataclasses

import pytest

from tasks.errors import CannotChangeInPlace
from tasks.vertex.connection.clients import connect
from tasks.vertex.resources.deployed_indexes import read_deployed_index
from tasks.vertex.resources.endpoints import (
    endpoint_spec,
    ensure_endpoint,
    read_endpoint_to_change,
    wait_for_endpoint,
)
from tasks.vertex.resources.served import way_through

KIND = "private-service-connect"


def test_the_own_project_may_connect_unless_others_are_named(settings):
    others = settings.model_copy(update={"psc_projects": ("two", "one")})
    assert endpoint_spec(settings, "a", KIND).project_allowlist == (settings.project,)
    assert endpoint_spec(others, "a", KIND).project_allowlist == ("one", "two")


def test_who_may_connect_is_sent_and_a_difference_is_refused(settings, deadline):
    spec = endpoint_spec(settings, "psc-allowed", KIND)
    made = wait_for_endpoint.fn(settings, spec, ensure_endpoint.fn(settings, spec, deadline).there, deadline)
    shown = connect(settings).endpoints.get_index_endpoint(name=made.resource)
    assert list(shown.private_service_connect_config.project_allowlist) == [settings.project]
    assert read_endpoint_to_change.fn(settings, spec, spec.name, deadline) == made
    other = endpoint_spec(settings.model_copy(update={"psc_projects": ("other",)}), spec.name, KIND)
    with pytest.raises(CannotChangeInPlace, match=f"VERTEX_PSC_PROJECTS.*{settings.project}.*other"):
        read_endpoint_to_change.fn(settings, other, spec.name, deadline)


def test_the_service_attachment_is_told_with_the_forwarding_rule_that_leads_to_it(settings, serve):
    served = serve(KIND)
    deployed = read_deployed_index.fn(settings, served.deployed_index_id, served.endpoint)
    assert deployed.service_attachment.startswith("projects/")
    assert served.address in way_through(settings, served, deployed.service_attachment)
    without = dataclasses.replace(served, address="")
    told = way_through(settings, without, deployed.service_attachment)
    for part in ("forwarding-rules create", deployed.service_attachment, "VERTEX_PRIVATE_ADDRESS"):
        assert part in told
