"""The work pools for Docker and Kubernetes: their deployments, and the container or the job that their templates make of a run."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import yaml
from prefect.client.orchestration import PrefectClient
from prefect.workers.base import BaseJobConfiguration

from flows import generate
from flows.command_line import deploying
from flows.engines import ENGINES
from flows.work_pools import DOCKER, KUBERNETES, POOLS, PROCESS
from tasks.errors import InvalidInput
from tests.deployments.job_templates import COMMAND, IMAGE, LIMIT, PLACEHOLDER, job, kubernetes_pod, template

ROOT = Path(__file__).parents[2]
IN_CONTAINERS = [DOCKER, KUBERNETES]


@pytest.mark.parametrize("pool", POOLS.values(), ids=lambda pool: pool.type)
def test_the_deployments_are_what_the_catalog_makes_of_them(pool):
    assert pool.path.read_text() == generate.deployments(pool), "out of date: make deployments"


@pytest.mark.parametrize("pool", IN_CONTAINERS, ids=lambda pool: pool.type)
def test_other_pools_have_the_same_deployments_and_take_the_image_from_a_variable(pool):
    processes, others = (yaml.safe_load(one.path.read_text())["deployments"] for one in (PROCESS, pool))
    where = {"name": pool.name, "job_variables": {"image": "{{ $VECTOR_SEARCH_IMAGE }}"}}
    assert others == [one | {"work_pool": where} for one in processes]


@pytest.mark.parametrize("pool", IN_CONTAINERS, ids=lambda pool: pool.type)
def test_every_variable_of_a_job_template_is_explained_and_used(pool):
    written = template(pool)
    variables = written["variables"]["properties"]
    assert set(PLACEHOLDER.findall(json.dumps(written["job_configuration"]))) == variables.keys()
    assert [name for name, one in variables.items() if not (one["title"] and one["description"])] == []
    assert pool.job_variables.keys() <= variables.keys()


@pytest.mark.parametrize("pool", IN_CONTAINERS, ids=lambda pool: pool.type)
def test_prefect_takes_command_and_settings_of_a_run_from_the_template(pool):
    client = PrefectClient("http://127.0.0.1:1/api")  # nothing is asked of it
    values = {"env": {"VERTEX_PROJECT": "mine"}, "image": IMAGE, "command": COMMAND}
    configuration = asyncio.run(
        BaseJobConfiguration.from_template_and_values(template(pool), values, client=client)
    )
    assert configuration.command == COMMAND
    assert configuration.env == {"VERTEX_PROJECT": "mine"}


def test_a_container_is_the_image_without_root_and_with_a_limit():
    made = job(DOCKER, image=IMAGE, mem_limit=LIMIT)
    assert (made["image"], made["mem_limit"], made["command"]) == (IMAGE, LIMIT, COMMAND)
    assert made["privileged"] is False
    assert made["container_create_kwargs"]["read_only"] is True
    assert made["container_create_kwargs"]["cap_drop"] == ["ALL"]
    assert made["volumes"] == ["vector-search:/var/lib/vector-search"]


def test_a_job_is_the_image_without_root_with_settings_and_a_limit():
    made = job(KUBERNETES, image=IMAGE, memory=LIMIT)
    pod, container = kubernetes_pod(made["job_manifest"])
    assert made["job_manifest"]["spec"]["backoffLimit"] == 0, "a run is started again by Prefect alone"
    assert (container["image"], container["args"]) == (IMAGE, COMMAND)
    assert container["resources"]["limits"] == {"memory": LIMIT}
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert [next(iter(one.values()))["name"] for one in container["envFrom"]] == ["vector-search"] * 2
    assert {one["name"] for one in pod["volumes"]} == {one["name"] for one in container["volumeMounts"]}


@pytest.mark.parametrize("pool", IN_CONTAINERS, ids=lambda pool: pool.type)
def test_no_placeholder_is_left_in_a_job(pool):
    assert PLACEHOLDER.findall(json.dumps(job(pool, name="build words", namespace="here"))) == []


@pytest.fixture
def variables(monkeypatch):
    """Sets the target of every engine, the image and no server."""
    for engine in ENGINES:
        monkeypatch.setenv(engine.target_variable, engine.real_target)
    monkeypatch.setenv("VECTOR_SEARCH_IMAGE", IMAGE)
    return monkeypatch


def test_a_missing_target_is_one_sentence_before_anything_is_asked(variables):
    variables.delenv("VECTOR_SEARCH_TARGET")
    variables.setenv("VECTOR_SEARCH_ELASTIC_TARGET", "")
    with pytest.raises(InvalidInput) as refused:
        deploying.deploy()
    assert str(refused.value).startswith(
        "The deployments need VECTOR_SEARCH_TARGET, VECTOR_SEARCH_ELASTIC_TARGET (from the environment)."
    )
    assert "export VECTOR_SEARCH_TARGET=google-cloud VECTOR_SEARCH_ELASTIC_TARGET=elastic" in str(
        refused.value
    )


@pytest.mark.parametrize("type_", ["docker", "kubernetes"])
def test_a_missing_image_is_too(variables, type_):
    variables.delenv("VECTOR_SEARCH_IMAGE")
    with pytest.raises(InvalidInput, match="need VECTOR_SEARCH_IMAGE"):
        deploying.deploy(work_pool_type=type_, engines=("vertex",))


def test_a_target_or_an_engine_that_there_is_not_is_refused(variables):
    variables.setenv("VECTOR_SEARCH_ELASTIC_TARGET", "google-cloud")
    with pytest.raises(InvalidInput, match=r"'google-cloud' .* Accepted: sandbox, elastic"):
        deploying.deploy(engines=("elastic",))
    with pytest.raises(InvalidInput, match="no such engine: 'elasticsearch'"):
        deploying.deploy(engines=("elasticsearch",))


def test_a_target_may_be_a_block(variables):
    variables.setenv("VECTOR_SEARCH_ELASTIC_TARGET", "block:Not this")
    with pytest.raises(InvalidInput, match="A block cannot have this name: 'Not this'"):
        deploying.deploy(engines=("elastic",))
    variables.setenv("VECTOR_SEARCH_ELASTIC_TARGET", "block:production")
    variables.setattr("flows.command_line.prefect_api.use_api", lambda: "nowhere")
    variables.setattr(deploying, "_check_pool", lambda *_: None)
    registered = []
    variables.setattr(deploying, "register", lambda *_, **how: registered.append(how["engines"]) or 1)
    deploying.deploy(engines=("elastic",), json=True)
    assert registered == [("elastic",)]
