"""The refusals of ingest pipelines and their processors."""

from __future__ import annotations

from sandbox.elastic.errors import Answer

NO_SUCH_PIPELINE = Answer(
    400,
    "illegal_argument_exception",
    "pipeline with id [{pipeline}] does not exist",
    "ingest/90_simulate.yml",
)
PIPELINE_MISSING = Answer(
    404, "resource_not_found_exception", "pipeline [{pipeline}] is missing", "ingest/20_crud.yml"
)
PIPELINE_IN_USE = Answer(
    400,
    "illegal_argument_exception",
    "pipeline [{pipeline}] cannot be deleted because it is the {role} pipeline for {count} index(es) including "
    "[{indices}]",
    "IngestService.java",
)
SIMULATE_NOTHING = Answer(
    400,
    "illegal_argument_exception",
    "must specify at least one document in [docs]",
    "SimulatePipelineRequest.java",
)
EMPTY_ON_FAILURE = Answer(
    400,
    "parse_exception",
    "pipeline [{pipeline}] cannot have an empty on_failure option defined",
    "Pipeline.java",
)
REQUIRED_PROPERTY = Answer(
    400, "parse_exception", "[{property}] required property is missing", "ConfigurationUtils.java"
)
WRONG_PROPERTY = Answer(400, "parse_exception", "[{property}] {problem}", "ConfigurationUtils.java")
NO_SUCH_PROCESSOR = Answer(
    400, "parse_exception", "No processor type exists with name [{type}]", "ConfigurationUtils.java"
)
UNKNOWN_PROPERTIES = Answer(
    400,
    "parse_exception",
    "processor [{type}] doesn't support one or more provided configuration parameters {properties}",
    "ConfigurationUtils.java",
)
UNKNOWN_PIPELINE_PROPERTIES = Answer(
    400,
    "parse_exception",
    "pipeline [{pipeline}] doesn't support one or more provided configuration parameters {properties}",
    "Pipeline.java",
)
NO_CONDITIONS = Answer(
    400, "parse_exception", "[if] the sandbox does not run painless, so conditions are not supported"
)
FIELD_MISSING = Answer(
    400,
    "illegal_argument_exception",
    "field [{name}] not present as part of path [{path}]",
    "IngestDocument.java",
)
FIELD_NOT_STRING = Answer(
    400,
    "illegal_argument_exception",
    "field [{path}] of type [{type}] cannot be cast to [java.lang.String]",
    "IngestDocument.java",
)
FIELD_NO_PARENT = Answer(
    400,
    "illegal_argument_exception",
    "cannot set [{name}] with parent object of type [{type}] as part of path [{path}]",
    "IngestDocument.java",
)
PATH_INVALID = Answer(400, "illegal_argument_exception", "path [{path}] is not valid", "IngestDocument.java")
NOT_AN_INDEX = Answer(
    400,
    "illegal_argument_exception",
    "[{name}] is not an integer, cannot be used as an index as part of path [{path}]",
    "IngestDocument.java",
)
OUT_OF_BOUNDS = Answer(
    400,
    "illegal_argument_exception",
    "[{name}] is out of bounds for array with length [{length}] as part of path [{path}]",
    "IngestDocument.java",
)
FROM_NULL = Answer(
    400,
    "illegal_argument_exception",
    "cannot resolve [{name}] from null as part of path [{path}]",
    "IngestDocument.java",
)
FROM_SCALAR = Answer(
    400,
    "illegal_argument_exception",
    "cannot resolve [{name}] from object of type [{type}] as part of path [{path}]",
    "IngestDocument.java",
)
FIELD_NULL = Answer(
    400,
    "illegal_argument_exception",
    "field [{path}] is null, cannot process it.",
    "AbstractStringProcessor.java",
)
NO_DATE = Answer(400, "illegal_argument_exception", "unable to parse date [{value}]", "DateProcessor.java")
SPLIT_NULL = Answer(
    400,
    "illegal_argument_exception",
    "field [{path}] is null, cannot split.",
    "SplitProcessor.java",
)
FOREACH_NULL = Answer(
    400,
    "illegal_argument_exception",
    "field [{path}] is null, cannot loop over its elements.",
    "ForEachProcessor.java",
)
FOREACH_NOT_A_LIST = Answer(
    400,
    "illegal_argument_exception",
    "field [{path}] of type [{type}] cannot be cast to a list or map",
    "ForEachProcessor.java",
)
RENAME_MISSING = Answer(
    400, "illegal_argument_exception", "field [{path}] doesn't exist", "RenameProcessor.java"
)
RENAME_EXISTS = Answer(
    400, "illegal_argument_exception", "field [{path}] already exists", "RenameProcessor.java"
)
FAIL_PROCESSOR = Answer(500, "fail_processor_exception", "{message}", "FailProcessorException.java")
NO_SUCH_INNER_PIPELINE = Answer(
    400,
    "illegal_state_exception",
    "Pipeline processor configured for non-existent pipeline [{pipeline}]",
    "PipelineProcessor.java",
)
PIPELINE_CYCLE = Answer(
    400, "illegal_state_exception", "Cycle detected for pipeline: {pipeline}", "IngestDocument.java"
)
