"""The newer UI of the local Prefect server, at /v2: its form explains itself and starts a run, and a report shows its picture."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest

from flows.report_page.pictures import data_address, pictures
from tests.polling import until

pytestmark = [pytest.mark.slow, pytest.mark.browser]

ANALYTICS = "sr-client-cfg.amplitude.com"
"""A host that it asks whatever the settings say, which is why `up` does not lead there."""


def test_a_form_starts_a_run_that_completes_and_a_report_shows_its_picture(page, stack):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{stack.ui_url}/v2/")
    page.locator("input").fill(stack.key)
    page.keyboard.press("Enter")
    page.get_by_text("Dashboard").first.wait_for()
    with httpx.Client(base_url=stack.api_url, auth=tuple(stack.key.split(":")), trust_env=False) as api:
        (deployment,) = api.post("/deployments/filter", json={}).json()
        page.goto(f"{stack.ui_url}/v2/deployments/deployment/{deployment['id']}/run")
        page.get_by_text("What it is about.").wait_for()
        for explanation in ("The ending.", "Rows at most.", "Some words."):
            assert page.get_by_text(explanation).is_visible()
        page.get_by_role("tab", name="service", selected=True).wait_for()
        page.get_by_text("sandbox", exact=True).wait_for()
        assert page.get_by_role("tab", name="block").is_visible()
        page.locator("textarea").first.fill("newer")
        with page.expect_response(lambda answer: answer.url.endswith("/create_flow_run")) as created:
            page.get_by_role("button", name="Submit").click()
        run = created.value.json()
        assert run["parameters"]["name"] == "newer"
        until(lambda: api.get(f"/flow_runs/{run['id']}").json()["state"]["type"] == "COMPLETED")

        facts = {"recall": {"k": 10, "queries": 9, "recall": 0.9, "p90": 2, "latencies": [[0, 8], [1, 1]]}}
        (picture,) = pictures(facts)
        report = {
            "type": "markdown",
            "key": "a-report",
            "data": f"![{picture.title}]({data_address(picture)})",
        }
        artifact = api.post("/artifacts/", json=report).json()
    page.goto(f"{stack.ui_url}/v2/artifacts/artifact/{artifact['id']}")
    shown = page.get_by_role("img", name=picture.title)
    shown.wait_for()
    assert shown.evaluate("image => image.naturalWidth") > 0
    foreign = {urlsplit(url).hostname for url in asked if url.startswith("http")} - {"127.0.0.1"}
    assert foreign <= {ANALYTICS}, "the pages of the older UI ask nobody else"
