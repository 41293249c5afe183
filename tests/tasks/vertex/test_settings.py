import json
import os
import traceback

import pytest

from tasks.errors import InvalidInput
from tasks.redaction import redacted
from tasks.vertex.settings import vertex_settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for variable in [v for v in os.environ if v.startswith(("VERTEX_", "VECTOR_SEARCH_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


def write_sandbox_file(folder):
    file = folder / "sandbox" / "sandbox.json"
    file.parent.mkdir(parents=True)
    environment = {
        "VERTEX_PROJECT": "sandbox-project",
        "VERTEX_LOCATION": "us-central1",
        "VERTEX_NETWORK": "projects/123/global/networks/sandbox",
        "VERTEX_API_ENDPOINT": "localhost:4000",
        "STORAGE_EMULATOR_HOST": "http://127.0.0.1:5000",
        "VERTEX_CA_FILE": str(folder / "ca.pem"),
    }
    file.write_text(json.dumps({"pid": 1, "environment": environment}))


def test_the_key_in_a_sandboxs_storage_address_is_shown_by_no_message(monkeypatch, tmp_path):
    monkeypatch.setenv("VECTOR_SEARCH_HOME", str(tmp_path))
    write_sandbox_file(tmp_path)
    file = tmp_path / "sandbox" / "sandbox.json"
    file.write_text(file.read_text().replace(":5000", ":5000/kEy-oF_storage"))
    address = vertex_settings("sandbox").storage_endpoint
    assert address == "http://127.0.0.1:5000/kEy-oF_storage"
    assert (
        redacted(f"404 GET {address}/storage/v1/b/x")
        == "404 GET http://127.0.0.1:5000/********/storage/v1/b/x"
    )


def test_google_cloud_names_every_setting_that_is_missing():
    with pytest.raises(InvalidInput, match="VERTEX_LOCATION and VERTEX_PROJECT"):
        vertex_settings("google-cloud")


def test_google_cloud_reads_the_environment(monkeypatch):
    monkeypatch.setenv("VERTEX_PROJECT", "mine")
    monkeypatch.setenv("VERTEX_LOCATION", "europe-west4")
    settings = vertex_settings("google-cloud")
    assert settings.parent == "projects/mine/locations/europe-west4"
    assert settings.bucket_name == "mine-vector-search-europe-west4"
    assert not settings.is_sandbox


@pytest.mark.parametrize(
    "name",
    ["VERTEX_CA_FILE", "VERTEX_STORAGE_ENDPOINT", "VERTEX_NETWORKS_ENDPOINT", "VERTEX_ACCESS_TOKEN"],
)
def test_google_cloud_is_never_taken_for_a_sandbox(monkeypatch, name):
    for variable, value in {"VERTEX_PROJECT": "mine", "VERTEX_LOCATION": "us-east1", name: "x"}.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidInput, match="a sandbox's own"):
        vertex_settings("google-cloud")


def test_a_secret_is_not_shown_with_what_is_missing(monkeypatch):
    monkeypatch.setenv("VERTEX_LOCATION", "")
    monkeypatch.setenv("VERTEX_JWT", "hush-hush")
    with pytest.raises(InvalidInput, match=r"VERTEX_LOCATION \(.*\) and VERTEX_PROJECT") as refused:
        vertex_settings("google-cloud")
    assert "hush-hush" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("value", ["../other", "My Project", "hush/hush", "hush\x00hush", "", "a:b:c"])
@pytest.mark.parametrize("name", ["VERTEX_PROJECT", "VERTEX_LOCATION"])
def test_what_cannot_be_a_project_or_a_region_is_refused_and_never_shown(monkeypatch, name, value):
    environment = {"VERTEX_PROJECT": "mine", "VERTEX_LOCATION": "us-east1", name: value}
    monkeypatch.setattr(os, "environ", environment)  # a real one holds no zero byte
    with pytest.raises(InvalidInput, match=rf"{name} \(a (project|region)") as refused:
        vertex_settings("google-cloud")
    assert not value or value not in str(refused.value)


@pytest.mark.parametrize("project", ["my-project-1", "example.com:my-project", "1234"])
def test_projects_are_ids_of_today_of_old_ones_with_a_domain_or_numbers(monkeypatch, project):
    monkeypatch.setenv("VERTEX_PROJECT", project)
    monkeypatch.setenv("VERTEX_LOCATION", "us-east1")
    assert vertex_settings("google-cloud").project == project


@pytest.mark.parametrize(
    ("given", "projects"), [(None, ()), ("", ()), ("one", ("one",)), ("one, two,", ("one", "two"))]
)
def test_the_projects_that_may_connect_are_separated_by_commas(given, projects, monkeypatch):
    monkeypatch.setenv("VERTEX_PROJECT", "mine")
    monkeypatch.setenv("VERTEX_LOCATION", "us-east1")
    if given is not None:
        monkeypatch.setenv("VERTEX_PSC_PROJECTS", given)
    assert vertex_settings("google-cloud").psc_projects == projects


def test_google_cloud_reads_a_dotenv_file(tmp_path):
    (tmp_path / ".env").write_text("VERTEX_PROJECT=mine\nVERTEX_LOCATION=us-east1\nOTHER=1\n")
    assert vertex_settings("google-cloud").project == "mine"


def test_a_sandbox_that_does_not_run_says_how_to_start_one():
    with pytest.raises(InvalidInput, match="vector-search up"):
        vertex_settings("sandbox")


def test_the_sandbox_takes_nothing_from_the_real_projects_variables(monkeypatch, tmp_path):
    write_sandbox_file(tmp_path / "home")
    monkeypatch.setenv("VECTOR_SEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VERTEX_PROJECT", "the-real-one")
    monkeypatch.setenv("VERTEX_BUCKET", "the-real-bucket")
    settings = vertex_settings("sandbox")
    assert settings.project == "sandbox-project"
    assert settings.bucket_name == "sandbox-project-vector-search-us-central1"
    assert settings.is_sandbox


def test_a_secret_is_not_shown_with_the_settings(monkeypatch):
    monkeypatch.setenv("VERTEX_PROJECT", "mine")
    monkeypatch.setenv("VERTEX_LOCATION", "us-east1")
    monkeypatch.setenv("VERTEX_JWT", "hush-hush")
    settings = vertex_settings("google-cloud")
    assert "hush-hush" not in repr(settings)
    assert settings.jwt is not None
    assert settings.jwt.get_secret_value() == "hush-hush"
