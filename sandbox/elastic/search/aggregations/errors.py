"""The refusals of aggregations."""

from __future__ import annotations

from sandbox.elastic.errors import Answer

UNKNOWN = Answer(
    400, "parsing_exception", "Unknown aggregation type [{kind}]{hint}", "AggregatorFactories.java"
)
NOT_IMITATED = Answer(
    400,
    "parsing_exception",
    "the sandbox does not imitate the aggregation [{kind}]; COVERAGE.md lists those that it does",
)
PARAMETER = Answer(
    400, "x_content_parse_exception", "the sandbox does not support [{parameter}] of the aggregation [{kind}]"
)
NO_KIND = Answer(
    400,
    "parsing_exception",
    "Missing definition for aggregation [{name}]",
    "AggregatorFactories.java",
)
TWO_KINDS = Answer(
    400,
    "parsing_exception",
    "Found two aggregation type definitions in [{name}]: [{first}] and [{second}]",
    "AggregatorFactories.java",
)
NAME = Answer(
    400,
    "parsing_exception",
    "Invalid aggregation name [{name}]. Aggregation names can contain any character except '[', ']', and '>'",
    "AggregatorFactories.java",
)
NOT_AN_OBJECT = Answer(
    400,
    "parsing_exception",
    "Expected [START_OBJECT] under [{name}], but got a [{token}] in [{parent}]",
    "AggregatorFactories.java",
)
ORDER_DIRECTION = Answer(
    400, "parsing_exception", "Unknown order direction [{direction}]", "InternalOrder.java"
)
NO_CHILDREN = Answer(
    400,
    "aggregation_initialization_exception",
    "Aggregator [{name}] of type [{kind}] cannot accept sub-aggregations",
    "AggregationBuilder.java",
)
REQUIRED = Answer(
    400,
    "illegal_argument_exception",
    "Required one of fields [{wanted}], but none were specified. ",
    "ConstructingObjectParser.java",
)
VALUE = Answer(
    400,
    "illegal_argument_exception",
    "{problem}",
    "TermsAggregationBuilder.java, RangeAggregationBuilder.java, HistogramAggregationBuilder.java, DateIntervalWrapper.java, "
    "Rounding.java, FiltersAggregationBuilder.java, CompositeAggregationBuilder.java, PercentilesConfig.java",
)
FIELD_TYPE = Answer(
    400,
    "illegal_argument_exception",
    "Field [{path}] of type [{type}] is not supported for aggregation [{kind}]",
    "ValuesSourceRegistry.java",
)
ORDER = Answer(
    400,
    "invalid_path",
    "Invalid aggregation order path [{path}]. The provided aggregation [{name}] either does not exist, or is a "
    "pipeline aggregation and cannot be used to sort the buckets.",
    "InternalOrder.java, AggregationExecutionException.java",
)
NO_PATH = Answer(
    400,
    "parsing_exception",
    "Missing [path] field for nested aggregation [{name}]",
    "NestedAggregationBuilder.java",
)
NOT_IN_NESTED = Answer(
    400,
    "illegal_argument_exception",
    "Reverse nested aggregation [{name}] can only be used inside a [nested] aggregation",
    "ReverseNestedAggregationBuilder.java",
)
REVERSE_PATH = Answer(
    400,
    "illegal_argument_exception",
    "the sandbox finds no [nested] aggregation with path [{path}] around the [reverse_nested] one",
)
NO_HITS_OF_OBJECTS = Answer(
    400,
    "parsing_exception",
    "the sandbox does not imitate [top_hits] of nested objects; [reverse_nested] around it shows documents",
)
TOO_MANY_BUCKETS = Answer(
    400,
    "too_many_buckets_exception",
    "Trying to create too many buckets. Must be less than or equal to: [{limit}] but was [{count}]. This limit can be "
    "set by changing the [search.max_buckets] cluster level setting.",
    "MultiBucketConsumerService.java",
)
