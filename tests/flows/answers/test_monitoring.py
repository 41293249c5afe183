"""The trend of a page's records as a flow: it reads them, compares and judges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks.answers.records import Asked, Judged, append, record_file

pytestmark = pytest.mark.slow


def test_a_trend_is_reported_day_by_day_and_judged(service, answers, home, name, facts):
    words = ["monitor", "--name", name]
    assert "There are no records of" in answers(service, *words, code=1).err
    file = record_file(home, name, engine="elastic", where=service.settings.where)
    for days, number, outcome in ((12, 2, "withheld"), (1, 10, "answered"), (2, 4, "failed")):
        at = datetime.now(UTC) - timedelta(days=days, seconds=-60)
        for n in range(number):
            asked = Asked(id=f"{days}-{n}", at=at, question="0f", outcome=outcome, prompt_tokens=400)
            append(file, asked)
            append(file, Judged(id=asked.id, useful=days == 1))
    refused = answers(service, *words, code=1)
    assert "The share of questions that failed is 0.29, required: at most 0.05" in refused.err
    passed = answers(service, *words, "--most-failed", "0.3")
    now, before = facts("monitor")["now"], facts("monitor")["before"]
    assert (now["questions"], now["answered"], now["failed"], now["yes"], now["no"]) == (14, 10, 4, 10, 4)
    assert (before["questions"], before["withheld"]) == (2, 2)
    assert "change since: answered +0.71" in passed.out
    assert "all met" in passed.out
