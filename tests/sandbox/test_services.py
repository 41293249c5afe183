"""The services by their options: what runs, and the arguments that a child process is given."""

import subprocess
import sys

import pytest

from sandbox import process, services
from sandbox.databricks.options import DatabricksOptions
from sandbox.elastic.options import ElasticOptions
from sandbox.model_server.options import ModelServerOptions
from sandbox.vertex.options import Durations, VertexOptions


def test_without_options_every_service_runs_with_its_defaults():
    assert services.chosen(()) == {
        "vertex": VertexOptions(),
        "elastic": ElasticOptions(),
        "databricks": DatabricksOptions(),
        "models": ModelServerOptions(),
    }


def test_only_services_whose_options_are_given_run():
    elastic = ElasticOptions(licence="basic")
    assert services.chosen([elastic]) == {"elastic": elastic}


def test_options_of_no_service_are_refused():
    with pytest.raises(TypeError, match="'elastic' are the options of no service"):
        services.chosen(["elastic"])


def test_nested_options_are_arguments_with_dots():
    words = process.arguments(VertexOptions(clock_factor=7, durations=Durations(deploy=9)))
    assert {"--vertex", "--no-elastic", "--no-databricks", "--clock-factor=7", "--durations.deploy=9"} <= set(
        words
    )


def test_names_of_switches_and_ports_are_unique():
    ports = [name for service in services.SERVICES for name in service.ports]
    assert len(set(ports)) == len(ports)
    assert len({service.name for service in services.SERVICES}) == len(services.SERVICES)


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("--clock-factor=0", "must be positive"),
        ("--upsert-delay=-1", "must not be negative"),
        ("--elastic.version=1.0", "8.13"),
        ("--models.context-tokens=0", "must be positive"),
    ],
)
def test_an_impossible_option_is_refused_before_anything_starts(tmp_path, word, problem):
    command = [sys.executable, "-m", "sandbox", "start", "--state", str(tmp_path / "state"), word]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode
    assert problem in " ".join((refused.stderr + refused.stdout).split())
    assert not (tmp_path / "state").exists()


def test_reading_the_list_loads_no_server():
    code = (
        "import sys, sandbox.services; print([m for m in ('grpc', 'numpy', 'uvicorn') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "[]\n"
