import json
import os
from base64 import b64encode

import pytest

from tasks.elastic.settings import elastic_settings, remote_settings
from tasks.errors import InvalidInput


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for variable in [v for v in os.environ if v.startswith(("ELASTIC_", "VECTOR_SEARCH_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


def announce(monkeypatch, folder, **environment):
    file = folder / "sandbox.json"
    file.write_text(json.dumps({"pid": 1, "environment": environment}))
    monkeypatch.setenv("VECTOR_SEARCH_SANDBOX", str(file))


def test_elastic_says_what_is_missing():
    with pytest.raises(InvalidInput, match="exactly one of ELASTIC_URL and ELASTIC_CLOUD_ID"):
        elastic_settings("elastic")


def test_elastic_reads_the_environment_and_keeps_secrets_out_of_sight(monkeypatch):
    monkeypatch.setenv("ELASTIC_URL", "https://search.example.org:9200")
    monkeypatch.setenv("ELASTIC_API_KEY", "very-secret")
    settings = elastic_settings("elastic")
    assert settings.api_key.get_secret_value() == "very-secret"
    assert "very-secret" not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ELASTIC_USERNAME": "u"}, "ELASTIC_USERNAME and ELASTIC_PASSWORD together"),
        (
            {"ELASTIC_USERNAME": "u", "ELASTIC_PASSWORD": "very-secret", "ELASTIC_API_KEY": "k"},
            "not both",
        ),
        ({"ELASTIC_CLOUD_ID": "c:aG9zdCRlcw=="}, "exactly one of"),
    ],
    ids=["name without password", "two credentials", "two addresses"],
)
def test_contradictions_are_refused_without_telling_a_secret(monkeypatch, variables, said):
    monkeypatch.setenv("ELASTIC_URL", "https://search.example.org:9200")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=said) as refused:
        elastic_settings("elastic")
    assert "very-secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def cloud_id(name, content):
    return f"{name}:{b64encode(content.encode()).decode()}"


@pytest.mark.parametrize(
    "value",
    [
        "very-secret",
        ":very-secret",
        "very-secret:",
        cloud_id("very-secret", "host.example"),
        "dmVyeS1zZWNyZXQ=",
    ],
)
def test_what_is_no_cloud_id_is_refused_and_never_shown(monkeypatch, value):
    monkeypatch.setenv("ELASTIC_CLOUD_ID", value)
    with pytest.raises(InvalidInput, match=r"ELASTIC_CLOUD_ID \(NAME:BASE64") as refused:
        elastic_settings("elastic")
    assert value not in str(refused.value)


def test_a_cloud_id_names_where_the_cluster_is(monkeypatch):
    monkeypatch.setenv("ELASTIC_CLOUD_ID", cloud_id("search", "host.example$of-elasticsearch$of-kibana"))
    assert elastic_settings("elastic").where == "search"


def test_the_sandbox_takes_nothing_from_the_real_clusters_variables(monkeypatch, tmp_path):
    monkeypatch.setenv("ELASTIC_URL", "https://search.example.org:9200")
    monkeypatch.setenv("ELASTIC_API_KEY", "very-secret")
    announce(monkeypatch, tmp_path, ELASTIC_URL="http://127.0.0.1:9200")
    settings = elastic_settings("sandbox")
    assert settings.url == "http://127.0.0.1:9200"
    assert settings.api_key is None


def test_a_sandbox_that_asks_for_a_key_announces_it(monkeypatch, tmp_path):
    announce(monkeypatch, tmp_path, ELASTIC_URL="http://127.0.0.1:9200", ELASTIC_API_KEY="k")
    assert elastic_settings("sandbox").api_key.get_secret_value() == "k"


def test_a_sandbox_without_elasticsearch_says_so(monkeypatch, tmp_path):
    announce(monkeypatch, tmp_path, VERTEX_PROJECT="p")
    with pytest.raises(InvalidInput, match="has no Elasticsearch"):
        elastic_settings("sandbox")


@pytest.mark.parametrize(
    ("value", "is_shown"),
    [
        ("localhost", True),
        ("search.example.org:9200", True),
        ("VnVhQ2ZHY0JDZGJrUW06dWkybHAyYXhUTm1zeWFr", False),
        ("eyJhbGciOi.eyJzdWIi.SflKxw", False),
    ],
)
def test_an_address_without_a_scheme_is_shown_unless_it_may_be_a_key(value, is_shown, monkeypatch):
    monkeypatch.setenv("ELASTIC_URL", value)
    with pytest.raises(InvalidInput, match=r"begins with https:// or http://") as refused:
        elastic_settings("elastic")
    assert (value in str(refused.value)) == is_shown


def test_errors_about_another_cluster_name_its_own_variables(monkeypatch):
    monkeypatch.setenv("ELASTIC_REMOTE_URL", "https://old.example.org:9200")
    monkeypatch.setenv("ELASTIC_REMOTE_USERNAME", "u")
    with pytest.raises(InvalidInput, match="ELASTIC_REMOTE_USERNAME and ELASTIC_REMOTE_PASSWORD together"):
        remote_settings("sandbox")
