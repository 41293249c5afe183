"""`make deployments`: writes what is made from the engines' lists of flows.

That is a file of deployments for each type of work pool, the tables of commands and of settings in docs/, and the options of every command
(`flows/commands.py`). A test fails when one of them is out of date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from flows import commands, engines
from flows.command_line.tree import groups
from flows.engine import Engine, Entry
from flows.work_pools import POOLS, WorkPool
from tasks.databricks.settings import DatabricksSettings
from tasks.elastic.settings import ElasticSettings
from tasks.files import write_whole
from tasks.models.settings import ModelSettings
from tasks.program import PROGRAM
from tasks.vertex.settings import GoogleCloudSettings

_ROOT = Path(__file__).parents[1]
COMMANDS = _ROOT / "docs" / "commands.md"
SETTINGS = _ROOT / "docs" / "settings.md"

_TABLES = re.compile(r"(<!-- made by `make deployments` -->\n).*?(<!-- until here -->\n)", re.DOTALL)

_SWEEP = Entry(
    "sweep",
    "flows.sweeping.sweep:sweep",
    "List every hour what of ours is idle or expired on the target; removes it only with `apply: true`.",
)
_SETTINGS: tuple[tuple[str, str, type[BaseModel], tuple[str, ...]], ...] = (
    ("Vertex AI Vector Search and collections", "VERTEX_", GoogleCloudSettings, ()),
    ("Elasticsearch", "ELASTIC_", ElasticSettings, ()),
    (
        "Another Elasticsearch cluster, which `elastic embed --source-remote` reads",
        "ELASTIC_REMOTE_",
        ElasticSettings,
        ("cloud_id", "ca_file", "ca_fingerprint"),
    ),
    ("Databricks Vector Search", "DATABRICKS_", DatabricksSettings, ()),
    ("The model that answers and embeds", "OPENAI_", ModelSettings, ()),
)
"""Title, prefix of the variables, the settings, and those of them that nobody sets."""

_HEAD = """\
# Written by `make deployments`; do not edit. Every flow is a deployment, and there are nightly checks.
#
# {where}
#
#   export PREFECT_API_URL=https://prefect.example.com/api   # your Prefect server
{variables}
#   {create}
#   {program} deploy{option}
#   prefect worker start --pool {pool.name}{started}
#
# `prefect --no-prompt deploy --all --prefect-file {pool.file}` does the same, but says with a stack trace that a
# variable is not set. No deployment assumes a target.
# {settings}
# Name files as the run sees them: by an absolute path, or by a gs:// address.
# The form of each deployment, with types and explanations, comes from the flow's options.
#
# The hourly sweeps are switched off too. They only list, until their schedule says `apply: true`.
#
# The nightly checks are switched off until their index is set: set the parameters of the schedule, one schedule per
# index, and `active: true`. A gate that is not met fails the run, so that an automation can raise an alert.

name: vector-search-ops

# The package is installed where the flow runs, so nothing is pulled. Entrypoints are modules to import: written with
# dots only, because Prefect may take one with a colon for a file.
pull: []

definitions:
  work_pool: &work_pool
    name: {pool.name}
"""


def deployments(pool: WorkPool) -> str:
    """The text of the file of deployments for a type of work pool."""
    titles = dict[str, list[str]]()  # Engines of one service share the variable.
    for engine in engines.ENGINES:
        titles.setdefault(f"{engine.target_variable}={engine.real_target}", []).append(engine.title)
    exports = {name: ", ".join(of) for name, of in titles.items()} | dict(pool.variables)
    prefixes = ", ".join(dict.fromkeys(f"{engine.settings_prefix}*" for engine in engines.ENGINES))
    head = _HEAD.format(
        program=PROGRAM,
        pool=pool,
        where=pool.where.format(program=PROGRAM),
        variables="\n".join(f"#   export {set_:<49} # {of}" for set_, of in exports.items()),
        create=pool.create(),
        option="" if pool.type == "process" else f" --work-pool-type {pool.type}",
        started=pool.started,
        settings=pool.settings.format(prefixes=prefixes),
    )
    job = "".join(f"      {name}: {json.dumps(value)}\n" for name, value in pool.job_variables.items())
    definitions = (f"    job_variables:\n{job}" if job else "") + "".join(map(_definitions, engines.ENGINES))
    return f"{head}{definitions}\ndeployments:\n" + "\n".join(
        deployment for engine in engines.ENGINES for deployment in (*_deployments(engine), *_sweep(engine))
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


def _sweep(engine: Engine[Any]) -> Iterator[str]:
    """The sweep of everything on an engine's target, once for the engines that share one."""
    sharing = [one for one in engines.ENGINES if one.built and one.target_variable == engine.target_variable]
    if not sharing or sharing[0] is not engine:
        return
    tags = f"[vector-search, {engine.name}, sweep]"
    yield _deployment(engine, _SWEEP, f"{engine.name}-sweep", _SWEEP.line, tags) + (
        "    concurrency_limit: {limit: 1, collision_strategy: CANCEL_NEW}\n"
        "    schedules:\n"
        '      - cron: "20 * * * *"\n'
        "        timezone: UTC\n"
        "        slug: hourly\n"
        "        active: false\n"
        '        parameters: {idle: "24h", apply: false}\n'
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


def command_tables() -> str:
    """The tables of docs/commands.md, in Markdown: one for each group of commands."""
    return "\n".join(
        f"## {title}\n\n| `{PROGRAM} ...` | what it does |\n|---|---|\n"
        + "".join(f"| `{command}` | {line} |\n" for command, line in rows)
        for title, rows in groups().items()
    )


def settings_tables() -> str:
    """The tables of docs/settings.md, in Markdown: one for each service, from the fields of its settings."""
    return "\n".join(
        f"## {title}\n\n| variable | what it is |\n|---|---|\n"
        + "".join(
            f"| `{prefix}{name.upper()}` | {field.description} |\n"
            for name, field in settings.model_fields.items()
            if name not in without
        )
        for title, prefix, settings, without in _SETTINGS
    )


def with_tables(text: str, tables: str) -> str:
    """A document's text with these tables between its marks."""
    return _TABLES.sub(lambda found: f"{found[1]}{tables}{found[2]}", text)


if __name__ == "__main__":
    for pool in POOLS.values():
        write_whole(pool.path, deployments(pool))
    for file, tables in ((COMMANDS, command_tables()), (SETTINGS, settings_tables())):
        write_whole(file, with_tables(file.read_text(), tables))
    for engine in engines.ENGINES:
        write_whole(commands.file_of(engine), commands.written(engine))
