"""Bad inputs, settings and clusters: one clear paragraph, the right exit code, and nothing changed."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
AT_ONCE = 4


@pytest.fixture
def refused(begin):
    """Runs commands that must be refused: (cluster, environment, words, code, parts of the paragraph)."""

    def check(*commands):
        for first in range(0, len(commands), AT_ONCE):
            running = [
                (begin(cluster, "elastic", *words, **environment), code, parts)
                for cluster, environment, words, code, parts in commands[first : first + AT_ONCE]
            ]
            for command, code, parts in running:
                assert command.code == code, command.err
                for part in parts:
                    assert part in command.error, command.words

    return check


@pytest.mark.core
def test_a_wrong_input_of_an_embedding_is_named(cluster, name, movies, refused, tmp_path):
    source = cluster.store(f"{name}-source", movies[:8])
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"query": "cat", "expected": ["x"]}\n{"query": "dog"}\n')
    writes = cluster.writes

    def embed(number, **changed):
        words = {
            "--name": f"{name}-{number}",
            "--source": source,
            "--fields": "plot",
            "--deployment": "ingest",
        }
        words |= {f"--{key.replace('_', '-')}": value for key, value in changed.items()}
        return ["embed", *(part for pair in words.items() for part in pair), "--target", "sandbox"]

    refused(
        (cluster, {}, embed(1, fields="plott"), 2, ["plott", "Accepted: ", "plot", "title"]),
        (cluster, {}, embed(2, source="nowhere"), 2, ["'nowhere'", "elastic load"]),
        (cluster, {}, embed(3, deployment="nobody"), 2, ["'nobody'", "elastic deploy"]),
        (cluster, {}, embed(4, search_deployment="nobody"), 2, ["'nobody'", "elastic deploy"]),
        (cluster, {}, embed(5, queries=queries), 2, ["Line 2", str(queries)]),
        (cluster, {}, embed(6, queries="/nowhere.jsonl"), 2, ["/nowhere.jsonl", "No such file"]),
        (cluster, {}, embed(7, name="Films"), 2, ["name"]),
        (cluster, {}, embed(8, fields="year"), 1, ["year"]),
    )
    assert cluster.writes == writes


def test_an_alias_that_could_not_move_is_refused_before_anything_is_embedded(cluster, name, movies, refused):
    source = cluster.store(f"{name}-source", movies[:8])
    cluster.client.indices.create(index=f"{name}-other")
    cluster.client.indices.put_alias(index=source, name=f"{name}-foreign")
    cluster.client.indices.put_alias(index=f"{source},{name}-other", name=f"{name}-two")
    writes, inferences = cluster.writes, cluster.inferences()

    def embed(alias):
        words = ["--source", source, "--fields", "plot", "--deployment", "ingest", "--target", "sandbox"]
        return ["embed", "--name", alias, *words]

    refused(
        (cluster, {}, embed(source), 2, [f"'{source}'", "the name of their source", "two different names"]),
        (cluster, {}, embed(f"{name}-other"), 2, [f"'{name}-other'", "the name of an index", "no index has"]),
        (cluster, {}, embed(f"{name}-foreign"), 1, [f"'{name}-foreign'", source, "Choose another alias"]),
        (cluster, {}, embed(f"{name}-two"), 2, ["points at 2 indices", source]),
    )
    assert cluster.writes == writes
    assert cluster.inferences() == inferences


def test_a_wrong_file_of_documents_is_named_with_its_line(cluster, name, refused, tmp_path):
    bad, double = tmp_path / "bad.jsonl", tmp_path / "double.jsonl"
    bad.write_text('{"id": "a", "plot": "x"}\n{"id": "b", "plot": \n')
    double.write_text('{"id": "a", "plot": "x"}\n{"plot": "y"}\n')
    writes = cluster.writes

    def load(data):
        return ["load", "--name", name, "--data", data, "--id-field", "id", "--target", "sandbox"]

    refused(
        (cluster, {}, load("/nowhere.jsonl"), 2, ["/nowhere.jsonl", "No such file"]),
        (cluster, {}, load(bad), 2, ["ine 2", str(bad)]),
        (cluster, {}, load(double), 2, ["ine 2", "id"]),
        (
            cluster,
            {},
            ["search", "--name", name, "--text", "x", "--target", "sandbox"],
            1,
            [name, "elastic embed"],
        ),
    )
    assert cluster.writes == writes


def test_an_index_loaded_without_the_default_pipeline_is_not_loaded_with_it(
    cluster, elastic, name, refused, tmp_path
):
    data = tmp_path / "films.jsonl"
    data.write_text('{"id": "a", "title": "Alien"}\n')
    load = ["load", "--name", name, "--data", data, "--id-field", "id", "--target", "sandbox"]
    elastic(cluster, *load[:-2])
    writes = cluster.writes
    differs = [name, "default_pipeline=None", f"'{name}-lowercase' was requested", "Choose another name"]
    refused((cluster, {}, [*load, "--lowercase-field", "title"], 1, differs))
    assert cluster.writes == writes


def test_an_index_that_refuses_documents_still_gets_its_final_settings(cluster, name, refused, tmp_path):
    data = tmp_path / "films.jsonl"
    data.write_text('{"id": "a", "year": 1979}\n{"id": "b", "year": "unknown"}\n')
    load = ["load", "--name", name, "--data", data, "--id-field", "id", "--target", "sandbox"]
    refused((cluster, {}, load, 1, ["1 of 2 documents were refused", "line 2 (b)"]))
    settings = cluster.client.indices.get(index=name)[name]["settings"]["index"]
    assert settings["number_of_replicas"] == "1"
    assert "refresh_interval" not in settings


def test_a_deployment_that_does_not_fit_is_told_before_anything_is_started(cluster_with, name, refused):
    cluster = cluster_with(ml_nodes=1)
    deploy = ["deploy", "--name", name, "--target", "sandbox"]
    too_much = ["--ingest-allocations", 3, "--ingest-threads", 8, "--queue-capacity", 7000]
    refused(
        (cluster, {}, [*deploy, *too_much], 1, [
            f"'{name}-ingest' does not fit: 3 allocations of 8 threads requested, room for 1",
            "The nearest setting that fits is ", "Nothing was started.",
        ]),
        (cluster, {}, [*deploy, "--model-id", "nobody"], 2, ["'nobody'", ".elser_model_2"]),
    )  # fmt: skip
    assert "ml.start_trained_model_deployment" not in cluster.writes


def test_a_cluster_that_cannot_run_the_flows_says_what_it_lacks(cluster_with, name, refused):
    basic, empty = cluster_with(licence="basic"), cluster_with(ml_nodes=0)
    deploy = ["deploy", "--name", name, "--target", "sandbox"]
    refused(
        (basic, {}, ["check", "--target", "sandbox"], 1, ["license", "basic"]),
        (basic, {}, deploy, 1, ["license", "basic"]),
        (empty, {}, ["check", "--target", "sandbox"], 1, ["node"]),
        (empty, {}, deploy, 1, ["node"]),
    )
    assert not basic.writes
    assert not empty.writes


def test_settings_that_are_missing_or_cannot_be_are_told_with_what_to_set(refused):
    check = ["check", "--target", "elastic"]
    here = "http://127.0.0.1:9200"
    refused(
        (None, {}, check, 2, ["ELASTIC_URL", "ELASTIC_CLOUD_ID"]),
        (None, {"ELASTIC_URL": here, "ELASTIC_USERNAME": "me"}, check, 2, ["ELASTIC_PASSWORD"]),
        (None, {"ELASTIC_URL": "localhost"}, check, 2, ["ELASTIC_URL", "localhost"]),
        (None, {"ELASTIC_CLOUD_ID": "nonsense"}, check, 2, ["ELASTIC_CLOUD_ID"]),
    )


def test_an_api_key_that_is_wrong_or_missing_is_told_with_where_a_stand_in_has_it(cluster_with, refused):
    address = {"ELASTIC_URL": cluster_with().settings.url}
    check, told = (
        ["check", "--target", "elastic"],
        ["no credentials", "ELASTIC_API_KEY", "python -m sandbox env"],
    )
    refused((None, address | {"ELASTIC_API_KEY": "wrong"}, check, 2, told), (None, address, check, 2, told))


def test_nobody_at_the_address_is_told_at_once(refused):
    here = {"ELASTIC_URL": "http://127.0.0.1:9"}
    refused((None, here, ["check", "--target", "elastic"], 1, ["no answer", "ELASTIC_URL"]))


def test_a_sandbox_without_elasticsearch_says_how_to_get_one(refused, tmp_path):
    announced = tmp_path / "sandbox.json"
    announced.write_text('{"environment": {}}')
    here = {"VECTOR_SEARCH_SANDBOX": str(announced)}
    refused((None, here, ["check", "--target", "sandbox"], 2, ["has no Elasticsearch", "vector-search up"]))
