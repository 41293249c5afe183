"""Deployed indexes are keyed by the id that we choose: adopted, changed in place, refused, undeployed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tasks.errors import CannotChangeInPlace
from tasks.vertex.connection.errors import OperationFailed
from tasks.vertex.operations import operations
from tasks.vertex.operations.operations import Operation
from tasks.vertex.resources import deploying
from tasks.vertex.resources.deployed_indexes import DeployedElsewhere
from tasks.vertex.resources.deploying import ensure_deployed_index, wait_for_deployed_index
from tasks.vertex.specs import DeployedIndexSpec


@pytest.fixture(scope="module")
def pair(serve):
    """Two served indexes."""
    return serve("public"), serve("public")


def ensure(settings, served, deadline, **fields):
    """As a build does it, on what `serve` made."""
    spec = DeployedIndexSpec(name=served.name, location=settings.location, **fields)
    found = ensure_deployed_index.fn(
        settings, spec, endpoint=served.endpoint, index=served.index, deadline=deadline
    )
    return spec, found


def test_replicas_change_in_place_and_then_nothing_does(settings, pair, deadline):
    spec, changed = ensure(settings, pair[0], deadline, max_replicas=3)
    assert changed.did == "changed"
    assert changed.there.making
    assert changed.there.serves
    wait_for_deployed_index.fn(settings, spec, changed.there, deadline)
    _, again = ensure(settings, pair[0], deadline, max_replicas=3)
    assert again.did == "nothing"
    assert not again.there.making


@pytest.mark.parametrize(("field", "wanted"), [("machine_type", "n1-standard-16"), ("index", None)])
def test_another_machine_or_index_is_refused(field, wanted, settings, pair, deadline):
    one, other = pair
    spec = DeployedIndexSpec(name=one.name, location=settings.location, machine_type=wanted)
    index = other.index if field == "index" else one.index
    with pytest.raises(CannotChangeInPlace) as refused:
        ensure_deployed_index.fn(settings, spec, endpoint=one.endpoint, index=index, deadline=deadline)
    assert refused.value.field == field


def test_an_undeployment_of_somebody_else_that_fails_does_not_end_a_build(
    settings, pair, deadline, monkeypatch
):
    def failing(_, name, what, *__, **___):
        raise OperationFailed(what, operation=name, code=13, said="internal")

    def running(_, endpoint, *, kinds):
        if kinds != {"UndeployIndex"}:
            return []
        name, began = f"{endpoint}/operations/1", datetime.now(UTC)
        return [Operation(name=name, kind="UndeployIndex", done=False, code=0, said="", deployed_index_id="", created=began)]  # fmt: skip

    monkeypatch.setattr(operations, "follow", failing)
    monkeypatch.setattr(deploying, "unfinished", running)
    _, found = ensure(settings, pair[1], deadline)
    assert found.did == "nothing"


def test_an_id_that_another_endpoint_has_taken_is_refused(settings, pair, deadline):
    one, other = pair
    spec = DeployedIndexSpec(name=one.name, location=settings.location)
    with pytest.raises(DeployedElsewhere, match=rf"{spec.id} is taken.*{one.endpoint}.*gcloud ai"):
        ensure_deployed_index.fn(
            settings, spec, endpoint=other.endpoint, index=other.index, deadline=deadline
        )
