"""Every refusal of the core in one place (others stand in errors_*.py), with the origin of its text.

A text without a `source` is our own wording; "from memory" names where the real one stands without our having read it
there. COVERAGE.md lists both. Clients must branch on status and type, never on such a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Refusal(Exception):
    """What Elasticsearch refuses: a status, a type, a reason, and facts that stand beside them."""

    def __init__(
        self,
        status: int,
        kind: str,
        reason: str,
        metadata: Mapping[str, Any] | None = None,
        cause: Refusal | None = None,
        root: Refusal | None = None,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.kind = kind
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.cause = cause
        self.root = root
        """What `root_cause` shows where it is not this refusal itself."""

    def item(self) -> dict[str, Any]:
        """The error of one item of a bulk request or of one failed document: without `root_cause`."""
        shown: dict[str, Any] = {"type": self.kind, "reason": self.reason, **self.metadata}
        if self.cause:
            shown["caused_by"] = self.cause.item()
        return shown

    def body(self, trace: bool = False) -> dict[str, Any]:
        """The envelope of a whole refused request."""
        root = self.root or self
        shown = {"root_cause": [{"type": root.kind, "reason": root.reason, **root.metadata}], **self.item()}
        if trace:
            shown["stack_trace"] = f"{self.kind}: {self.reason}\n\tat the sandbox"
        return {"error": shown, "status": self.status}


@dataclass(frozen=True)
class Answer:
    """One kind of refusal: status, type, text with named places, and where the text was seen."""

    status: int
    kind: str
    text: str
    source: str = ""

    def refusal(
        self,
        *,
        metadata: Mapping[str, Any] | None = None,
        cause: Refusal | None = None,
        root: Refusal | None = None,
        **facts: object,
    ) -> Refusal:
        """The refusal for these facts."""
        return Refusal(self.status, self.kind, self.text.format(**facts), metadata, cause, root)


# The request as such.
UNREADABLE_BODY = Answer(400, "x_content_parse_exception", "[1:1] {problem}")
NO_BODY = Answer(400, "parse_exception", "request body is required", "RestRequest, from memory")
ILLEGAL_ARGUMENT = Answer(400, "illegal_argument_exception", "{problem}")
PARSING = Answer(400, "parsing_exception", "{problem}")
VALIDATION = Answer(
    400, "action_request_validation_exception", "Validation Failed: {problems}", "ActionRequest, from memory"
)
NOT_A_NUMBER = Answer(
    400,
    "illegal_argument_exception",
    "Failed to parse int parameter [{name}] with value [{value}]",
    "RestRequest, from memory",
)
NOT_A_BOOLEAN = Answer(
    400,
    "illegal_argument_exception",
    "Failed to parse value [{value}] as only [true] or [false] are allowed.",
    "Booleans, from memory",
)
NOT_A_TIME = Answer(
    400,
    "illegal_argument_exception",
    "failed to parse setting [{name}] with value [{value}] as a time value: unit is missing or unrecognized",
    "TimeValue, from memory",
)
INTERNAL = Answer(500, "sandbox_exception", "the stand-in broke: {problem}")

# Indices, aliases and mappings.
NO_INDEX = Answer(404, "index_not_found_exception", "no such index [{index}]", "facts 3.3")
INDEX_EXISTS = Answer(
    400, "resource_already_exists_exception", "index [{index}/{uuid}] already exists", "facts 3.3"
)
INDEX_NAME = Answer(
    400,
    "invalid_index_name_exception",
    "Invalid index name [{index}], {problem}",
    "MetadataCreateIndexService, from memory",
)
NAME_IS_ALIAS = Answer(
    400,
    "invalid_index_name_exception",
    "Invalid index name [{index}], already exists as alias",
    "MetadataCreateIndexService, from memory",
)
ALIAS_FOR_INDEX = Answer(
    400,
    "illegal_argument_exception",
    "The provided expression [{alias}] matches an alias, specify the corresponding concrete indices instead.",
    "TransportDeleteIndexAction, from memory",
)
DESTRUCTIVE = Answer(
    400,
    "illegal_argument_exception",
    "Wildcard expressions or all indices are not allowed",
    "DestructiveOperations, from memory",
)
SEVERAL_INDICES = Answer(
    400,
    "illegal_argument_exception",
    "alias [{alias}] has more than one index associated with it [{indices}], can't execute a single index op",
    "IndexNameExpressionResolver, from memory",
)
NO_WRITE_INDEX = Answer(
    400,
    "illegal_argument_exception",
    "no write index is defined for alias [{alias}]. The write index may be explicitly disabled using "
    "is_write_index=false or the alias points to multiple indices without one being designated as a write index",
    "IndexNameExpressionResolver, from memory",
)
NOT_AN_ALIAS = Answer(
    404,
    "index_not_found_exception",
    "no such index [{index}] and [require_alias] request flag is [true] and [{index}] is not an alias",
    "TransportBulkAction, from memory",
)
WRITE_INDEX_TWICE = Answer(
    400,
    "illegal_state_exception",
    "alias [{alias}] has more than one write index [{indices}]",
    "AliasMetadata, from memory",
)
NO_ALIAS = Answer(
    404, "aliases_not_found_exception", "aliases [{alias}] missing", "AliasesNotFoundException, from memory"
)
ALIAS_IS_INDEX = Answer(
    400,
    "invalid_alias_name_exception",
    "Invalid alias name [{alias}]: an index or data stream exists with the same name as the alias",
    "AliasValidator, from memory",
)
BLOCKED = Answer(
    403,
    "cluster_block_exception",
    "index [{index}] blocked by: [FORBIDDEN/8/index write (api)];",
    "ClusterBlockException, from memory",
)
UNKNOWN_SETTING = Answer(
    400,
    "illegal_argument_exception",
    "unknown setting [index.{name}] please check that any required plugins are installed, or check the breaking "
    "changes documentation for removed settings",
    "AbstractScopedSettings, from memory",
)
SETTING_NO_NUMBER = Answer(
    400,
    "illegal_argument_exception",
    "Failed to parse value [{value}] for setting [index.{name}]",
    "Setting, from memory",
)
SETTING_TOO_SMALL = Answer(
    400,
    "illegal_argument_exception",
    "Failed to parse value [{value}] for setting [index.{name}] must be >= {least}",
    "Setting, from memory",
)
SETTING_NOT_DYNAMIC = Answer(
    400,
    "illegal_argument_exception",
    "Can't update non dynamic settings [[{names}]] for open indices [[{index}]]",
    "MetadataUpdateSettingsService, from memory",
)
MAPPING = Answer(400, "mapper_parsing_exception", "Failed to parse mapping: {problem}")
UNSUPPORTED_ROOT = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: Root mapping definition has unsupported parameters:  [{shown}]",
    "MappingParser, from memory",
)
NO_TYPE = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: No type specified for field [{name}]",
    "ObjectMapper, from memory",
)
NO_HANDLER = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: No handler for type [{kind}] declared on field [{name}]",
    "ObjectMapper, from memory",
)
UNKNOWN_PARAMETER = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: unknown parameter [{parameter}] on mapper [{name}] of type [{kind}]",
    "FieldMapper, from memory",
)
NO_ANALYZER = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: analyzer [{analyzer}] has not been configured in mappings",
    "TextFieldMapper, from memory",
)
NO_NORMALIZER = Answer(
    400,
    "mapper_parsing_exception",
    "Failed to parse mapping: normalizer [{normalizer}] not found for field [{name}]",
    "KeywordFieldMapper, from memory",
)
TYPE_CONFLICT = Answer(
    400,
    "illegal_argument_exception",
    "mapper [{path}] cannot be changed from type [{old}] to [{new}]",
    "FieldMapper, from memory",
)
OBJECT_CONFLICT = Answer(
    400,
    "illegal_argument_exception",
    "can't merge a {first} mapping [{path}] with a {second} mapping",
    "ObjectMapper, from memory",
)
PARAMETER_CONFLICT = Answer(
    400,
    "illegal_argument_exception",
    "Mapper for [{path}] conflicts with existing mapper:\n\tCannot update parameter [{parameter}] from [{old}] to [{new}]",
    "FieldMapper, from memory",
)
FIELD_LIMIT = Answer(
    400,
    "illegal_argument_exception",
    "Limit of total fields [{limit}] has been exceeded while adding new fields [{added}]",
    "semantic-search-elser documentation",
)

# Documents.
NOT_AN_OBJECT = Answer(
    400,
    "document_parsing_exception",
    "[1:1] object mapping for [{path}] tried to parse field [{path}] as object, but found a concrete value",
    "DocumentParser, from memory",
)
BAD_VALUE = Answer(
    400,
    "document_parsing_exception",
    "[1:1] failed to parse field [{path}] of type [{kind}] in document with id '{id}'. Preview of field's value: '{value}'",
    "FieldMapper, from memory",
)
STRICT = Answer(
    400,
    "strict_dynamic_mapping_exception",
    "[1:1] mapping set to strict, dynamic introduction of [{name}] within [{parent}] is not allowed",
    "StrictDynamicMappingException, from memory",
)
SPARSE_NOT_AN_OBJECT = Answer(
    400,
    "document_parsing_exception",
    "[1:1] [sparse_vector] fields must be json objects, expected a START_OBJECT but got: {token}",
    "facts 4",
)
SPARSE_TOKEN = Answer(
    400,
    "document_parsing_exception",
    "[1:1] [sparse_vector] fields take hashes that map a feature to a strictly positive float, but got unexpected "
    "token {token}",
    "facts 4",
)
SPARSE_WEIGHT = Answer(
    400,
    "document_parsing_exception",
    "[1:1] failed to parse: featureValue must be a positive normal float, got: {value} for feature {feature} on field "
    "{path} which is less than the minimum positive normal float: 1.17549435E-38",
    "facts 4",
)
SPARSE_DOTS = Answer(
    400,
    "document_parsing_exception",
    "[1:1] [sparse_vector] fields do not support dots in feature names but found [{feature}]",
    "SparseVectorFieldMapper before 8.16, from memory",
)
SPARSE_SEVERAL = Answer(
    400,
    "document_parsing_exception",
    "[1:1] [sparse_vector] fields do not support indexing multiple values for the same feature [{feature}] in the same "
    "document",
    "SparseVectorFieldMapper before 8.15, from memory",
)
EMPTY_ID = Answer(400, "illegal_argument_exception", "if _id is specified it must not be empty", "facts 3.3")
LONG_ID = Answer(
    400,
    "illegal_argument_exception",
    "id [{id}] is too long, must be no longer than 512 bytes but was: {length}",
    "IndexRequest, from memory",
)
VERSION_CONFLICT = Answer(
    409, "version_conflict_engine_exception", "[{id}]: version conflict, {problem}", "facts 3.3"
)
DOCUMENT_MISSING = Answer(
    404, "document_missing_exception", "[{id}]: document missing", "DocumentMissingException, from memory"
)
NO_SOURCE = Answer(
    404,
    "resource_not_found_exception",
    "Document not found [{index}]/[{id}]",
    "RestGetSourceAction, from memory",
)
NO_SCRIPTS = Answer(400, "illegal_argument_exception", "the sandbox runs no scripts")
BULK_ACTION = Answer(
    400,
    "illegal_argument_exception",
    "Malformed action/metadata line [{line}], expected START_OBJECT but found [{found}]",
    "BulkRequestParser, from memory",
)
BULK_UNKNOWN_ACTION = Answer(
    400,
    "illegal_argument_exception",
    "Malformed action/metadata line [{line}], expected field [create], [delete], [index] or [update] but found [{found}]",
    "BulkRequestParser, from memory",
)
BULK_PARAMETER = Answer(
    400,
    "illegal_argument_exception",
    "Action/metadata line [{line}] contains an unknown parameter [{found}]",
    "BulkRequestParser, from memory",
)
BULK_END = Answer(
    400,
    "illegal_argument_exception",
    "The bulk request must be terminated by a newline [\\n]",
    "BulkRequestParser, from memory",
)
BULK_SOURCE = Answer(
    400, "document_parsing_exception", "[1:1] failed to parse: {problem}", "DocumentParser, from memory"
)


def answers(module: Any) -> dict[str, Answer]:
    """All answers of a module by their names there, for COVERAGE.md."""
    return {name: value for name, value in vars(module).items() if isinstance(value, Answer)}
