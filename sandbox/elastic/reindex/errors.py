"""The refusals of reindex and update by query."""

from __future__ import annotations

from sandbox.elastic.errors import Answer

REINDEX_NOT_FOUND = Answer(
    404,
    "resource_not_found_exception",
    "Reindex operation [{task}] not found",
    "elasticsearch-specification: reindex",
)
REINDEX_NOT_CANCELLABLE = Answer(
    404,
    "resource_not_found_exception",
    "reindex task [{task}] either not found or completed",
    "elasticsearch-specification: reindex",
)
BAD_RATE = Answer(
    400,
    "illegal_argument_exception",
    "[requests_per_second] must be a float greater than 0. Use -1 to disable throttling.",
    "reindex/20_validation.yml",
)
RATE_MISSING = Answer(
    400,
    "illegal_argument_exception",
    "requests_per_second is a required parameter",
    "RestRethrottleAction.java",
)
BAD_SLICES = Answer(
    400,
    "illegal_argument_exception",
    '[slices] must be a positive integer or the string "auto", but was [{value}]',
    "AbstractBulkByScrollRequest.java",
)
TWO_SLICINGS = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: can't specify both manual and automatic slicing at the same time;",
)
BAD_SLICE = Answer(400, "illegal_argument_exception", "[slice] is invalid: {problem}")
FEWER_THAN_SLICES = Answer(
    400,
    "illegal_argument_exception",
    "[max_docs] should be >= [slices]",
    "AbstractBulkByScrollRequest.java",
)
NEGATIVE_LIMIT = Answer(
    400,
    "illegal_argument_exception",
    "[max_docs] parameter cannot be negative, found [{value}]",
    "AbstractBulkByScrollRequest.java",
)
TWO_LIMITS = Answer(
    400,
    "illegal_argument_exception",
    "[max_docs] set to two different values [{first}] and [{second}]",
    "AbstractBulkByScrollRequest.java",
)
BAD_CONFLICTS = Answer(
    400,
    "illegal_argument_exception",
    'conflicts may only be "proceed" or "abort" but was [{value}]',
    "AbstractBulkByScrollRequest.java",
)
INVALID = Answer(
    400, "action_request_validation_exception", "Validation Failed: 1: {problem};", "ReindexRequest.java"
)
NOT_TAKEN = Answer(400, "illegal_argument_exception", "the sandbox's reindex does not support [{field}]")
NO_REMOTE = Answer(
    400,
    "illegal_argument_exception",
    "[{host}] not whitelisted in reindex.remote.whitelist",
    "ReindexValidator.java",
)
REMOTE_HOST = Answer(
    400,
    "illegal_argument_exception",
    "[host] must be of the form [scheme]://[host]:[port](/[pathPrefix])? but was [{host}]",
    "ReindexRequest.java",
)
REMOTE_SLICES = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: reindex from remote sources doesn't support slices > 1 but was [{slices}];",
    "ReindexRequest.java",
)
REMOTE_SILENT = Answer(500, "connect_exception", "{problem}")
