"""No field of a request is passed over in silence: the descriptors of the installed packages against the table."""

from google.cloud import aiplatform_v1 as v1
from google.cloud import vectorsearch_v1 as v2
from google.cloud.location import locations_pb2
from google.longrunning import operations_pb2

from protos import match_service as container
from sandbox.vertex.collections.services import SERVICES as COLLECTION_SERVICES
from sandbox.vertex.fields import FIELDS, Treatment, treatments
from sandbox.vertex.matching.container_match import ContainerMatchService
from sandbox.vertex.matching.match import MatchService
from sandbox.vertex.operations.operations import OperationsService
from sandbox.vertex.resources.index_endpoints import IndexEndpointService
from sandbox.vertex.resources.indexes import IndexService
from sandbox.vertex.resources.locations import LocationsService
from tests.polling import SOON

SERVICES = {
    IndexService: v1,
    IndexEndpointService: v1,
    MatchService: v1,
    OperationsService: operations_pb2,
    LocationsService: locations_pb2,
    ContainerMatchService: container,
    **dict.fromkeys(COLLECTION_SERVICES, v2),
}


def request_types():
    for service, messages in SERVICES.items():
        for name in vars(service):
            if name[0].isupper():
                request = getattr(messages, f"{name}Request")
                yield (request.pb() if hasattr(request, "pb") else request).DESCRIPTOR


def reached(descriptor, seen):
    """Every message that a request can carry in a field that is not output only."""
    if descriptor.GetOptions().map_entry and (value := descriptor.fields_by_name["value"].message_type):
        descriptor = value
    known = treatments(descriptor)
    if known is None or descriptor.full_name in seen:
        return
    seen[descriptor.full_name] = descriptor
    for field in descriptor.fields:
        if field.message_type is not None and known.get(field.name) is not Treatment.OUTPUT:
            reached(field.message_type, seen)


def walked():
    seen = {}
    for request in request_types():
        reached(request, seen)
    return seen.values()


def test_every_field_of_every_request_is_in_the_table_and_nothing_else():
    descriptors = {each.full_name.removeprefix("google.cloud.aiplatform."): each for each in walked()}
    real = {name: {field.name for field in each.fields} for name, each in descriptors.items()}
    assert {name: set(fields) for name, fields in FIELDS.items()} == real


def filled(message):
    """`message` with every kept scalar set, in all messages that it holds."""
    known = treatments(message.DESCRIPTOR)
    for field in message.DESCRIPTOR.fields:
        if field.message_type is None and known[field.name] is Treatment.KEPT:
            kinds = {field.TYPE_STRING: f"{field.name}-sent", field.TYPE_BOOL: True, field.TYPE_ENUM: 1}
            sample = kinds.get(field.type, 7)
            if field.is_repeated:
                getattr(message, field.name).append(sample)
            else:
                setattr(message, field.name, sample)
        elif _holds_fields(field, known) and field.name != "automatic_resources":  # one kind of resources
            held = getattr(message, field.name)
            filled(held.add() if field.is_repeated else held)
    return message


def kept(message):
    """Every kept field of a message, by its path."""
    found, known = {}, treatments(message.DESCRIPTOR)
    for field, value in message.ListFields():
        if known[field.name] is Treatment.KEPT:
            found[field.name] = list(value) if field.is_repeated else value
        elif _holds_fields(field, known):
            for number, each in enumerate(value if field.is_repeated else [value]):
                found |= {f"{field.name}.{number}.{path}": item for path, item in kept(each).items()}
    return found


def _holds_fields(field, known):
    message = field.message_type
    return message is not None and treatments(message) and known[field.name] is not Treatment.OUTPUT


def test_what_is_kept_is_shown_as_it_was_sent(clients):
    config = {"config": {"dimensions": 2, "algorithmConfig": {"bruteForceConfig": {}}}}
    index = filled(v1.Index.pb()())
    sent = v1.Index.wrap(index)
    sent.display_name, sent.metadata = "kept", config
    made = clients.indexes.create_index(parent=clients.parent, index=sent).result(timeout=60, polling=SOON)
    shown = v1.Index.pb(clients.indexes.get_index(name=made.name))
    assert kept(shown) == kept(index) != {}

    endpoint = filled(v1.IndexEndpoint.pb()())
    endpoint.display_name, endpoint.private_service_connect_config.enable_private_service_connect = (
        "kept",
        True,
    )
    created = clients.endpoints.create_index_endpoint(
        parent=clients.parent, index_endpoint=v1.IndexEndpoint.wrap(endpoint)
    ).result(timeout=60, polling=SOON)
    deployed = filled(v1.DeployedIndex.pb()())
    deployed.id, deployed.index = "kept_fields", made.name
    deployed.dedicated_resources.min_replica_count = 1
    clients.endpoints.deploy_index(
        index_endpoint=created.name, deployed_index=v1.DeployedIndex.wrap(deployed)
    ).result(timeout=60, polling=SOON)
    after = v1.IndexEndpoint.pb(clients.endpoints.get_index_endpoint(name=created.name))
    assert kept(after) == kept(endpoint) != {}
    assert kept(after.deployed_indexes[0]) == kept(deployed) != {}


def test_what_is_output_only_is_not_taken_from_a_request(clients):
    index = v1.Index(
        display_name="output",
        metadata={"config": {"dimensions": 2, "algorithmConfig": {"bruteForceConfig": {}}}},
    )
    index.satisfies_pzs = True
    index.index_stats.vectors_count = 99
    index.create_time = "2001-01-01T00:00:00Z"
    index.deployed_indexes = [{"deployed_index_id": "x"}]
    made = clients.indexes.create_index(parent=clients.parent, index=index).result(timeout=60, polling=SOON)
    shown = clients.indexes.get_index(name=made.name)
    assert (shown.satisfies_pzs, shown.index_stats.vectors_count, shown.deployed_indexes) == (False, 0, [])
    assert shown.create_time.year > 2001
