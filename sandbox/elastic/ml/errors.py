"""The refusals of machine learning."""

from __future__ import annotations

from sandbox.elastic.errors import Answer

# The licence.
NO_LICENCE = Answer(
    403, "security_exception", "current license is non-compliant for [ml]", "LicenseUtils.java"
)

# Models.
NO_SUCH_MODEL = Answer(
    404,
    "resource_not_found_exception",
    "No known trained model with model_id [{model}]",
    "kibana#208189",
)
MODEL_EXISTS = Answer(
    400,
    "resource_already_exists_exception",
    "Trained machine learning model [{model}] already exists",
    "rally-tracks: elser-ingest-speedtest",
)
MODEL_ID_IS_DEPLOYMENT = Answer(
    400,
    "status_exception",
    "Cannot create model [{model}] the id is the same as an current model deployment",
    "ml/3rd_party_deployment.yml",
)
BAD_MODEL_ID = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: Invalid model_id; '{model}' can contain lowercase alphanumeric (a-z and 0-9), hyphens or "
    "underscores; must start and end with alphanumeric;",
    "Messages.java",
)
RESERVED_MODEL_ID = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: [model_id] must not start with a '.' unless it is a packaged model;",
)
NO_MODEL_CONTENT = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: either [definition] or [location] must be set when the model type is not [pytorch];",
)
ONLY_PYTORCH = Answer(400, "illegal_argument_exception", "the sandbox stores models of type [pytorch] only")
NOT_FOR_PACKAGED = Answer(
    400, "status_exception", "the definition of the packaged model [{model}] comes from its download"
)
NOT_BASE64 = Answer(400, "parse_exception", "[definition] is not base64: {problem}")
BAD_PART = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: [part] must be less than total_parts;",
    "PutTrainedModelDefinitionPartAction.java",
)
BAD_UPLOAD = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: {problem};",
    "PutTrainedModelDefinitionPartAction.java, PutTrainedModelVocabularyAction.java",
)
VOCABULARY_PART_MISSING = Answer(
    400,
    "status_exception",
    "cannot put vocabulary for model [{model}] as tokenizer type [{tokenizer}] requires [{part}] to be provided and non-empty",
    "TransportPutTrainedModelVocabularyAction.java",
)
STATUS_OF_SEVERAL = Answer(
    400,
    "status_exception",
    "Getting the model download status is not supported when getting more than one model",
    "TransportGetTrainedModelsAction.java",
)
STATUS_OF_NO_PYTORCH = Answer(
    400,
    "status_exception",
    "Definition status is only relevant to PyTorch model types",
    "TransportGetTrainedModelsAction.java",
)
MODEL_REQUIRED = Answer(
    400,
    "status_exception",
    "Unable to delete model [{model}] as it is required by machine learning",
    "Messages.java",
)
MODEL_IN_PIPELINE = Answer(
    409,
    "status_exception",
    "Cannot delete model [{model}] as it is still referenced by ingest processors; use force to delete the model",
    "TransportDeleteTrainedModelAction.java",
)
MODEL_ALIAS_IN_PIPELINE = Answer(
    409,
    "status_exception",
    "Cannot delete model [{model}] as it has a model_alias [{alias}] that is still referenced by ingest processors; "
    "use force to delete the model",
    "TransportDeleteTrainedModelAction.java",
)
MODEL_DEPLOYED = Answer(
    409,
    "status_exception",
    "Cannot delete model [{model}] as it is currently deployed; use force to delete the model",
    "TransportDeleteTrainedModelAction.java",
)

# Model aliases.
BAD_ALIAS = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: Invalid model_alias; '{alias}' can contain lowercase alphanumeric (a-z and 0-9), hyphens or "
    "underscores; must start with alphanumeric and cannot end with numbers;",
)
ALIAS_IS_MODEL = Answer(
    400, "status_exception", "model_alias [{alias}] is the same as the id of an existing trained model"
)
ALIAS_TAKEN = Answer(
    400,
    "status_exception",
    "cannot assign model_alias [{alias}] to model_id [{model}] as model_alias already refers to [{other}]. Set parameter "
    "[reassign] to [true] if model_alias should be reassigned.",
    "TransportPutTrainedModelAliasAction.java",
)
ALIAS_NOT_DEPLOYED = Answer(
    400,
    "status_exception",
    "cannot reassign model_alias [{alias}] to model [{model}] from model [{other}] as it is not yet deployed",
)
NO_SUCH_ALIAS = Answer(
    404,
    "status_exception",
    "model_alias [{alias}] could not be found",
    "TransportDeleteTrainedModelAliasAction.java",
)
ALIAS_OF_ANOTHER = Answer(
    404, "resource_not_found_exception", "model_alias [{alias}] does not refer to provided model_id [{model}]"
)
ALIAS_IN_PIPELINE = Answer(
    409,
    "status_exception",
    "Cannot delete model_alias [{alias}] as it is still referenced by ingest processors",
)

# Deployments.
DOWNLOAD_RUNNING = Answer(
    408,
    "status_exception",
    "Model download task is currently running. Wait for trained model [{model}] download task to complete then try "
    "again",
    "ml/3rd_party_deployment.yml",
)
DEFINITION_TRUNCATED = Answer(
    400,
    "status_exception",
    "Model definition truncated. Unable to deserialize trained model definition [{model}]",
    "Messages.java",
)
NOT_DEPLOYABLE = Answer(
    400,
    "status_exception",
    "model [{model}] of type [{kind}] cannot be deployed. Only PyTorch models can be deployed",
    "TransportStartTrainedModelDeploymentAction.java",
)
NO_DEFINITION = Answer(
    404,
    "resource_not_found_exception",
    "Could not find trained model definition [{model}]",
    "ml/3rd_party_deployment.yml",
)
TASK_CANNOT_RUN = Answer(
    400, "status_exception", "the sandbox cannot run the model [{model}] of task [{task}]; it runs: {tasks}"
)
NO_EMBEDDINGS = Answer(
    400,
    "status_exception",
    "the model [{model}] compares texts with a query and embeds nothing: the sandbox asks it through an inference endpoint of "
    "the task type [rerank] only",
)
NO_RELEVANCE = Answer(
    400, "status_exception", "the model [{model}] embeds texts and does not compare them with a query"
)
VECTORS_CANNOT_BE = Answer(
    400,
    "status_exception",
    "the sandbox cannot run the model [{model}] with [embedding_size] {size}; its vectors have {dimensions} dimensions",
)
NO_VOCABULARY = Answer(
    404, "resource_not_found_exception", "Could not find vocabulary document [{model}_vocabulary]"
)
DEPLOYMENT_EXISTS = Answer(
    400,
    "status_exception",
    "Could not start model deployment because an existing deployment with the same id [{deployment}] exist",
    "elasticsearch#109407",
)
DEPLOYMENT_ID_IS_MODEL = Answer(
    400,
    "status_exception",
    "Deployment id [{deployment}] is the same as an another model which is not the model being deployed. Deployment id "
    "can be the same as the model being deployed but cannot match a different model",
    "ml/3rd_party_deployment.yml",
)
TOO_MANY_DEPLOYMENTS = Answer(
    429,
    "status_exception",
    "Could not start model deployment because existing deployments reached the limit of [{limit}]",
)
NO_CAPACITY = Answer(
    429,
    "status_exception",
    "Could not start deployment because no ML nodes with sufficient capacity were found",
    "TransportStartTrainedModelDeploymentAction.java",
)
NO_CAPACITY_CAUSE = Answer(
    429,
    "illegal_state_exception",
    "Could not start deployment because no suitable nodes were found, allocation explanation [Optional[{reason}]]",
    "TransportStartTrainedModelDeploymentAction.java",
)
PARTLY_PLACED = Answer(
    429,
    "status_exception",
    "Could not start deployment because there are not enough resources to provide all requested allocations",
    "TransportStartTrainedModelDeploymentAction.java",
)
START_TIMED_OUT = Answer(
    408,
    "status_exception",
    "Timed out after [{timeout}] waiting for trained model deployment [{deployment}] to start. Use the trained model "
    "stats API to track the state of the deployment and try again once it has started.",
    "TransportStartTrainedModelDeploymentAction.java",
)
NODE_FAILED = Answer(
    500,
    "status_exception",
    "Could not start trained model deployment, the following nodes failed with errors [{{{node}={problem}}}]",
    "TransportStartTrainedModelDeploymentAction.java",
)
REMOVED_WHILE_WAITING = Answer(
    400,
    "status_exception",
    "Error waiting for the model deployment to start. The trained model assignment was removed while waiting",
    "TransportStartTrainedModelDeploymentAction.java",
)
NO_SUCH_DEPLOYMENT = Answer(
    404,
    "resource_not_found_exception",
    "No known model deployment with id [{deployment}]",
    "ml/3rd_party_deployment.yml",
)
DEPLOYMENT_IN_PIPELINE = Answer(
    409,
    "status_exception",
    "Cannot stop deployment [{deployment}] as it is referenced by ingest processors; use force to stop the deployment",
    "TransportStopTrainedModelDeploymentAction.java",
)
DEPLOYMENT_ALIAS_IN_PIPELINE = Answer(
    409,
    "status_exception",
    "Cannot stop deployment [{deployment}] as it has a model_alias [{alias}] that is still referenced by ingest "
    "processors; use force to stop the deployment",
    "TransportStopTrainedModelDeploymentAction.java",
)
UPDATE_NOT_STARTED = Answer(
    409,
    "status_exception",
    "cannot update deployment that is not in [started] state",
    "TrainedModelAssignmentClusterService.java",
)
UPDATE_NO_CAPACITY = Answer(
    429,
    "status_exception",
    "Could not update deployment because there are not enough resources to provide all requested allocations",
    "TrainedModelAssignmentClusterService.java",
)
UNKNOWN_WAIT_FOR = Answer(
    400,
    "illegal_argument_exception",
    "[wait_for] must be one of [starting, started, fully_allocated], not [{value}]",
)

# Inference.
INFER_UNKNOWN = Answer(
    404, "resource_not_found_exception", "Could not find trained model [{id}]", "Messages.java"
)
INFER_NOT_DEPLOYED = Answer(
    409,
    "status_exception",
    "Model [{id}] must be deployed to use. Please deploy with the start trained model deployment API.",
    "Messages.java",
)
INFER_NO_NODE = Answer(
    409,
    "status_exception",
    "Trained model deployment [{deployment}] is not allocated to any nodes",
    "TransportInternalInferModelAction.java",
)
INFER_TIMED_OUT = Answer(
    408, "status_exception", "timeout [{timeout}] waiting for inference result", "elasticsearch#94490"
)
QUEUE_FULL = Answer(
    429,
    "es_rejected_execution_exception",
    "inference process queue is full. Unable to execute command",
    "PriorityProcessWorkerExecutorService.java",
)
SHUT_DOWN = Answer(
    429,
    "es_rejected_execution_exception",
    "inference process worker service has shutdown",
    "AbstractProcessWorkerExecutorService.java",
)
PROCESS_FAILED = Answer(
    500, "status_exception", "Error in inference process: [{problem}]", "AbstractPyTorchAction.java"
)
INPUT_MISSING = Answer(
    400, "status_exception", "no value could be found for input field [{field}]", "NlpTask.java"
)
INPUT_NOT_STRING = Answer(
    400, "status_exception", "input value [{value}] for field [{field}] is not a string", "NlpTask.java"
)
NO_INFERENCE_CONFIG = Answer(
    400,
    "illegal_argument_exception",
    "the sandbox does not support [inference_config] in an inference request",
)
NO_DOCS = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: at least 1 document is required;",
)
