"""What a job template makes of a run, by the rules of Prefect's workers but without their packages."""

from __future__ import annotations

import json
import re
from pathlib import Path

from prefect.utilities.templating import apply_values

IMAGE = "registry.example.com/vector-search-ops:0.1.0"
COMMAND = "prefect flow-run execute"
LIMIT = "2Gi"
PLACEHOLDER = re.compile(r"\{\{ (\w+) \}\}")
ROOT = Path(__file__).parents[2]


def template(pool):
    return json.loads((ROOT / pool.template).read_text())


def job(pool, **values):
    """The configuration of a job: the template with its defaults and these values."""
    written = template(pool)
    defaults = {
        name: one["default"]
        for name, one in written["variables"]["properties"].items()
        if one.get("default") is not None
    }
    return apply_values(written["job_configuration"], defaults | {"command": COMMAND} | values)


def kubernetes_pod(manifest):
    """The pod of a job's manifest, and its container."""
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    return pod, container
