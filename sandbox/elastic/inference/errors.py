"""The refusals of inference endpoints."""

from __future__ import annotations

from sandbox.elastic.errors import Answer

NOT_FOUND = Answer(
    404,
    "resource_not_found_exception",
    "Inference endpoint not found [{id}]",
    "ModelRegistry.java",
)
EXISTS = Answer(
    400,
    "resource_already_exists_exception",
    "Inference endpoint [{id}] already exists",
    "ModelRegistry.java",
)
BAD_ID = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: Invalid inference_id; '{id}' can contain lowercase alphanumeric (a-z and 0-9), hyphens or "
    "underscores; must start and end with alphanumeric;",
    "Messages.java",
)
ID_IS_MODEL = Answer(
    400,
    "status_exception",
    "Inference endpoint IDs must be unique. Requested inference endpoint ID [{id}] matches existing trained model ID(s) "
    "but must not.",
    "CreateFromDeploymentIT.java",
)
RESERVED = Answer(
    400,
    "status_exception",
    "[{id}] is a reserved inference endpoint. Use the force=true query parameter to delete the inference endpoint.",
    "TransportDeleteInferenceEndpointActionTests.java",
)
NO_SERVICE = Answer(
    400,
    "status_exception",
    "Model configuration is missing a service",
    "TransportPutInferenceModelAction.java",
)
UNKNOWN_SERVICE = Answer(
    400,
    "status_exception",
    "Unknown service [{service}]",
    "TransportPutInferenceModelAction.java",
)
SERVICE_NOT_IMITATED = Answer(
    400,
    "status_exception",
    "the sandbox imitates the services [elasticsearch], [elser] and [openai] only: [{service}] would call another machine",
)
NOT_LOOPBACK = Answer(
    400,
    "status_exception",
    "the sandbox calls addresses of this machine only, http://127.0.0.1:PORT/v1/embeddings for example, not [{url}]",
)
UNREACHABLE = Answer(
    502,
    "status_exception",
    "the sandbox got no embeddings for the inference entity id [{id}]: {problem}",
)
REMOTE_REFUSED = Answer(
    400,
    "status_exception",
    "Received {kind} status code for request from inference entity id [{id}] status [{status}]. Error message: [{said}]",
    "BaseResponseHandler.java, OpenAiResponseHandlerTests.java",
)
NO_TASK_TYPE = Answer(
    400, "status_exception", "model is missing required setting [task_type]", "ServiceUtils.java"
)
UNKNOWN_TASK_TYPE = Answer(400, "status_exception", "Unknown task_type [{task_type}]", "TaskType.java")
TASK_TYPE_NOT_IMITATED = Answer(
    400, "status_exception", "the sandbox has no model for the task type [{task_type}]"
)
SERVICE_WITHOUT_TASK = Answer(
    400,
    "status_exception",
    "The [{service}] service does not support task type [{task_type}]",
    "TaskType.java",
)
OTHER_TASK_TYPE = Answer(
    400,
    "status_exception",
    "Requested task type [{asked}] does not match the inference endpoint's task type [{there}]",
    "InferenceExceptions.java",
)
MODEL_OF_OTHER_TASK = Answer(
    400,
    "status_exception",
    "the model [{model}] answers [{there}], not [{asked}]",
)
UNKNOWN_SETTINGS = Answer(
    400,
    "status_exception",
    "Configuration contains settings [{{{shown}}}] unknown to the [{service}] service",
    "ServiceUtils.java",
)
INVALID = Answer(400, "validation_exception", "Validation Failed: 1: {problem};", "ServiceUtils.java")
NO_INPUT = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: Field [input] cannot be null;",
    "InferenceAction.java",
)
INPUT_TYPE = Answer(
    400,
    "x_content_parse_exception",
    "[1:1] [cluster:internal/xpack/inference] failed to parse field [input_type]",
    "InferenceAction.java",
)
NO_INPUT_TYPE = Answer(
    400,
    "illegal_argument_exception",
    "No enum constant org.elasticsearch.inference.InputType.{input_type}",
    "InputTypeTests.java",
)
EMPTY_INPUT = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: Field [input] cannot be an empty array;",
    "InferenceAction.java",
)
NO_QUERY = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: Field [query] cannot be {what} for task type [rerank];",
    "InferenceAction.java",
)
NOT_READ = Answer(
    400,
    "x_content_parse_exception",
    "[1:1] [cluster:monitor/xpack/inference] failed to parse field [{field}]",
    "ObjectParser.java",
)
NOT_FOR_TASK = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: Field [{field}] cannot be specified for task type [{task_type}];",
    "InferenceAction.java",
)
IN_USE = Answer(
    409,
    "status_exception",
    "{problem}",
    "TransportDeleteInferenceEndpointAction.java",
)
USED_BY_PIPELINES = (
    "Inference endpoint {id} is referenced by pipelines: [{names}]. Ensure that no pipelines are using this inference endpoint, or "
    "use force to ignore this warning and delete the inference endpoint."
)
USED_BY_INDICES = (
    " Inference endpoint {id} is being used in the mapping for indexes: [{names}]. Ensure that no index mappings are using this "
    "inference endpoint, or use force to ignore this warning and delete the inference endpoint."
)
UPDATE_NOTHING = Answer(
    400,
    "status_exception",
    "Request body is empty. Only [num_allocations] and [adaptive_allocations] of [service_settings] can be updated.",
)
NO_STREAM = Answer(
    400, "status_exception", "the sandbox does not stream: it has no model for chats and completions"
)
ID_NOT_FOUND = Answer(
    404,
    "resource_not_found_exception",
    "Inference id [{id}] not found for field [{field}]",
    "inference/30_semantic_text_inference.yml",
)
INFERENCE_FAILED = Answer(
    500,
    "inference_exception",
    "Exception when running inference id [{id}] on field [{field}]",
    "ShardBulkInferenceActionFilter.java",
)
BAD_VALUE = Answer(
    400,
    "status_exception",
    "Invalid format for field [{field}], expected [String|Number|Boolean] got [{kind}]",
    "SemanticTextUtils.java",
)
TEXT_MISSING = Answer(
    400,
    "status_exception",
    "Field [{source}] must be specified on an update request to calculate inference for field [{field}]",
    "ShardBulkInferenceActionFilter.java",
)
NEWER_EMBEDDINGS = Answer(
    400,
    "status_exception",
    "the sandbox does not imitate [_inference_fields] in a document for an index with the legacy format of semantic_text",
)
