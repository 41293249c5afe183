import json

import pytest

from tests.tasks.elastic.reindex.embedding import Embedding


@pytest.fixture
def rows(glosses):
    return [json.loads(line) for line in glosses.read_text().splitlines()]


@pytest.fixture
def embedding(settings, deployed, name, tmp_path):  # noqa: ARG001 -- the model is there
    embedding = Embedding(settings, name, tmp_path)
    yield embedding
    embedding.remove()
