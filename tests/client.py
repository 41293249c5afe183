"""Which generation of Elasticsearch's client these tests run with, and the server that it is for."""

import elasticsearch
import pytest

GENERATION = elasticsearch.__version__[0]
VERSION = {8: "8.19", 9: "9.5"}[GENERATION]
ONLY_CLIENT_8 = pytest.mark.skipif(GENERATION != 8, reason="every 8.x server refuses client 9")
