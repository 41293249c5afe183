"""`make deployments`: writes what repeats the catalog, so that nobody has to: deployments/prefect.yaml and README's table.

A test compares both with what this would write.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows import engines
from flows.engine import Engine, Entry
from tasks.program import PROGRAM

_ROOT = Path(__file__).parents[1]
DEPLOYMENTS = _ROOT / "deployments" / "prefect.yaml"
README = _ROOT / "README.md"

_TABLE = re.compile(r"(<!-- made by `make deployments` -->\n).*?(<!-- until here -->\n)", re.DOTALL)

_HEAD = """\
# Made by `make deployments` from the flows' catalog; do not edit. Every flow as a deployment, and nightly checks.
#
# On the local stack, `{program} up` registers all of this against the stand-ins. For real:
#
#   export PREFECT_API_URL=https://prefect.example.com/api   # your Prefect server
{variables}
#   prefect work-pool create vector-search --type process    # or another type; then change `work_pool` in a copy of this
#   prefect --no-prompt deploy --all --prefect-file deployments/prefect.yaml
#   prefect worker start --pool vector-search                # where vector-search-ops is installed, with its settings
#
# No deployment assumes a target: Prefect refuses to deploy while one of the variables above is not set. A worker that has
# lost its settings ({prefixes}) fails and says what is missing: it never falls back to the stand-ins.
# Secrets belong in the worker's environment or in blocks, never in parameters: Prefect stores those in clear.
# Files are named as the worker sees them: an absolute path, or gs://.
# The form of each deployment, its types and its explanations come from the flow's options.
#
# The nightly checks are switched off until they know their index: set the parameters, here or in the schedule of the
# deployment, one schedule per index, and then `active: true`. A gate that is not met fails the run, which is what an
# alert can hang on.

name: vector-search-ops

# The package is installed where the worker runs, so nothing is fetched. With dots throughout, an entrypoint is a module
# to import; with a colon it could be taken for a file.
pull: []

definitions:
  work_pool: &work_pool
    name: vector-search
"""


def deployments() -> str:
    """The text of deployments/prefect.yaml."""
    variables = "\n".join(
        f"#   export {f'{engine.target_variable}={engine.real_target}':<49} # {engine.title}"
        for engine in engines.ENGINES
    )
    prefixes = ", ".join(f"{engine.settings_prefix}*" for engine in engines.ENGINES)
    head = _HEAD.format(program=PROGRAM, variables=variables, prefixes=prefixes)
    definitions = "".join(map(_definitions, engines.ENGINES))
    return f"{head}{definitions}\ndeployments:\n" + "\n".join(
        deployment for engine in engines.ENGINES for deployment in _deployments(engine)
    )


def _definitions(engine: Engine[Any]) -> str:
    return (
        f"  {engine.name}_tags: &{engine.name}_tags [vector-search, {engine.name}]\n"
        f"  {engine.name}_target: &{engine.name}_target\n"
        f'    target: "{{{{ ${engine.target_variable} }}}}"\n'
    )


def _deployments(engine: Engine[Any]) -> Iterator[str]:
    for entry in engine.flows:
        yield _deployment(engine, entry, f"{engine.name}-{entry.name}", entry.line, f"*{engine.name}_tags")
        if entry.nightly:
            tags = f"[vector-search, {engine.name}, nightly]"
            nightly = entry.nightly
            parameters = ", ".join(
                f"{name}: {json.dumps(value)}" for name, value in nightly.parameters.items()
            )
            yield _deployment(engine, entry, f"{engine.name}-{entry.name}-nightly", nightly.line, tags) + (
                "    concurrency_limit: {limit: 1, collision_strategy: CANCEL_NEW} # a slow night does not pile up\n"
                "    schedules:\n"
                f'      - cron: "{nightly.cron}"\n'
                "        timezone: UTC\n"
                "        slug: nightly\n"
                "        active: false\n"
                f"        parameters: {{{parameters}}}\n"
            )


def _deployment(engine: Engine[Any], entry: Entry, name: str, line: str, tags: str) -> str:
    return (
        f"  - name: {name}\n"
        f"    entrypoint: {entry.entrypoint.replace(':', '.')}\n"
        f"    description: {json.dumps(line)}\n"
        f"    tags: {tags}\n"
        "    work_pool: *work_pool\n"
        f"    parameters: *{engine.name}_target\n"
    )


def command_table() -> str:
    """README's table of commands, in Markdown."""
    rows = [
        (f"`{engine.command(entry)}`", entry.line) for engine in engines.ENGINES for entry in engine.flows
    ]
    rows.append(("`up`, `status`, `down`, `env`, `demo`", "The local stack."))
    head = f"| `{PROGRAM} ...` | what it does |\n|---|---|\n"
    return head + "".join(f"| {command} | {line} |\n" for command, line in rows)


def readme(text: str) -> str:
    """README's text with the table as it is now."""
    return _TABLE.sub(lambda found: f"{found[1]}{command_table()}{found[2]}", text)


if __name__ == "__main__":
    DEPLOYMENTS.write_text(deployments())
    README.write_text(readme(README.read_text()))
