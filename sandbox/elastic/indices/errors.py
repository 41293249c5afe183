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
    "MetadataCreateIndexService.java, from memory",
)
NAME_IS_ALIAS = Answer(
    400,
    "invalid_index_name_exception",
    "Invalid index name [{index}], already exists as alias",
    "MetadataCreateIndexService.java, from memory",
)
ALIAS_FOR_INDEX = Answer(
    400,
    "illegal_argument_exception",
    "The provided expression [{alias}] matches an alias, specify the corresponding concrete indices instead.",
    "TransportDeleteIndexAction.java, from memory",
)
DESTRUCTIVE = Answer(
    400,
    "illegal_argument_exception",
    "Wildcard expressions or all indices are not allowed",
    "DestructiveOperations.java, from memory",
)
SEVERAL_INDICES = Answer(
    400,
    "illegal_argument_exception",
    "alias [{alias}] has more than one index associated with it [{indices}], can't execute a single index op",
    "IndexNameExpressionResolver.java, from memory",
)
NO_WRITE_INDEX = Answer(
    400,
    "illegal_argument_exception",
    "no write index is defined for alias [{alias}]. The write index may be explicitly disabled using "
    "is_write_index=false or the alias points to multiple indices without one being designated as a write index",
    "IndexNameExpressionResolver.java, from memory",
)
NOT_AN_ALIAS = Answer(
    404,
    "index_not_found_exception",
    "no such index [{index}] and [require_alias] request flag is [true] and [{index}] is not an alias",
    "TransportBulkAction.java, from memory",
)
WRITE_INDEX_TWICE = Answer(
    400,
    "illegal_state_exception",
    "alias [{alias}] has more than one write index [{indices}]",
    "AliasMetadata.java, from memory",
)
NO_ALIAS = Answer(
    404,
    "aliases_not_found_exception",
    "aliases [{alias}] missing",
    "AliasesNotFoundException.java, from memory",
)
ALIAS_IS_INDEX = Answer(
    400,
    "invalid_alias_name_exception",
    "Invalid alias name [{alias}]: an index or data stream exists with the same name as the alias",
    "AliasValidator.java, from memory",
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
    "AbstractScopedSettings.java, from memory",
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
    "MetadataCreateIndexService.java, from memory",
)
SETTING_NO_RANGE = Answer(
    400,
    "illegal_argument_exception",
    "failed to parse [index.auto_expand_replicas] from value: [{value}]",
    "AutoExpandReplicas.java, from memory",
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
    "Setting.java, from memory",
)
SETTING_TOO_SMALL = Answer(
    400,
    "illegal_argument_exception",
    "Failed to parse value [{value}] for setting [index.{name}] must be >= {least}",
    "Setting.java, from memory",
)
SETTING_NOT_DYNAMIC = Answer(
    400,
    "illegal_argument_exception",
    "Can't update non dynamic settings [[{names}]] for open indices [[{index}]]",
    "MetadataUpdateSettingsService.java, from memory",
)
MAPPING = Answer(400, "mapper_parsing_exception", "Failed to parse mapping: {problem}")
UNSUPPORTED_ROOT = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: Root mapping definition has unsupported parameters:  [{shown}]",
    "MappingParser.java, from memory",
)
NO_TYPE = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: No type specified for field [{name}]",
    "ObjectMapper.java, from memory",
)
NO_HANDLER = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: No handler for type [{kind}] declared on field [{name}]",
    "ObjectMapper.java, from memory",
)
UNKNOWN_PARAMETER = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: unknown parameter [{parameter}] on mapper [{name}] of type [{kind}]",
    "FieldMapper.java, from memory",
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
    "KeywordFieldMapper.java, from memory",
)
TYPE_CONFLICT = Answer(
    400,
    "illegal_argument_exception",
    "mapper [{path}] cannot be changed from type [{old}] to [{new}]",
    "FieldMapper.java, from memory",
)
OBJECT_CONFLICT = Answer(
    400,
    "illegal_argument_exception",
    "can't merge a {first} mapping [{path}] with a {second} mapping",
    "ObjectMapper.java, from memory",
)
PARAMETER_CONFLICT = Answer(
    400,
    "illegal_argument_exception",
    "Mapper for [{path}] conflicts with existing mapper:\n\tCannot update parameter [{parameter}] from [{old}] to [{new}]",
    "FieldMapper.java, from memory",
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
