"""The refusals of security."""

from __future__ import annotations

from sandbox.elastic.errors import Answer

CLUSTER_ACTION = Answer(
    403,
    "security_exception",
    "action [{action}] is unauthorized for API key id [{key}] of user [{user}], this action is granted by the cluster privileges "
    "[{privileges}]",
    "AuthorizationDenialMessages.java",
)
INDEX_ACTION = Answer(
    403,
    "security_exception",
    "action [{action}] is unauthorized for API key id [{key}] of user [{user}] on indices [{indices}], this action is granted by "
    "the index privileges [{privileges}]",
    "AuthorizationDenialMessages.java",
)
ANY_INDEX_ACTION = Answer(
    403,
    "security_exception",
    "action [{action}] is unauthorized for API key id [{key}] of user [{user}], this action is granted by the index privileges "
    "[{privileges}]",
    "AuthorizationDenialMessages.java",
)
UNKNOWN_PRIVILEGE = Answer(
    400,
    "illegal_argument_exception",
    "unknown {kind} privilege [{name}]. a privilege must be either one of the predefined fixed {kinds} privileges [{known}] or a "
    "pattern over one of the available {kind} actions",
    "IndexPrivilege.java",
)
NOTHING_ASKED = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: must specify at least one privilege;",
    "HasPrivilegesRequest.java",
)
DERIVED_KEY = Answer(
    400,
    "illegal_argument_exception",
    "creating derived api keys requires an explicit role descriptor that is empty (has no privileges)",
    "RestCreateApiKeyAction.java",
)
NO_KEY_CHOSEN = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: One of [api key id(s), api key name, username, realm name] must be specified if [owner] flag is false;",
    "InvalidateApiKeyRequest.java",
)
