"""The refusals of documents: values, ids, versions, and the lines of a bulk request."""

from __future__ import annotations

from sandbox.elastic.errors import Answer

NOT_AN_OBJECT = Answer(
    400,
    "document_parsing_exception",
    "[1:1] object mapping for [{path}] tried to parse field [{name}] as object, but found a concrete value",
    "DocumentParser.java",
)
FIELD_NAME = Answer(400, "illegal_argument_exception", "{problem}", "DotExpandingXContentParser.java")
METADATA_FIELD = Answer(
    400,
    "document_parsing_exception",
    "[1:1] Field [{name}] is a metadata field and cannot be added inside a document. Use the index API request "
    "parameters.",
    "MetadataFieldMapper.java",
)
DUPLICATE_FIELD = Answer(
    400, "x_content_parse_exception", "[1:1] Duplicate field '{name}'", "JsonXContentParser.java"
)
BLANK_NAME = Answer(
    400,
    "document_parsing_exception",
    "[1:1] Field name cannot contain only whitespace: [{path}]",
    "DocumentParser.java",
)
BAD_VALUE = Answer(
    400,
    "document_parsing_exception",
    "[1:1] failed to parse field [{path}] of type [{kind}] in document with id '{id}'. Preview of field's value: '{value}'",
    "FieldMapper.java",
)
STRICT = Answer(
    400,
    "strict_dynamic_mapping_exception",
    "[1:1] mapping set to strict, dynamic introduction of [{name}] within [{parent}] is not allowed",
    "StrictDynamicMappingException.java",
)
SPARSE_NOT_AN_OBJECT = Answer(
    400,
    "document_parsing_exception",
    "[1:1] [sparse_vector] fields must be json objects, expected a START_OBJECT but got: {token}",
    "SparseVectorFieldMapper.java",
)
SPARSE_TOKEN = Answer(
    400,
    "document_parsing_exception",
    "[1:1] [sparse_vector] fields take hashes that map a feature to a strictly positive float, but got unexpected "
    "token {token}",
    "SparseVectorFieldMapper.java",
)
SPARSE_WEIGHT = Answer(
    400,
    "document_parsing_exception",
    "[1:1] failed to parse: featureValue must be a positive normal float, got: {value} for feature {feature} on field "
    "{path} which is less than the minimum positive normal float: 1.17549435E-38",
    "FeatureField.java (Lucene)",
)
SPARSE_DOTS = Answer(
    400,
    "document_parsing_exception",
    "[1:1] failed to parse: [sparse_vector] fields do not support dots in feature names but found [{feature}]",
    "SparseVectorFieldMapper.java before 8.16",
)
SPARSE_SEVERAL = Answer(
    400,
    "document_parsing_exception",
    "[1:1] failed to parse: [sparse_vector] fields do not support indexing multiple values for the same feature [{feature}] in the same "
    "document",
    "SparseVectorFieldMapper.java before 8.15",
)
EMPTY_ID = Answer(
    400, "illegal_argument_exception", "if _id is specified it must not be empty", "IndexRouting.java"
)
LONG_ID = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: id [{id}] is too long, must be no longer than 512 bytes but was: {length};",
    "IndexRequest.java",
)
VERSION_CONFLICT = Answer(
    409, "version_conflict_engine_exception", "[{id}]: version conflict, {problem}", "reindex/10_basic.yml"
)
DOCUMENT_MISSING = Answer(
    404,
    "document_missing_exception",
    "[{id}]: document missing",
    "DocumentMissingException.java",
)
NO_SOURCE = Answer(
    404,
    "resource_not_found_exception",
    "Document not found [{index}]/[{id}]",
    "RestGetSourceAction.java",
)
MGET_FIELD = Answer(
    400,
    "illegal_argument_exception",
    "the sandbox does not support [{field}] in the documents of a multi get request",
)
NO_SCRIPTS = Answer(400, "illegal_argument_exception", "the sandbox does not run scripts")
BULK_ACTION = Answer(
    400,
    "illegal_argument_exception",
    "Malformed action/metadata line [{line}], expected START_OBJECT but found [{found}]",
    "BulkRequestParser.java",
)
BULK_UNKNOWN_ACTION = Answer(
    400,
    "illegal_argument_exception",
    "Malformed action/metadata line [{line}], expected field [create], [delete], [index] or [update] but found [{found}]",
    "BulkRequestParser.java",
)
BULK_PARAMETER = Answer(
    400,
    "illegal_argument_exception",
    "Action/metadata line [{line}] contains an unknown parameter [{found}]",
    "BulkRequestParser.java",
)
BULK_END = Answer(
    400,
    "illegal_argument_exception",
    "The bulk request must be terminated by a newline [\\n]",
    "BulkRequestParser.java",
)
BULK_SOURCE = Answer(
    400,
    "document_parsing_exception",
    "[1:1] failed to parse: {problem}",
    "DocumentParser.java",
)
VECTOR = Answer(
    400,
    "document_parsing_exception",
    "[1:1] failed to parse: {problem} Preview of invalid vector: [{preview}]",
    "DenseVectorFieldMapper.java",
)
NOT_A_VECTOR = Answer(
    400,
    "document_parsing_exception",
    "[1:1] failed to parse: [dense_vector] field [{path}]: {problem}",
)
DIMENSIONS = Answer(
    400,
    "document_parsing_exception",
    "[1:1] failed to parse: The [dense_vector] field [{path}] in doc [document with id '{id}'] has a different number of "
    "dimensions [{found}] than defined in the mapping [{dims}]",
    "DenseVectorFieldMapper.java",
)
DATE_NAME = Answer(
    400,
    "parse_exception",
    "invalid dynamic name expression [{name}]. {problem}",
    "IndexNameExpressionResolver.java",
)
SOURCE_KEY = Answer(
    400, "parsing_exception", "Unknown key for a {token} in [{key}].", "FetchSourceContext.java"
)
OTHER_ENDPOINT = Answer(
    400,
    "document_parsing_exception",
    "[1:1] The configured inference_id [{given}] for field [{field}] doesn't match the inference_id [{there}] reported in the document.",
    "SemanticTextFieldMapper.java",
)
OTHER_MODEL = Answer(
    400,
    "document_parsing_exception",
    "[1:1] Incompatible model settings for field [{path}]. Check that the inference_id is not using different model settings",
    "SemanticTextFieldMapper.java",
)
