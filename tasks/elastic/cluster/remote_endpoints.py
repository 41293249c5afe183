"""Inference endpoints of the service `openai`: a text embedding model behind OpenAI's routes, outside the cluster.

The cluster asks it once while the endpoint is created, so an address, a model or a key that does not work is refused then. The key goes
with the request alone: the service never shows it again, so whether an endpoint has this one cannot be read, only tried.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from tasks.calls import ServiceUnwell
from tasks.elastic.cluster.endpoints import MARGIN_SECONDS, PUT_SECONDS, EndpointState, read_endpoint
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import BadRequest, calling
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import Name
from tasks.errors import CannotChangeInPlace, GateNotMet
from tasks.models.settings import ModelSettings
from tasks.outcomes import Ensured
from tasks.steps import step

SERVICE, TASK_TYPE = "openai", "text_embedding"
NO_KEY = "unused"
"""Sent where no key is set: the service requires one, and a server of one's own often asks for none."""


class RemoteEndpointSpec(BaseModel, frozen=True):
    """An endpoint of the service openai for text embeddings. Nothing of it can change in place but its key."""

    id: Name
    model_id: str
    url: str
    """Of the embeddings, `https://api.example.org/v1/embeddings`."""
    dimensions: int | None = Field(default=None, ge=1)
    """None takes as many as the model has."""


@step("ensure inference endpoint {spec.id}")
def ensure_remote_endpoint(
    settings: ElasticSettings, spec: RemoteEndpointSpec, models: ModelSettings, *, renew_key: bool = False
) -> Ensured[EndpointState]:
    """The endpoint of this specification.

    Args:
        settings: the target.
        spec: what is wanted.
        models: with the key.
        renew_key: give an endpoint that exists the key, in place of the one that it has (8.17).

    Raises:
        CannotChangeInPlace: it exists with another service, model, address or number of dimensions.
        ServiceRefused, ServiceUnwell: the cluster does not reach the server, or that refuses the model or the key. Nothing was created.
    """
    there = read_endpoint.fn(settings, spec.id)
    if there is None:
        return Ensured(_create(settings, spec, models), "created")
    check_remote_endpoint(spec, there)
    if not renew_key:
        return Ensured(there)
    with calling(f"renew the key of the inference endpoint {spec.id}"):
        connect(settings).inference.update(
            inference_id=spec.id,
            task_type=TASK_TYPE,
            inference_config={"service_settings": {"api_key": _key(models)}},
        )
    return Ensured(there, "changed")


def check_remote_endpoint(spec: RemoteEndpointSpec, there: EndpointState) -> None:
    """Refuse an endpoint that differs in what cannot change.

    Raises:
        CannotChangeInPlace: naming it.
    """
    wanted = {"service": SERVICE, "task_type": TASK_TYPE, "model_id": spec.model_id, "url": spec.url}
    wanted |= {"dimensions": spec.dimensions} if spec.dimensions else {}
    for field, value in wanted.items():
        if (present := getattr(there, field)) != value:
            raise CannotChangeInPlace(
                "inference endpoint", spec.id, field=field, there=present, wanted=value,
                remedy="Choose another id: fields that use this one hold embeddings of its model.",
            )  # fmt: skip


def _create(settings: ElasticSettings, spec: RemoteEndpointSpec, models: ModelSettings) -> EndpointState:
    service = {"api_key": _key(models), "model_id": spec.model_id, "url": spec.url}
    service |= {"dimensions": spec.dimensions} if spec.dimensions else {}
    client = connect(settings).options(request_timeout=PUT_SECONDS + MARGIN_SECONDS)
    try:
        with calling(f"create the inference endpoint {spec.id}"):
            client.inference.put(
                inference_id=spec.id,
                task_type=TASK_TYPE,
                inference_config={"service": SERVICE, "service_settings": service},
                timeout=f"{PUT_SECONDS}s",
            )
    except (ServiceUnwell, BadRequest):
        # A lost reply, or somebody else was faster: then it exists, and is compared like any other.
        there = read_endpoint.fn(settings, spec.id)
        if there is None:
            raise
        check_remote_endpoint(spec, there)
        return there
    there = read_endpoint.fn(settings, spec.id)
    if there is None:
        raise GateNotMet(
            f"The inference endpoint {spec.id} after its creation", measured="gone", wanted="there"
        )
    return there


def _key(models: ModelSettings) -> str:
    return models.api_key.get_secret_value() if models.api_key else NO_KEY
