import pytest

from tasks.databricks.settings import databricks_settings
from tasks.elastic.settings import elastic_settings
from tasks.errors import InvalidInput
from tasks.models.settings import model_settings
from tasks.settings import check_env_file, home, sandbox_environment
from tasks.vertex.settings import vertex_settings


def test_home_is_a_folder_here_unless_the_environment_names_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VECTOR_SEARCH_HOME", raising=False)
    assert home() == tmp_path / ".vector-search-ops"
    monkeypatch.setenv("VECTOR_SEARCH_HOME", "elsewhere")
    assert home() == tmp_path / "elsewhere"


def test_an_env_file_that_is_not_utf8_is_named_and_not_quoted(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    check_env_file()
    (tmp_path / ".env").write_bytes(b"ELASTIC_API_KEY=hush-hush\xff\n")
    with pytest.raises(InvalidInput, match=r"not UTF-8.*\.env") as refused:
        check_env_file()
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\xff", b'{"environment": 1}', b"[" * 5_000], ids=lambda c: repr(c[:8])
)
def test_a_damaged_announcement_of_a_sandbox_is_refused(monkeypatch, tmp_path, content):
    file = tmp_path / "sandbox.json"
    file.write_bytes(content)
    monkeypatch.setenv("VECTOR_SEARCH_SANDBOX", str(file))
    with pytest.raises(InvalidInput, match=r"not what a running sandbox announces.*sandbox\.json"):
        sandbox_environment("ELASTIC_URL", "Elasticsearch")


@pytest.mark.parametrize(
    ("settings", "noun"),
    [
        (vertex_settings, "Vertex AI"),
        (elastic_settings, "Elasticsearch"),
        (databricks_settings, "Databricks"),
        (model_settings, "model server"),
    ],
    ids=["vertex", "elastic", "databricks", "models"],
)
def test_a_sandbox_without_the_stand_in_that_is_needed_is_refused_by_its_name(
    monkeypatch, tmp_path, settings, noun
):
    file = tmp_path / "sandbox.json"
    file.write_text('{"environment": {"OTHER": "1"}}')
    monkeypatch.setenv("VECTOR_SEARCH_SANDBOX", str(file))
    with pytest.raises(InvalidInput, match=f"The running sandbox has no {noun}.*vector-search up"):
        settings("sandbox")
