"""Reads one file after the other as everything that reads JSON, in a process whose death, hang or appetite the test sees."""

import json
import resource
import sys
from pathlib import Path

from tasks.elastic.data.documents import DocumentSource, read_checked_documents, read_documents
from tasks.elastic.verification.verification import sample_queries
from tasks.errors import InvalidInput
from tasks.vertex.datapoints.files import read_datapoint_file, read_id_file
from tests.memory import peak_megabytes

MEMORY = 3 * 2**30
"""Bytes of address space; libraries alone reserve one and a half. What is resident is measured."""


def documents(path: Path, id_field: str | None) -> None:
    """As `elastic load` reads them."""
    source = DocumentSource(path=path, id_field=id_field)
    checked = read_checked_documents.fn(source)
    sent = [document.text for document in read_documents(source)]
    assert len(sent) == checked.documents + checked.repeated
    original = path.read_bytes().replace(b"\n", b" ")
    assert all(text in original and b"\n" not in text for text in sent)


READERS = {
    "documents": lambda path: documents(path, None),
    "documents by id": lambda path: documents(path, "id"),
    "queries": lambda path: list(sample_queries(path)),
    "datapoints": lambda path: list(read_datapoint_file.fn(path, 2)),
    "ids": lambda path: list(read_id_file.fn(path)),
}


def read(path: Path) -> dict[str, str]:
    """By reader `read`, or the message of the error."""
    said = {}
    for name, reader in READERS.items():
        try:
            reader(path)
            said[name] = "read"
        except InvalidInput as error:
            said[name] = f"refused: {error}"
        except BaseException as error:  # noqa: BLE001 -- the test judges it
            said[name] = f"UNEXPECTED {error!r}"[:500]
    return said


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for line in sys.stdin:
        outcome = read(Path(json.loads(line)))
        peak = peak_megabytes()
        sys.stdout.write(json.dumps([outcome, peak]) + "\n")
        sys.stdout.flush()
