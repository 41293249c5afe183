"""Names that are valid for everything that is made under them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from tasks.elastic.specs import Name

NAMES = TypeAdapter(Name)


@pytest.mark.parametrize("name", ["a", "films-2_x", "a" * 63])
def test_a_name_that_every_kind_of_object_takes_is_taken(name):
    assert NAMES.validate_python(name) == name


@pytest.mark.parametrize("name", ["", "Films", "9films", "films.2", "_films", "films\n", "a" * 64])
def test_another_is_refused_in_words(name):
    with pytest.raises(ValidationError, match="1 to 63 lowercase letters"):
        NAMES.validate_python(name)
