import re

from hypothesis import given
from hypothesis import strategies as st

from tasks.artifact_keys import artifact_key


@given(st.lists(st.text(), min_size=1))
def test_every_key_is_one_that_prefect_accepts(words):
    assert re.fullmatch(r"[a-z0-9-]+", artifact_key(*words))


def test_words_are_joined_by_dashes():
    assert artifact_key("vertex build", "glove_100") == "vertex-build-glove-100"
