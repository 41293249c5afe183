"""The filter language of the list calls, on three indexes."""

import pytest

from sandbox.vertex.errors import Refusal
from sandbox.vertex.resources import filters
from sandbox.vertex.resources.indexes import Index

PREFIX = "projects/123456789012/locations/us-central1/indexes"


def index(name, display_name, created, **labels):
    made = Index(name=f"{PREFIX}/{name}", display_name=display_name, labels=labels)
    made.create_time.FromJsonString(created)
    return made


INDEXES = [
    index("1", "alpha", "2026-01-01T00:00:00Z", team="a", env="prod"),
    index("2", "Alpine hut", "2026-02-01T12:00:00.5Z", team="b", env="test"),
    index("3", "beta", "2026-03-01T00:00:00+02:00"),
]


def found(text):
    condition = filters.parse(text, "index")
    return "".join(each.name[-1] for each in INDEXES if condition(each))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "123"),
        ("  ", "123"),
        ("labels.team=a", "1"),
        ("labels.team!=a", "23"),
        ("labels.team:*", "12"),
        ('labels."team":b', "2"),
        ("labels:env", "12"),
        ("NOT labels:env", "3"),
        ("-labels:env", "3"),
        ("NOT (labels.team=a OR labels.team=b)", "3"),
        ("labels.team=a OR labels.team=b", "12"),
        ("labels.team=a AND labels.env=prod", "1"),
        ("labels.team=a labels.env=test", ""),
        # OR binds tighter than AND: env=test AND (team=a OR display_name=beta).
        ("labels.env=test AND labels.team=a OR display_name=beta", ""),
        ("(labels.env=test AND labels.team=b) OR display_name=beta", "23"),
        ('display_name="Alpine hut"', "2"),
        ("displayName='Alpine hut'", "2"),
        ('display_name="Al*"', "2"),
        ('display_name="*a"', "13"),
        ('display_name!="*lp*"', "3"),
        ('regex(display_name, "^[aA]l")', "12"),
        (f'name="{PREFIX}/2"', "2"),
        ("name=projects/sandbox-project/locations/us-central1/indexes/3", "3"),
        ("index=1 OR index=3", "13"),
        ("index!=1", "23"),
        ('create_time>"2026-02-01T00:00:00Z"', "23"),
        ("create_time>=2026-02-01T12:00:00.5Z", "23"),
        ("createTime < 2026-02-01", "1"),
        ('create_time="2026-02-28T22:00:00Z"', "3"),
        ('create_time>2026-01-15 AND NOT create_time>"2026-02-15T00:00:00Z"', "2"),
    ],
)
def test_a_filter_finds_what_it_says(text, expected):
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("team=a", "the field 'team' is unknown; accepted: name, index, display_name"),
        ("index_endpoint=1", "unknown"),
        ("labels.team", "one of = != < <= > >= :"),
        ("labels=team", "labels takes a colon"),
        ("labels.team<a", "labels take = or !="),
        ("display_name:alpha", "display_name takes = or !="),
        ("display_name=", "a value after display_name="),
        ("create_time:2026-01-01", "create_time takes one of"),
        ("create_time>yesterday", "no time such as"),
        ("labels.team=a AND", "a field is missing at its end"),
        ("labels.team=a or labels.team=b", "unknown|one of"),
        ("(labels.team=a", "a closing parenthesis is missing at its end"),
        ("labels.team=a)", "not understood"),
        ('regex(labels, "a")', "regex\\(\\) takes"),
        ('regex(display_name, "(")', "no regular expression"),
        ("regex(display_name)", "a comma is missing"),
        ('display_name="open', "a value after"),
        ("(" * 5000 + "labels:a", "nested too deeply"),
        ("alpha", "one of"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(text, problem):
    with pytest.raises(Refusal, match=problem):
        found(text)
