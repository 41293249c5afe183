"""Fixtures of a folder whose tests build one index under their own name. The folder's conftest says the `engine`, `data` and `service`."""

from __future__ import annotations

import json

import pytest


def seen(command):
    """What the steps of a command with `--json` saw, one after the other."""
    return "\n".join(f"{step['step']}: {step['seen']}" for step in json.loads(command.out)["steps"])


@pytest.fixture
def command(run, begin, name, engine):
    """Runs a flow under the test's name: `command(service, "build", "--data", file)`; begins it with `begun=True`."""

    def of(service, flow, *options, code=0, begun=False, name=name):
        words = [engine, flow, "--name", name, "--target", "sandbox", *options]
        return begin(service, *words) if begun else run(service, *words, code=code)

    return of


@pytest.fixture
def build(command, data):
    """Builds under the test's name: `build(service, "--min-recall", 1, data=other)`."""
    own = data
    return lambda service, *options, data=None, **how: command(
        service, "build", "--data", data or own, *options, **how
    )


@pytest.fixture
def found(home, name, engine):
    """The facts of the last report of a flow on the test's name: `found()`, `found("verify")`."""

    def facts(flow="query", name=name):
        files = sorted((home / "reports").glob(f"{engine}-{flow}-{name}-*.json"))
        return json.loads(files[-1].read_text())["facts"]

    return facts
