"""Who gets in: a personal token, a service principal's OAuth tokens; and how faults look to the official SDK."""

from __future__ import annotations

import httpx
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import Aborted, InternalError, Unauthenticated
from databricks.sdk.service.vectorsearch import CustomTag

from sandbox.databricks.tokens import PERSON, PRINCIPAL


@pytest.fixture
def secret(workspace):
    """The service principal's."""
    return workspace.environment["DATABRICKS_SANDBOX_CLIENT_SECRET"]


def test_a_personal_token_and_a_service_principal_get_in_under_their_own_names(workspace, secret):
    assert workspace.client.current_user.me().user_name == PERSON
    host = workspace.environment["DATABRICKS_HOST"]
    principal = WorkspaceClient(host=host, client_id=PRINCIPAL, client_secret=secret, auth_type="oauth-m2m")
    assert principal.current_user.me().user_name == PRINCIPAL


def test_a_wrong_token_and_a_wrong_secret_get_nothing(workspace, secret):
    host = workspace.environment["DATABRICKS_HOST"]
    with pytest.raises(Unauthenticated):
        WorkspaceClient(host=host, token="dapi0", auth_type="pat").current_user.me()
    form = {"grant_type": "client_credentials", "scope": "all-apis"}
    refused = httpx.post(f"{host}/oidc/v1/token", data=form, auth=(PRINCIPAL, secret[:-1]))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    refused = httpx.post(f"{host}/oidc/v1/token", data=form | {"scope": "sql"}, auth=(PRINCIPAL, secret))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_faults_are_the_errors_that_the_sdk_knows_and_a_lost_reply_has_its_effect(workspace):
    for kind, error in (("internal", InternalError), ("aborted", Aborted)):
        workspace.fault("vector_search_endpoints.create_endpoint", kind)
        with pytest.raises(error):
            workspace.endpoint()
    workspace.fault("current_user.me", "throttled", retry_after=0)
    workspace.fault("current_user.me", "unavailable")
    assert workspace.client.current_user.me().user_name == PERSON, "the SDK tries again by itself"
    workspace.fault("vector_search_endpoints.update_endpoint_custom_tags", "internal", "after")
    name = workspace.endpoint()
    with pytest.raises(InternalError):
        workspace.endpoints.update_endpoint_custom_tags(name, [CustomTag("team", "films")])
    assert workspace.endpoints.get_endpoint(name).custom_tags == [CustomTag("team", "films")]
