"""The refusals of retrievers around others, and of the one that reranks."""

from __future__ import annotations

from sandbox.elastic.errors import Answer

SMALLER_WINDOW = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: [{kind}] requires [rank_window_size: {window}] to be smaller than or equal to its sub retriever's "
    "{child} [rank_window_size: {own}];",
    "CompoundRetrieverBuilder.java",
)
NEGATIVE_WINDOW = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: [rank_window_size] parameter cannot be negative, found [{window}];",
    "CompoundRetrieverBuilder.java",
)
RETRIEVER_REQUIRED = Answer(
    400, "x_content_parse_exception", "[1:1] Required [{names}]", "ConstructingObjectParser.java"
)
RETRIEVER_VALUE = Answer(
    400,
    "x_content_parse_exception",
    "[1:1] [{kind}] failed to parse field [{parameter}]",
    "ObjectParser.java",
)
NESTED_FAILED = Answer(
    500,
    "status_exception",
    "[{kind}] search failed - retrievers '[{child}]' returned errors. All failures are attached as suppressed exceptions.",
    "CompoundRetrieverBuilder.java",
)
NOT_RERANKED = Answer(
    500,
    "search_phase_execution_exception",
    "Computing updated ranks for results failed",
    "RankFeaturePhase.java",
)
