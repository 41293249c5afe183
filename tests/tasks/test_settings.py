from tasks.settings import home


def test_home_is_a_folder_here_unless_the_environment_names_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VECTOR_SEARCH_HOME", raising=False)
    assert home() == tmp_path / ".vector-search-ops"
    monkeypatch.setenv("VECTOR_SEARCH_HOME", "elsewhere")
    assert home() == tmp_path / "elsewhere"
