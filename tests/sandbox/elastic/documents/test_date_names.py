"""Date math in names of indices: in paths, in bulk requests and in reindex."""

from datetime import UTC, datetime

import pytest
from elasticsearch import BadRequestError

from sandbox.elastic.documents.date_names import resolved
from sandbox.elastic.errors import Refusal

NOW = datetime(2024, 3, 31, 23, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("logs", "logs"),
        ("<logs-{now/d}>", "logs-2024.03.31"),
        ("<logs-{now/M}>", "logs-2024.03.01"),
        ("<logs-{now/M{yyyy.MM}}>", "logs-2024.03"),
        ("<logs-{now/M-1M{yyyy.MM}}>", "logs-2024.02"),
        ("<logs-{now/d{yyyy.MM.dd|+02:00}}>", "logs-2024.04.01"),
        ("<logs-{now/d{yyyy.MM.dd|Europe/Vienna}}>", "logs-2024.04.01"),
        ("<logs-{now/d-1d}>,<logs-{now/d}>,other", "logs-2024.03.30,logs-2024.03.31,other"),
        ("<{now{yyyy}}-{now{MM}}>", "2024-03"),
    ],
)
def test_dates_are_filled_in(expression, name):
    assert resolved(expression, NOW) == name


@pytest.mark.parametrize(
    "name", ["<logs-{now/x}>", "<logs-{now>", "<logs-{}>", "<logs-{now{yyyy|Nowhere/At}}>"]
)
def test_a_date_that_cannot_be_read_is_refused(name):
    with pytest.raises(Refusal, match="invalid dynamic name expression"):
        resolved(name, NOW)


def test_an_index_is_created_written_to_and_read_by_such_a_name(here):
    name = "<dated-{now/y{yyyy}}>"
    real = f"dated-{datetime.now(UTC).year}"
    assert here.indices.create(index=name)["index"] == real
    here.bulk(operations=[{"index": {"_index": name, "_id": "1"}}, {"a": 1}], refresh=True)
    assert here.get(index=name, id="1")["_index"] == real
    assert here.search(index=f"{name},nothing*")["hits"]["total"]["value"] == 1
    done = here.reindex(source={"index": name}, dest={"index": "<copied-{now/y{yyyy}}>"}, refresh=True)
    assert done["created"] == 1
    assert here.count(index=real.replace("dated", "copied"))["count"] == 1
    with pytest.raises(BadRequestError, match="invalid dynamic name expression"):
        here.search(index="<dated-{now/q}>")
