"""The refusals of indices, aliases, mappings and settings."""

from __future__ import annotations

from sandbox.elastic.errors import Answer

NO_INDEX = Answer(404, "index_not_found_exception", "no such index [{index}]", "IndexNotFoundException.java")
INDEX_EXISTS = Answer(
    400,
    "resource_already_exists_exception",
    "index [{index}/{uuid}] already exists",
    "ResourceAlreadyExistsException.java",
)
INDEX_NAME = Answer(
    400,
    "invalid_index_name_exception",
    "Invalid index name [{index}], {problem}",
    "MetadataCreateIndexService.java",
)
NAME_IS_ALIAS = Answer(
    400,
    "invalid_index_name_exception",
    "Invalid index name [{index}], already exists as alias",
    "MetadataCreateIndexService.java",
)
ALIAS_FOR_INDEX = Answer(
    400,
    "illegal_argument_exception",
    "The provided expression [{alias}] matches an alias, specify the corresponding concrete indices instead.",
    "TransportDeleteIndexAction.java",
)
DESTRUCTIVE = Answer(
    400,
    "illegal_argument_exception",
    "Wildcard expressions or all indices are not allowed",
    "DestructiveOperations.java",
)
SEVERAL_INDICES = Answer(
    400,
    "illegal_argument_exception",
    "alias [{alias}] has more than one index associated with it [{indices}], can't execute a single index op",
    "IndexNameExpressionResolver.java",
)
NO_WRITE_INDEX = Answer(
    400,
    "illegal_argument_exception",
    "no write index is defined for alias [{alias}]. The write index may be explicitly disabled using "
    "is_write_index=false or the alias points to multiple indices without one being designated as a write index",
    "IndexNameExpressionResolver.java",
)
NOT_AN_ALIAS = Answer(
    404,
    "index_not_found_exception",
    "no such index [{index}] and [require_alias] request flag is [true] and [{index}] is not an alias",
    "TransportBulkAction.java",
)
WRITE_INDEX_TWICE = Answer(
    500,
    "illegal_state_exception",
    "alias [{alias}] has more than one write index [{indices}]",
    "IndexAbstraction.java",
)
NO_ALIAS = Answer(
    404,
    "aliases_not_found_exception",
    "aliases [{alias}] missing",
    "AliasesNotFoundException.java",
)
ALIAS_IS_INDEX = Answer(
    400,
    "invalid_alias_name_exception",
    "Invalid alias name [{alias}]: an index or data stream exists with the same name as the alias",
    "AliasValidator.java",
)
BLOCKED = Answer(
    403, "cluster_block_exception", "{problem}", "IndexMetadata.java, ClusterBlockException.java"
)
BLOCKED_FOR_NOW = Answer(
    429, "cluster_block_exception", "{problem}", "IndexMetadata.java, ClusterBlockException.java"
)
UNKNOWN_SETTING = Answer(
    400,
    "illegal_argument_exception",
    "unknown setting [index.{name}] please check that any required plugins are installed, or check the breaking "
    "changes documentation for removed settings",
    "AbstractScopedSettings.java",
)
SETTING_NOT_IMITATED = Answer(
    400,
    "illegal_argument_exception",
    "the sandbox does not support the setting [index.{name}] with value [{value}]",
)
SOFT_DELETES = Answer(
    400,
    "illegal_argument_exception",
    "Creating indices with soft-deletes disabled is no longer supported. Please do not specify a value for setting "
    "[index.soft_deletes.enabled].",
    "MetadataCreateIndexService.java",
)
SETTING_NO_RANGE = Answer(
    400,
    "illegal_argument_exception",
    "failed to parse [index.auto_expand_replicas] from value: [{value}] at index {place}",
    "AutoExpandReplicas.java",
)
SETTING_NO_BOOLEAN = Answer(
    400,
    "illegal_argument_exception",
    "Failed to parse value [{value}] as only [true] or [false] are allowed.",
    "Booleans.java",
)
SETTING_NO_NUMBER = Answer(
    400,
    "illegal_argument_exception",
    "Failed to parse value [{value}] for setting [index.{name}]",
    "Setting.java",
)
SETTING_TOO_SMALL = Answer(
    400,
    "illegal_argument_exception",
    "Failed to parse value [{value}] for setting [index.{name}] must be >= {least}",
    "Setting.java",
)
SETTING_NOT_DYNAMIC = Answer(
    400,
    "illegal_argument_exception",
    "Can't update non dynamic settings [[{names}]] for open indices [[{index}]]",
    "MetadataUpdateSettingsService.java",
)
SETTING_INTERNAL = Answer(
    400,
    "illegal_argument_exception",
    "can not update internal setting [index.{name}]; this setting is managed via a dedicated API",
    "AbstractScopedSettings.java",
)
LEGACY_FORBIDDEN = Answer(
    400,
    "illegal_argument_exception",
    "[index.{name}] must not be true: an index of this version cannot have semantic_text in the legacy format",
    "that it is refused: elasticsearch pull request 146211; the words: the sandbox",
)
MAPPING = Answer(400, "mapper_parsing_exception", "Failed to parse mapping: {problem}")
COPY_FROM_MULTI_FIELD = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: copy_to in multi fields is not allowed. Found the copy_to in field [{below}] which is within a "
    "multi field.",
    "TypeParsers.java",
)
NO_SIMILARITY = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: Unknown Similarity type [{name}] for field [{path}]",
    "TypeParsers.java",
)
UNSUPPORTED_ROOT = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: Root mapping definition has unsupported parameters:  [{shown}]",
    "MappingParser.java",
)
NO_TYPE = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: No type specified for field [{name}]",
    "ObjectMapper.java",
)
NESTED_CONFLICT = Answer(
    400,
    "illegal_argument_exception",
    "can't merge a non-nested mapping [{path}] with a nested mapping",
    "NestedObjectMapper.java",
)
NO_HANDLER = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: The mapper type [{kind}] declared on field [{name}] does not exist. It might have been created "
    "within a future version or requires a plugin to be installed. Check the documentation.",
    "ObjectMapper.java",
)
UNKNOWN_PARAMETER = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: unknown parameter [{parameter}] on mapper [{name}] of type [{kind}]",
    "FieldMapper.java",
)
MULTI_FIELD_NAME = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: Field name [{below}] which is a multi field of [{name}] cannot contain '.'",
    "TypeParsers.java",
)
NO_ANALYZER = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: analyzer [{analyzer}] has not been configured in mappings",
    "FieldMapper.java",
)
NO_NORMALIZER = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: normalizer [{normalizer}] not found for field [{name}]",
    "KeywordFieldMapper.java",
)
TYPE_CONFLICT = Answer(
    400,
    "illegal_argument_exception",
    "mapper [{path}] cannot be changed from type [{old}] to [{new}]",
    "FieldMapper.java",
)
OBJECT_CONFLICT = Answer(
    400,
    "illegal_argument_exception",
    "can't merge a non object mapping [{path}] with an object mapping",
    "ObjectMapper.java",
)
PARAMETER_CONFLICT = Answer(
    400,
    "illegal_argument_exception",
    "Mapper for [{path}] conflicts with existing mapper:\n\tCannot update parameter [{parameter}] from [{old}] to [{new}]",
    "FieldMapper.java",
)
UNKNOWN_METRIC = Answer(
    400,
    "illegal_argument_exception",
    "request [{path}] contains unrecognized metric: [{metric}]",
    "RestIndicesStatsAction.java",
)
METRIC_NOT_IMITATED = Answer(
    400, "illegal_argument_exception", "the sandbox does not count [{metric}] in its statistics"
)
FIELD_LIMIT = Answer(
    400,
    "illegal_argument_exception",
    "Limit of total fields [{limit}] has been exceeded while adding new fields [{added}]",
    "Elastic docs: semantic search with ELSER",
)
NO_TEMPLATE = Answer(
    404,
    "resource_not_found_exception",
    "{kind} matching [{name}] not found",
    "TransportGetComposableIndexTemplateAction.java",
)
TEMPLATE_INVALID = Answer(
    400,
    "invalid_index_template_exception",
    "index_template [{name}] invalid, cause [{problem}]",
    "InvalidIndexTemplateException.java",
)
TEMPLATE_COLLIDES = Answer(
    400,
    "illegal_argument_exception",
    "index template [{name}] has index patterns [{patterns}] matching patterns from existing templates [{other}] with patterns "
    "({other} => [{others}]) that have the same priority [{priority}], multiple index templates may not match during index "
    "creation, please use a different priority",
    "MetadataIndexTemplateService.java",
)
COMPONENT_IN_USE = Answer(
    400,
    "illegal_argument_exception",
    "component templates [{names}] cannot be removed as they are still in use by index templates [{users}]",
    "MetadataIndexTemplateService.java",
)
DATA_STREAM_ONLY = Answer(
    400,
    "illegal_argument_exception",
    "cannot create index with name [{name}], because it matches with template [{template}] that creates data streams only, use "
    "create data stream api instead",
    "AutoCreateAction.java",
)
NO_STREAM_TEMPLATE = Answer(
    400,
    "illegal_argument_exception",
    "no matching index template found for data stream [{name}]",
    "MetadataCreateDataStreamService.java",
)
NO_DATA_STREAM_IN_TEMPLATE = Answer(
    400,
    "illegal_argument_exception",
    "matching index template [{template}] for data stream [{name}] has no data stream template",
    "MetadataCreateDataStreamService.java",
)
STREAM_EXISTS = Answer(
    400,
    "resource_already_exists_exception",
    "data_stream [{name}] already exists",
    "MetadataCreateDataStreamService.java",
)
STREAM_FOR_INDEX = Answer(
    400,
    "illegal_argument_exception",
    "The provided expression [{name}] matches a data stream, specify the corresponding concrete indices instead.",
    "IndexNameExpressionResolver.java",
)
STREAM_WRITE_INDEX = Answer(
    400,
    "illegal_argument_exception",
    "index [{index}] is the write index for data stream [{name}] and cannot be deleted",
    "MetadataDeleteIndexService.java",
)
STREAM_CREATES_ONLY = Answer(
    400,
    "illegal_argument_exception",
    "only write ops with an op_type of create are allowed in data streams",
    "TransportBulkAction.java",
)
STREAM_NO_TIMESTAMP = Answer(
    400,
    "document_parsing_exception",
    "[1:1] failed to parse: data stream timestamp field [@timestamp] is missing",
    "DataStreamTimestampFieldMapper.java",
)
ROLLOVER_TARGET = Answer(
    400,
    "illegal_argument_exception",
    "rollover target is a [{kind}] but one of [alias,data_stream] was expected",
    "MetadataRolloverService.java",
)
BAD_FILTER = Answer(
    400,
    "illegal_argument_exception",
    "failed to parse filter for alias [{alias}]",
    "AliasValidator.java",
)
FILTERS_DIFFER = Answer(
    400,
    "illegal_argument_exception",
    "the sandbox does not support a search of indices with different filters of their aliases, as [{expression}] is",
)
NO_FILTER_HERE = Answer(
    400, "illegal_argument_exception", "the sandbox does not support a filtered alias in [{api}]"
)
