"""elasticdump, unmodified: an index out into files and in again, and from index to index (`make compat` installs it by npm)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

INSTALLED = Path(os.environ.get("ELASTICDUMP", Path(sys.prefix) / "elasticdump"))
PROGRAM = INSTALLED / "node_modules" / ".bin" / "elasticdump"
pytestmark = [
    pytest.mark.compat,
    pytest.mark.skipif(not PROGRAM.exists(), reason="elasticdump needs npm, with which `make compat` installs it"),
]  # fmt: skip
PROPERTIES = {"title": {"type": "text"}, "year": {"type": "integer"}, "tokens": {"type": "sparse_vector"}}
DOCUMENTS = {str(n): {"title": f"film {n}", "year": 1990 + n, "tokens": {"film": 1.5}} for n in range(25)}


def test_an_index_comes_out_and_in_again_as_it_was(elastic_server, tmp_path):
    elastic = elastic_server()
    url, key = elastic.sandbox.environment["ELASTIC_URL"], elastic.sandbox.environment["ELASTIC_API_KEY"]

    def dump(source, destination, kind):
        headers = json.dumps({"Authorization": f"ApiKey {key}"})
        words = [
            f"--input={source}",
            f"--output={destination}",
            f"--type={kind}",
            "--limit=10",
            f"--headers={headers}",
        ]
        ended = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60, check=False)
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr

    client = elastic.client
    client.indices.create(index="films", mappings={"properties": PROPERTIES})
    for id_, document in DOCUMENTS.items():
        client.index(index="films", id=id_, document=document)
    client.indices.refresh(index="films")
    for kind in ("mapping", "data"):
        dump(f"{url}/films", tmp_path / f"{kind}.json", kind)
        dump(tmp_path / f"{kind}.json", f"{url}/copy", kind)
    dump(f"{url}/films", f"{url}/direct", "data")
    client.indices.refresh()
    for index in ("copy", "direct"):
        found = client.search(index=index, size=100, source=True)["hits"]["hits"]
        assert {hit["_id"]: hit["_source"] for hit in found} == DOCUMENTS
    assert client.indices.get_mapping(index="copy")["copy"]["mappings"]["properties"] == PROPERTIES
