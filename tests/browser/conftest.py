"""A real browser: the system's Chromium, driven by Playwright from a lock of its own (`make test-all`)."""

from __future__ import annotations

import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flows.stack.stack import Stack

DUMMIES = Path(__file__).parents[1] / "flows" / "dummies"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP evil.example 127.0.0.1",
]
"""Nothing that calls out, and one foreign name that leads here, as after DNS rebinding."""

ASK = """async ([address, options]) => {
    try {
        const answer = await fetch(address, options);
        return `${answer.type} ${answer.status} ${await answer.text()}`;
    } catch (error) {
        return String(error);
    }
}"""


@pytest.fixture(scope="session")
def chromium():
    """A running browser; without one these tests fail, because nothing else proves what they prove."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert program, "Chromium is needed: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A page of a browser profile that nobody has used."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """A whole stack with one deployment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(DUMMIES))  # the worker imports the dummy flow
        with Stack(tmp_path_factory.mktemp("home"), deployments=DUMMIES / "prefect.yaml").running() as stack:
            yield stack


class EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>a page of somebody else</title>")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def port():
    """Of a web server that is not ours."""
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(params=["127.0.0.1", "evil.example"])
def foreign(request, page, port):
    """A page of another origin: another port of this machine, and a foreign name."""
    page.goto(f"http://{request.param}:{port}/")
    return page


@pytest.fixture
def fetch_from():
    """What a page's script gets to see of an answer: `fetch_from(page)(address, method="POST", mode="no-cors")`."""
    return lambda page: lambda address, **options: page.evaluate(ASK, [address, options])
