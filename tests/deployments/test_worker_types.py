"""The real workers for Docker and Kubernetes take the job templates (`make compat` installs their packages)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.work_pools import DOCKER, KUBERNETES

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / ".venv" / "work-pools"
pytestmark = [
    pytest.mark.compat,
    pytest.mark.skipif(
        not PACKAGES.is_dir(), reason=f"no packages in {PACKAGES}: make .venv/work-pools/.ready"
    ),
]
PREPARE = """
import asyncio, json, sys, uuid
from pathlib import Path
from unittest.mock import Mock
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from {package}.worker import {kind}Worker as Worker, {kind}WorkerJobConfiguration as Configuration

template = json.loads(Path(sys.argv[1]).read_text())
client = PrefectClient("http://127.0.0.1:1/api")
made = asyncio.run(Configuration.from_template_and_values(template, {{"image": "an:image"}}, client=client))
made.prepare_for_flow_run(FlowRun(id=uuid.uuid4(), flow_id=uuid.uuid4(), name="build words", parameters={{}}))
"""


def prepared(pool, package, kind, seen):
    program = f"{PREPARE.format(package=package, kind=kind)}print(json.dumps({seen}))"
    path = os.pathsep.join([str(PACKAGES), str(ROOT)])
    ended = subprocess.run(
        [sys.executable, "-c", program, str(ROOT / pool.template)],
        env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_the_docker_worker_makes_a_container_of_a_run():
    docker = 'Mock(version=lambda: {"Version": "28.0.0"})'
    made = prepared(
        DOCKER, "prefect_docker", "Docker", f"Worker._build_container_settings(Mock(), {docker}, made)"
    )
    assert (made["image"], made["command"], made["name"]) == (
        "an:image",
        "prefect flow-run execute",
        "build-words",
    )
    assert (made["read_only"], made["init"], made["mem_limit"]) == (True, True, "1g")


def test_the_kubernetes_worker_makes_a_job_of_a_run():
    manifest = prepared(KUBERNETES, "prefect_kubernetes", "Kubernetes", "made.job_manifest")
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["args"]) == ("an:image", ["prefect", "flow-run", "execute"])
    assert manifest["metadata"]["generateName"] == "build-words-"
    assert manifest["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] is True
