"""Privileges, asked of the stand-in with keys of limited rights."""

from types import SimpleNamespace

import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError
from pydantic import SecretStr

from tasks.calls import ServiceRefused
from tasks.elastic.cluster import privileges
from tasks.elastic.cluster.privileges import Need, PrivilegesMissing, read_privileges, verify_privileges
from tasks.elastic.connection.clients import connect

CLUSTER = Need(what="read the cluster", cluster=("monitor",))
DEPLOY = Need(what="deploy models", cluster=("manage_ml",))
INDICES = Need(what="create the indices", names=("films", "films-*"), on_indices=("manage", "read"))


@pytest.fixture
def limited(settings):
    """The settings of a key with these rights: `limited(cluster=["monitor"], indices=[...])`."""

    def of(**role):
        made = connect(settings).security.create_api_key(name="limited", role_descriptors={"limited": role})
        return settings.model_copy(update={"api_key": SecretStr(made["encoded"])})

    return of


def test_a_key_with_everything_lacks_nothing(settings, changes):
    found = verify_privileges.fn(settings, (CLUSTER, DEPLOY, INDICES))
    assert str(found) == "sandbox has all that is needed"
    assert not changes()


def test_what_a_key_lacks_is_named_with_what_it_is_needed_for(limited):
    rights = [{"names": ["films*"], "privileges": ["read"]}, {"names": ["films"], "privileges": ["manage"]}]
    settings = limited(cluster=["monitor"], indices=rights)
    with pytest.raises(PrivilegesMissing) as refused:
        verify_privileges.fn(settings, (CLUSTER, DEPLOY, INDICES))
    assert str(refused.value).startswith(
        "The API key or user (sandbox) lacks privileges, so nothing was begun. Missing: (1) the cluster privilege manage_ml "
        "(needed to deploy models). (2) manage on films-* (needed to create the indices). Add them to its role"
    )
    assert read_privileges.fn(settings, (DEPLOY,)).lacks("manage_ml")
    assert not read_privileges.fn(settings, (CLUSTER,)).missing


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, {"error": "no handler found for uri [/_security/user/_has_privileges]"}, "security is off"),
        (405, {"error": "Incorrect HTTP method for uri", "status": 405}, "security is off"),
        (
            403,
            {"error": {"type": "security_exception", "reason": "not you"}},
            "may not be asked for (not you)",
        ),
    ],
)
def test_where_nobody_answers_it_is_said_and_no_error(monkeypatch, settings, status, body, said):
    """What clusters without security and proxies with rules of their own answer; the stand-in always answers."""
    monkeypatch.setattr(privileges, "connect", lambda _settings: answering(status, body))
    found = verify_privileges.fn(settings, (CLUSTER, INDICES))
    assert said in str(found)
    assert not found.missing


def test_a_privilege_that_the_cluster_does_not_know_is_an_error(settings):
    with pytest.raises(ServiceRefused, match=r"unknown cluster privilege \[fly\]"):
        read_privileges.fn(settings, (Need(what="fly", cluster=("fly",)),))


def answering(status, body):
    node = NodeConfig("http", "127.0.0.1", 9200)
    meta = ApiResponseMeta(status=status, http_version="1.1", headers=HttpHeaders(), duration=0.0, node=node)

    def has_privileges(**_asked):
        raise ApiError("refused", meta=meta, body=body)

    return SimpleNamespace(security=SimpleNamespace(has_privileges=has_privileges))
