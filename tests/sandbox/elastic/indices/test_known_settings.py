"""Settings and parameters of fields: kept where they make no difference, refused by name where they would."""

import pytest
from elasticsearch import BadRequestError


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            {"soft_deletes.enabled": False},
            "Creating indices with soft-deletes disabled is no longer supported",
        ),
        ({"analysis": {"analyzer": {"default": {"type": "english"}}}}, "does not support the setting"),
        ({"similarity": {"default": {"type": "boolean"}}}, "does not support the setting"),
        ({"sort.field": "n"}, r"does not support the setting \[index.sort.field\] with value \[n\]"),
        ({"mode": "logsdb"}, r"\[index.mode\] with value \[logsdb\]"),
        ({"mapping.coerce": False}, r"\[index.mapping.coerce\] with value \[false\]"),
        ({"mapping.nonsense": 1}, r"unknown setting \[index.mapping.nonsense\]"),
        ({"auto_expand_replicas": "some"}, r"failed to parse \[index.auto_expand_replicas\]"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setting_that_would_make_another_index_than_this_one_is_refused(shared, settings, problem):
    with pytest.raises(BadRequestError, match=problem):
        shared.client.indices.create(index="impossible", settings=settings)


def test_settings_that_make_no_difference_are_kept_and_replicas_follow_the_nodes(shared, fresh_index):
    normalizer = {"normalizer": {"lower": {"type": "custom", "filter": "lowercase"}}}
    index = fresh_index(
        settings={
            "analysis": normalizer,
            "soft_deletes.enabled": True,
            "auto_expand_replicas": "0-1",
            "routing.allocation.total_shards_per_node": 3,
        }
    )
    own = shared.client.indices.get_settings(index=index)[index]["settings"]["index"]
    assert (own["analysis"], own["number_of_replicas"]) == (normalizer, "0")
    with pytest.raises(BadRequestError, match=r"normalizer \[lower\] not found"):
        shared.client.indices.put_mapping(
            index=index, properties={"a": {"type": "keyword", "normalizer": "lower"}}
        )


@pytest.mark.parametrize(
    ("kind", "parameter", "value"),
    [
        ("text", "similarity", "boolean"),
        ("text", "fielddata", True),
        ("text", "index_options", "docs"),
        ("keyword", "norms", True),
        ("rank_features", "positive_score_impact", False),
    ],
)
def test_a_parameter_of_a_field_that_would_change_scores_is_refused(shared, kind, parameter, value):
    with pytest.raises(BadRequestError, match=rf"does not support \[{parameter}\] with value"):
        shared.client.indices.create(
            index="impossible", mappings={"properties": {"a": {"type": kind, parameter: value}}}
        )


def test_a_terms_query_has_a_limit(shared, fresh_index):
    index = fresh_index(documents=[{"n": 1}], settings={"max_terms_count": 2})
    assert shared.client.count(index=index, query={"terms": {"n": [1, 2]}})["count"] == 1
    with pytest.raises(BadRequestError, match=r"The number of terms \[3\] used in the Terms Query"):
        shared.client.search(index=index, query={"terms": {"n": [1, 2, 3]}})
