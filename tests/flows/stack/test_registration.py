"""The form of a deployment, as the server gets it."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from prefect import flow
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools import ValidationError, validate
from pydantic import Field

from flows.commands import load
from flows.engines import ENGINES
from flows.stack.registration import form


@flow
def example(
    *,
    name: str,
    source: str | None = None,
    size: Annotated[int, Field(ge=1)] | None = None,
    how: Literal["sparse", "dense"] | None = None,
    either: str | int | None = None,
    kind: str = "text",
) -> None: ...


@pytest.fixture
def shown():
    return form(parameter_schema(example).model_dump(exclude_unset=True))


def test_what_may_be_left_out_is_a_plain_field_without_a_choice_of_types(shown):
    fields = shown["properties"]
    assert (fields["source"]["type"], fields["size"]["type"], fields["how"]["type"]) == (
        "string",
        "integer",
        "string",
    )
    assert not any("anyOf" in fields[name] or "default" in fields[name] for name in ("source", "size", "how"))
    assert (fields["size"]["minimum"], fields["how"]["enum"]) == (1, ["sparse", "dense", None])


def test_a_real_choice_of_types_and_other_defaults_stay(shown):
    assert len(shown["properties"]["either"]["anyOf"]) == 3
    assert shown["properties"]["kind"]["default"] == "text"
    assert shown["required"] == ["name"]


def test_the_server_takes_null_for_them_and_refuses_what_is_wrong(shown):
    validate({"name": "a", "source": None, "size": None, "how": None}, shown, raise_on_error=True)
    validate({"name": "a", "source": "b", "size": 1, "how": "dense"}, shown, raise_on_error=True)
    for wrong in ({"size": 0}, {"source": 3}, {"how": "by luck"}):
        with pytest.raises(ValidationError):
            validate({"name": "a"} | wrong, shown, raise_on_error=True)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_no_form_asks_for_the_type_of_one_kind_of_value(engine):
    for entry in engine.flows:
        made = parameter_schema(load(entry.entrypoint)).model_dump(exclude_unset=True)
        for name, field in form(made)["properties"].items():
            kinds = [one for one in field.get("anyOf", ()) if one != {"type": "null"}]
            assert len(kinds) != 1 or "$ref" in kinds[0], (entry.name, name)
