"""The page of a report, opened from the disk."""

from __future__ import annotations

import pytest

from flows.report import Report
from flows.report_page.page import page as page_of
from flows.report_page.pictures import pictures

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def file(tmp_path):
    report = Report(flow="vertex build", name="films", target="sandbox", outcome="done", seconds=2.0)
    with report.step("index films") as step:
        step.saw("projects/123456789012/locations/us-central1/indexes/" + "9" * 60)
    report.facts = {
        "found": [{"id": f"film-{row}", "plot": "a long plot " * 20, "score": 0.5} for row in range(9)]
    }
    report.facts["recall"] = {"k": 10, "queries": 9, "recall": 0.9, "p90": 2, "latencies": [[0, 8], [1, 1]]}
    path = tmp_path / "report.html"
    path.write_text(page_of(report, report.facts, pictures(report.facts)))
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_opens_without_an_error_or_a_request_and_fits_a_phone(chromium, file, scheme):
    context = chromium.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page, told, asked = context.new_page(), [], []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    assert page.get_by_role("heading", name="vertex build films on sandbox").is_visible()
    assert page.get_by_role("img", name="Latency of 9 queries").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert (told, asked) == ([], [file.as_uri()])
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    context.close()
