"""What a search shows of a hit."""

import pytest

from flows.elastic.search import shown
from tasks.elastic.search.search import Hit
from tasks.elastic.specs import EmbeddedField


@pytest.mark.parametrize(
    ("source", "text"),
    [
        pytest.param({"meta": {"plot": "A cat."}}, "A cat.", id="an object"),
        pytest.param({"meta.plot": "A cat."}, "A cat.", id="a dot in the name"),
        pytest.param({"meta": {"plot": ["A cat.", "A dog."]}}, "A cat.", id="a list"),
        pytest.param({"meta": {}}, "", id="nothing"),
        pytest.param({"meta": {"plot": "x" * 200}}, "x" * 160 + "...", id="a long text"),
    ],
)
def test_a_hit_is_shown_with_the_beginning_of_its_text_wherever_it_is(source, text):
    assert shown(Hit("1", 1.0, source), EmbeddedField(input="meta.plot", output="vector")) == text
