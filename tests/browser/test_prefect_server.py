"""What web pages can do to the local Prefect server: other origins nothing, its own UI everything after the login."""

from __future__ import annotations

import httpx
import pytest

from tests.polling import until

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OPEN_SOCKET = """address => new Promise(ended => {
    const there = new WebSocket(address, ["prefect"]);
    there.onopen = () => ended("opened");
    there.onerror = () => ended("refused");
})"""


@pytest.fixture(scope="module")
def owner(stack):
    with httpx.Client(base_url=stack.api_url, auth=tuple(stack.key.split(":")), trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def deployment(owner):
    (found,) = owner.post("/deployments/filter", json={}).json()
    return found["id"]


def runs(owner):
    return owner.post("/flow_runs/count", json={}).json()


@pytest.mark.parametrize("with_key", [False, True], ids=["without the key", "with it"])
def test_a_page_of_another_origin_reads_and_starts_nothing(
    with_key, foreign, fetch_from, stack, owner, deployment
):
    before = runs(owner)
    create = f"{stack.api_url}/deployments/{deployment}/create_flow_run"
    body = '{"parameters": {"name": "products", "target": "sandbox"}, "job_variables": {"command": "true"}}'
    key = httpx.BasicAuth(*stack.key.split(":"))._auth_header if with_key else None
    json_headers = {"Content-Type": "application/json"} | ({"Authorization": key} if key else {})

    fetch = fetch_from(foreign)
    assert "Failed to fetch" in fetch(f"{stack.api_url}/health")
    assert "Failed to fetch" in fetch(
        f"{stack.api_url}/deployments/filter", method="POST", body="{}", headers=json_headers
    )
    assert "Failed to fetch" in fetch(create, method="POST", body=body, headers=json_headers)
    assert "Failed to fetch" in fetch(create, method="POST", body=body)
    assert fetch(create, method="POST", body=body, mode="no-cors").startswith("opaque 0 ")
    assert fetch(f"{stack.api_url}/health", mode="no-cors").startswith("opaque 0 ")
    for path in ("events/in", "events/out", "logs/out"):
        assert foreign.evaluate(OPEN_SOCKET, f"ws://127.0.0.1:{stack.state.port}/api/{path}") == "refused"
    assert runs(owner) == before


def test_a_form_of_another_origin_starts_nothing(foreign, stack, owner, deployment):
    before = runs(owner)
    address = f"{stack.api_url}/deployments/{deployment}/create_flow_run"
    foreign.set_content(
        f"<form method=post enctype=text/plain action={address}><input name='{{}}' value=''></form>"
    )
    with foreign.expect_navigation() as went:
        foreign.evaluate("document.forms[0].submit()")
    assert went.value.status == 403
    assert runs(owner) == before


def test_a_page_cannot_show_the_ui_in_a_frame(foreign, stack):
    with foreign.expect_response(lambda answer: answer.url.startswith(stack.ui_url)) as framed:
        foreign.set_content(f"<iframe src='{stack.ui_url}/'></iframe>")
    assert framed.value.status == 403


def test_a_name_that_was_rebound_to_the_server_gets_nothing(page, fetch_from, stack):
    assert page.goto(f"http://evil.example:{stack.state.port}/").status == 421
    assert "421" in fetch_from(page)("/api/health")
    assert page.evaluate(OPEN_SOCKET, f"ws://evil.example:{stack.state.port}/api/events/out") == "refused"


def test_the_ui_asks_for_the_key_and_shows_deployments_and_runs_after_the_login(
    page, stack, owner, deployment
):
    body = {"parameters": {"name": "products", "target": "sandbox"}}
    run = owner.post(f"/deployments/{deployment}/create_flow_run", json=body).json()
    until(lambda: owner.get(f"/flow_runs/{run['id']}").json()["state"]["type"] == "COMPLETED")
    run = owner.get(f"/flow_runs/{run['id']}").json()  # which has named itself by its parameters
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{stack.ui_url}/deployments")
    page.get_by_placeholder("admin:pass").fill("admin:pass")
    with page.expect_response(lambda answer: answer.status == 401):
        page.get_by_role("button", name="Login").click()
    page.get_by_placeholder("admin:pass").fill(stack.key)
    page.get_by_role("button", name="Login").click()
    page.get_by_text("dummy", exact=True).first.wait_for()
    page.goto(f"{stack.ui_url}/runs")
    page.get_by_text(run["name"]).first.wait_for()  # it remembers the key
    assert [
        url for url in asked if not url.startswith((stack.ui_url, f"blob:{stack.ui_url}", "data:"))
    ] == [], "it calls nobody else"
