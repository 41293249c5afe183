"""Every refusal of the stand-in in one place, with the source of its text, as docs/sources.md lists it.

A text without a `source` is our own wording (the real one is unknown); COVERAGE.md lists those. Clients must branch on
the status code, never on such a text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grpc import StatusCode

from sandbox.faults import Kind


class Refusal(Exception):
    """A call, or an operation, that the service refuses: a status code and a text."""

    def __init__(self, code: StatusCode, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.retry_after = retry_after
        """Seconds for google.rpc.RetryInfo; None to send none."""
        self.details: list[Any] = []
        """More messages for google.rpc.Status."""

    @property
    def number(self) -> int:
        """The code as google.rpc.Status carries it."""
        return int(self.code.value[0])  # pyright: ignore[reportIndexIssue]


class ConnectionReset(Refusal):
    """A fault resets the connection: where a transport can do that, nothing is answered."""

    def __init__(self) -> None:
        super().__init__(FAULT_RESET.code, FAULT_RESET.text)


@dataclass(frozen=True)
class Answer:
    """One kind of refusal: its code, its text with named placeholders, and the source of the text."""

    code: StatusCode
    text: str
    source: str = ""

    def refusal(self, *, retry_after: float | None = None, **facts: object) -> Refusal:
        """The refusal for these facts."""
        return Refusal(self.code, self.text.format(**facts), retry_after)


# Documented, or seen in the public reports that docs/sources.md lists.
STREAM_UPDATE_NOT_ENABLED = Answer(
    StatusCode.FAILED_PRECONDITION, "StreamUpdate is not enabled on this Index.", "generative-ai#1286"
)
QUOTA_EXHAUSTED = Answer(
    StatusCode.RESOURCE_EXHAUSTED,
    "The following quota exhausted: MatchingEngineStreamUpdateThroughput.",
    "generative-ai#227",
)
INVALID_RECORDS = Answer(
    StatusCode.FAILED_PRECONDITION,
    "There are invalid records under files [{files}]. "
    "Please check the details in the metadata of operation: {operation}.",
    "python-aiplatform#2474",
)

NETWORK_NOT_PEERED = Answer(
    StatusCode.FAILED_PRECONDITION,
    "NETWORK_NOT_PEERED: The network {network} is not peered with Google's services. Create a private connection to "
    "servicenetworking.googleapis.com first.",
    "vertex-ai-samples#2611, the code; the sentence is our own",
)

# Names and existence.
MALFORMED_NAME = Answer(StatusCode.INVALID_ARGUMENT, "{name!r} is not a name of the form {form}.")
OTHER_PROJECT = Answer(
    StatusCode.PERMISSION_DENIED, "Permission denied on project {project!r}: the sandbox has one, {known}."
)
NOT_FOUND = Answer(StatusCode.NOT_FOUND, "{kind} {name} not found.")
DEPLOYED_INDEX_NOT_FOUND = Answer(
    StatusCode.NOT_FOUND, "DeployedIndex {id!r} not found on IndexEndpoint {endpoint}."
)
DATAPOINT_NOT_FOUND = Answer(
    StatusCode.NOT_FOUND, "Datapoint {id!r} not found in DeployedIndex {deployed!r}."
)

# Invalid requests.
INVALID_METADATA = Answer(StatusCode.INVALID_ARGUMENT, "Index metadata: {problem}")
INVALID_LABELS = Answer(
    StatusCode.INVALID_ARGUMENT,
    "Label {key!r}: keys and values have at most 64 characters: lowercase letters, digits, underscores and dashes.",
)
TOO_MANY_LABELS = Answer(StatusCode.INVALID_ARGUMENT, "There are {count} labels; a resource has at most 64.")
KMS_KEY = Answer(
    StatusCode.INVALID_ARGUMENT,
    "The key {key!r} is not of the form projects/PROJECT/locations/{location}/keyRings/RING/cryptoKeys/KEY, in the resource's own location.",
)
DISPLAY_NAME = Answer(StatusCode.INVALID_ARGUMENT, "display_name is required and has at most 128 characters.")
INVALID_FILTER = Answer(StatusCode.INVALID_ARGUMENT, "The filter {filter!r} is not supported: {problem}")
INVALID_READ_MASK = Answer(StatusCode.INVALID_ARGUMENT, "The read mask {mask!r} names no field of an {kind}.")
INVALID_PAGE_TOKEN = Answer(StatusCode.INVALID_ARGUMENT, "The page token {token!r} is not from this listing.")
INVALID_UPDATE_MASK = Answer(
    StatusCode.INVALID_ARGUMENT, "The update mask {mask!r} is not supported: {problem}"
)
STALE_ETAG = Answer(StatusCode.ABORTED, "The etag {given!r} is not the current one, {current!r}.")
CONTENT_OR_FIELDS = Answer(
    StatusCode.INVALID_ARGUMENT,
    "One UpdateIndex call changes the content or the other fields, not both; this one names {fields}.",
)
IMMUTABLE_FIELD = Answer(
    StatusCode.INVALID_ARGUMENT, "The {field} of an {kind} cannot change: it is {current!r}, not {given!r}."
)
IMMUTABLE_CONFIG = Answer(
    StatusCode.INVALID_ARGUMENT, "The config of an Index cannot change: {field} is {current}, not {given}."
)
NO_PARTIAL_UPDATE = Answer(
    StatusCode.FAILED_PRECONDITION,
    "A partial batch update is not possible on an Index with STREAM_UPDATE; set isCompleteOverwrite.",
)
ENDPOINT_KIND = Answer(
    StatusCode.INVALID_ARGUMENT,
    "An IndexEndpoint has exactly one of network, private_service_connect_config and public_endpoint_enabled; "
    "this one has {given}.",
)
NETWORK_NAME = Answer(
    StatusCode.INVALID_ARGUMENT,
    "The network {network!r} is not of the form projects/NUMBER/global/networks/NAME with the project's number.",
)
DEPLOYED_INDEX_ID = Answer(
    StatusCode.INVALID_ARGUMENT,
    "The DeployedIndex id {id!r} must begin with a letter, hold letters, digits and underscores only, "
    "and have at most 128 characters.",
)
DEPLOYED_INDEX_EXISTS = Answer(
    StatusCode.ALREADY_EXISTS, "A DeployedIndex with id {id!r} already exists in the project."
)
MACHINE_TYPE = Answer(
    StatusCode.INVALID_ARGUMENT,
    "The machine type {machine!r} does not serve {shard}; accepted: {possible}.",
)
DEPLOYMENT_TIER = Answer(
    StatusCode.INVALID_ARGUMENT,
    "The deployment tier {tier} serves shards of SHARD_SIZE_SO_DYNAMIC on machines of its own choice; given: {given}.",
)
REPLICAS = Answer(
    StatusCode.INVALID_ARGUMENT,
    "min_replica_count must be positive and max_replica_count between it and 1000; they are {low} and {high}.",
)
MUTATE_FIELDS = Answer(
    StatusCode.INVALID_ARGUMENT, "MutateDeployedIndex needs automatic_resources or dedicated_resources."
)
MUTATE_OTHERS = Answer(
    StatusCode.INVALID_ARGUMENT,
    "MutateDeployedIndex changes automatic_resources and dedicated_resources only; this one would change {fields}.",
)
TWO_KINDS_OF_RESOURCES = Answer(
    StatusCode.INVALID_ARGUMENT,
    "DeployedIndex {id!r} has automatic_resources and dedicated_resources; give one of them.",
)
RESOURCES_KIND = Answer(
    StatusCode.INVALID_ARGUMENT, "A DeployedIndex keeps its kind of resources: it has {current}, not {given}."
)

INVALID_PAYLOAD = Answer(StatusCode.INVALID_ARGUMENT, "{problem}", "gemini-cli#13972")
UNKNOWN_PATH = Answer(StatusCode.NOT_FOUND, "Method not found: {verb} {path}.")

# Vector Search 2.0.
COLLECTION_ID = Answer(
    StatusCode.INVALID_ARGUMENT,
    "The {kind} id {id!r} must have 1 to 63 characters and match [a-z](?:[-a-z0-9]{{0,61}}[a-z0-9])?.",
)
COLLECTION_EXISTS = Answer(StatusCode.ALREADY_EXISTS, "{kind} {name} already exists.")
INVALID_SCHEMA = Answer(StatusCode.INVALID_ARGUMENT, "The {schema} is not valid at {field!r}: {problem}.")
INVALID_DATA_OBJECT = Answer(StatusCode.INVALID_ARGUMENT, "DataObject {id!r}: {problem}.")
INVALID_BATCH = Answer(StatusCode.INVALID_ARGUMENT, "The batch is not valid: {problem}.")
INVALID_SEARCH = Answer(StatusCode.INVALID_ARGUMENT, "The search is not valid: {problem}.")
INVALID_COLLECTION_INDEX = Answer(StatusCode.INVALID_ARGUMENT, "The index is not valid: {problem}.")
NO_IMPORT = Answer(StatusCode.INVALID_ARGUMENT, "The import cannot begin: {problem}.")
COLLECTION_IN_USE = Answer(
    StatusCode.FAILED_PRECONDITION,
    "Collection {name} has {indexes} indexes and {objects} data objects; set force to delete them with it.",
)

# States that forbid a change.
NOT_READY = Answer(StatusCode.FAILED_PRECONDITION, "{kind} {name} is not ready: {operation} is not done.")
BUSY = Answer(
    StatusCode.FAILED_PRECONDITION,
    "There are other operations running on {name}. Operation(s) are: {operations}.",
)
INDEX_DEPLOYED = Answer(
    StatusCode.FAILED_PRECONDITION,
    "Index {name} has DeployedIndexes ({deployed}); undeploy them before deleting it.",
)
ENDPOINT_IN_USE = Answer(
    StatusCode.FAILED_PRECONDITION,
    "IndexEndpoint {name} has DeployedIndexes ({deployed}); undeploy them before deleting it.",
)
OPERATION_RUNNING = Answer(StatusCode.FAILED_PRECONDITION, "Operation {name} is not done; cancel it or wait.")
CANCELLED = Answer(StatusCode.CANCELLED, "The operation was cancelled.")
INTERRUPTED = Answer(StatusCode.INTERNAL, "INTERNAL", "generative-ai#457")

# Import files.
NO_FILES = Answer(
    StatusCode.INVALID_ARGUMENT,
    "There are no .json, .csv or .avro files directly under {uri}, nor files directly under its delete/.",
)
NO_BUCKET = Answer(StatusCode.INVALID_ARGUMENT, "The contentsDeltaUri {uri!r} cannot be read: {problem}.")
TOO_MANY_FILES = Answer(
    StatusCode.INVALID_ARGUMENT, "There are {count} files under {uri}; the limit is 5000."
)
DATA_AND_DELETE = Answer(
    StatusCode.INVALID_ARGUMENT, "Ids are both in the data files and under delete/, among them {ids}."
)

# Datapoints and queries.
DIMENSIONS = Answer(
    StatusCode.INVALID_ARGUMENT, "The vector of {what} has {given} dimensions, the Index has {expected}."
)
INVALID_DATAPOINT = Answer(StatusCode.INVALID_ARGUMENT, "Datapoint {id!r}: {problem}")
INVALID_QUERY = Answer(StatusCode.INVALID_ARGUMENT, "Query: {problem}")
NOT_PUBLIC = Answer(
    StatusCode.FAILED_PRECONDITION,
    "IndexEndpoint {name} is not public: query it over the private address of its DeployedIndex.",
)
_EXPECTED = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. See "
    "https://developers.google.com/identity/sign-in/web/devconsole-project."
)
NO_TOKEN = Answer(
    StatusCode.UNAUTHENTICATED,
    f"Request is missing required authentication credential. {_EXPECTED}",
    "generative-ai#454",
)
WRONG_TOKEN = Answer(
    StatusCode.UNAUTHENTICATED,
    f"Request had invalid authentication credentials. {_EXPECTED}",
    "java-aiplatform#1056",
)
UNAUTHENTICATED = Answer(StatusCode.UNAUTHENTICATED, "A JWT is required: {problem}.")
NOT_IMITATED = Answer(StatusCode.UNIMPLEMENTED, "The sandbox does not imitate {what} yet.")

SANDBOX_FAILED = Answer(StatusCode.INTERNAL, "The sandbox itself failed: {problem}")

NO_ADDRESS = Answer(StatusCode.UNAVAILABLE, "{id!r} cannot answer at {address}:{port}: the address is taken.")

# Injected faults (sandbox.faults).
FAULT_UNAVAILABLE = Answer(StatusCode.UNAVAILABLE, "The service is currently unavailable.")
FAULT_RESET = Answer(StatusCode.UNAVAILABLE, "recvmsg:Connection reset by peer")
FAULT_ABORTED = Answer(StatusCode.ABORTED, "The operation was aborted.", "google/rpc/code.proto")
FAULTS: dict[Kind, Answer] = {
    "unavailable": FAULT_UNAVAILABLE,
    "aborted": FAULT_ABORTED,
    "internal": INTERRUPTED,
    "throttled": QUOTA_EXHAUSTED,
    "reset": FAULT_RESET,
}
"""By kind; a stall is answered late instead."""


def answers() -> dict[str, Answer]:
    """All answers by their name here, for COVERAGE.md."""
    return {name: value for name, value in globals().items() if isinstance(value, Answer)}
