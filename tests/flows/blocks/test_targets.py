"""Blocks as targets: what they hold, what they refuse, and that nothing of a secret is said."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import httpx
import pytest
from prefect.exceptions import ObjectNotFound

from flows import engines, inventory
from flows.blocks import keeping, loading
from flows.blocks.targets import TARGETS, AnswerModel, DatabricksTarget, ElasticTarget, GoogleCloudTarget
from flows.command_line.tree import parse
from flows.engines import ENGINES
from flows.targets import Target, block_of, of_block
from tasks.databricks.settings import DatabricksSettings
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput
from tasks.models.settings import ModelSettings
from tasks.vertex.settings import OF_A_SANDBOX, VertexSettings

SECRET = "planted-secret"
HELD = {
    GoogleCloudTarget: ({"project": "shop", "location": "us-central1", "jwt": SECRET}, VertexSettings),
    ElasticTarget: ({"url": "https://search.example.org:9200", "api_key": SECRET}, ElasticSettings),
    DatabricksTarget: (
        {"host": "https://dbc-1.cloud.databricks.com", "catalog_schema": "main.default", "token": SECRET},
        DatabricksSettings,
    ),
    AnswerModel: ({"base_url": "https://api.example.org/v1", "api_key": SECRET}, ModelSettings),
}


class Prefect:
    """The part of a server that keeps blocks: `{(slug, name): data}`."""

    def __init__(self, blocks):
        self.blocks = blocks

    def read_block_document_by_name(self, name, slug, include_secrets):
        assert include_secrets
        if (slug, name) not in self.blocks:
            raise ObjectNotFound(Exception(name))
        return SimpleNamespace(data=self.blocks[slug, name])

    def read_block_documents_by_type(self, slug, include_secrets):
        assert not include_secrets
        names = [name for of, name in self.blocks if of == slug]
        if not names:
            request = httpx.Request("GET", "http://prefect")
            raise httpx.HTTPStatusError("404", request=request, response=httpx.Response(404, request=request))
        return [SimpleNamespace(name=name) for name in names]


@pytest.fixture
def kept(monkeypatch):
    """Lets Prefect keep these blocks: `kept(ElasticTarget, "production", {...})`."""
    server = Prefect({})

    @contextmanager
    def client(**_):
        yield server

    monkeypatch.setattr(loading, "get_client", client)
    return lambda kind, name, data: server.blocks.update({(kind.get_block_type_slug(), name): data})


@pytest.mark.parametrize("kind", TARGETS)
def test_a_flow_gets_the_settings_that_the_block_of_its_target_holds(kind, kept):
    data, settings = HELD[kind]
    kept(kind, "production", data)
    for engine in (one for one in ENGINES if one.block == kind.__name__):
        found = engine.settings("block:production")
        assert type(found) is settings
        assert SECRET in [
            value.get_secret_value() for _, value in found if hasattr(value, "get_secret_value")
        ]
        assert engine.where(found)


def test_every_engine_has_a_block():
    assert {engine.block for engine in ENGINES} == {kind.__name__ for kind in TARGETS}


@pytest.mark.parametrize("kind", TARGETS)
def test_a_block_has_the_fields_of_its_service_with_their_help_and_its_secrets_are_secret(kind):
    form = kind.model_json_schema()
    assert all(field["description"] for field in form["properties"].values())
    data, settings = HELD[kind]
    of_a_sandbox = set(OF_A_SANDBOX) if settings is VertexSettings else set()
    assert form["properties"].keys() == settings.model_fields.keys() - of_a_sandbox
    secret = next(name for name, value in data.items() if value == SECRET)
    assert secret in form["secret_fields"]
    assert SECRET not in repr(kind(**data))


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        (ElasticTarget, {"api_key": SECRET}, "exactly one of URL and CLOUD_ID"),
        (ElasticTarget, {"url": f"https://u:{SECRET}@h:1"}, "url .*without a name and a password"),
        (GoogleCloudTarget, {"project": "shop", "jwt": SECRET}, "needs location"),
        (GoogleCloudTarget, {"project": "p", "location": "l", "jwt": f"{SECRET} {SECRET}"}, "jwt .*without blanks"),
        (DatabricksTarget, {"host": "http://h.x", "catalog_schema": "a.b", "token": SECRET}, "host .*--target sandbox"),
        (AnswerModel, {"api_key": SECRET}, "needs base_url"),
    ],
)  # fmt: skip
def test_what_a_block_lacks_is_named_with_the_block_and_no_value_is_shown(kind, wrong, said, kept):
    kept(kind, "production", wrong)
    with pytest.raises(InvalidInput, match=said) as raised:
        loading.settings_of_block(kind.__name__, "production")
    assert f"{kind.get_block_type_slug()}/production" in str(raised.value)
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_block_that_is_not_there_is_refused_with_those_that_are(kept):
    engine = next(one for one in ENGINES if one.name == "elastic")
    with pytest.raises(
        InvalidInput, match=r"no Elasticsearch target of this name: 'staging'.*`vector-search blocks`"
    ):
        engine.settings("block:staging")
    kept(ElasticTarget, "production", HELD[ElasticTarget][0])
    with pytest.raises(InvalidInput, match=r"Accepted: block:production\."):
        engine.settings("block:staging")


def test_a_list_looks_at_every_service_that_has_a_block_of_the_name(kept, monkeypatch):
    asked = []

    def engine(name, block):
        return SimpleNamespace(
            name=name, block=block, targets=("sandbox",), strangers=None,
            built=lambda settings: asked.append((name, settings)) or [], settings=lambda target: target,
        )  # fmt: skip

    monkeypatch.setattr(engines, "ENGINES", (engine("a", "ElasticTarget"), engine("b", "DatabricksTarget")))
    kept(ElasticTarget, "production", {})
    assert inventory.look("block:production") == ([], {})
    assert asked == [("a", "block:production")]
    with pytest.raises(InvalidInput, match="There is no such target: 'block:moon'"):
        inventory.look("block:moon")


def test_the_settings_of_a_shell_are_saved_as_blocks_of_the_services_that_are_complete(monkeypatch, tmp_path):
    saved = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        loading.targets.Target, "save", lambda block, name, **how: saved.append((block, name, how))
    )
    for name, value in {
        "ELASTIC_URL": "https://h:9200",
        "ELASTIC_API_KEY": SECRET,
        "VERTEX_PROJECT": "shop",
    }.items():
        monkeypatch.setenv(name, value)
    seen = {one.block_type: one for one in keeping.save_environment("production")}
    ((block, name, how),) = saved
    assert (type(block), name, how) == (ElasticTarget, "production", {"overwrite": True})
    assert block.settings == ElasticSettings(url="https://h:9200", api_key=SECRET)
    assert seen["Elasticsearch target"].seen == "saved as block:production"
    assert "VERTEX_LOCATION" in seen["Google Cloud target"].seen
    monkeypatch.delenv("ELASTIC_URL")
    with pytest.raises(InvalidInput, match=r"Nothing was saved.*ELASTIC_URL"):
        keeping.save_environment("production")
    with pytest.raises(InvalidInput, match="cannot have this name: 'Production'"):
        keeping.save_environment("Production")


@pytest.mark.parametrize(
    ("target", "block"), [("sandbox", None), ("elastic", None), ("block:a-1", "a-1"), (of_block("x"), "x")]
)
def test_a_target_is_a_word_of_its_engine_or_a_block(target, block):
    assert Target("sandbox", "elastic").check(target) == target
    assert block_of(target) == block


@pytest.mark.parametrize("target", ["google-cloud", "block:", "block:A", "block:a/b", "production", ""])
def test_what_is_no_target_is_refused_with_what_is(target):
    with pytest.raises(ValueError, match="A target is sandbox, elastic or block:NAME"):
        Target("sandbox", "elastic").check(target)


def test_a_command_takes_a_block_and_refuses_what_is_no_target_before_its_flow_is_loaded():
    parse(["elastic", "check", "--target", "block:production"], debug=False)
    with pytest.raises(Exception, match="A target is sandbox, elastic or block:NAME"):
        parse(["elastic", "check", "--target", "production"], debug=False)
