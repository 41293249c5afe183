"""Files of judged queries: both forms, and lines that are neither. Without a server."""

from __future__ import annotations

import pytest

from tasks.elastic.verification.judged import judged_queries
from tasks.errors import InvalidInput


def read(tmp_path, *lines):
    file = tmp_path / "judged.jsonl"
    file.write_text("\n".join(lines))
    return list(judged_queries(file))


def test_grades_and_expected_ids_are_judgments(tmp_path):
    graded, listed = read(
        tmp_path,
        '{"query": "a", "relevant": {"x": 2, "y": 0}}',
        '{"query": "b", "expected": ["x"], "within": 5}',
    )
    assert (graded.grades, listed.grades) == ({"x": 2, "y": 0}, {"x": 1})


@pytest.mark.parametrize(
    "line",
    [
        '{"query": "a"}',
        '{"query": "a", "relevant": {"x": 0}}',
        '{"query": "", "expected": ["x"]}',
        '["a"]',
        "x",
    ],
)
def test_a_line_without_a_relevant_document_is_named(tmp_path, line):
    with pytest.raises(InvalidInput, match=r"Line 2 is not a judged query.*judged\.jsonl"):
        read(tmp_path, '{"query": "b", "expected": ["x"]}', line)
