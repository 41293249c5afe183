"""The refusals of search templates and stored scripts."""

from __future__ import annotations

from sandbox.elastic.errors import Answer

NO_SCRIPT = Answer(
    404,
    "resource_not_found_exception",
    "unable to find script [{id}] in cluster state",
    "ScriptService.java",
)
TEMPLATE_MISSING = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: 1: template is missing;",
    "SearchTemplateRequest.java",
)
TEMPLATE_BROKEN = Answer(
    400,
    "general_script_exception",
    "Failed to compile inline script [{source}] using lang [mustache]",
    "ScriptService.java",
)
TEMPLATE_CAUSE = Answer(
    400,
    "mustache_exception",
    "Improperly closed variable in query-template @[query-template:1]",
    "MustacheParser.java (mustache.java)",
)
TEMPLATE_RESULT = Answer(400, "x_content_parse_exception", "[1:1] {problem}")
SCRIPT_NOT_DELETED = Answer(
    404,
    "resource_not_found_exception",
    "stored script [{id}] does not exist and cannot be deleted",
    "ScriptService.java",
)
SCRIPT_LANGUAGE = Answer(
    400, "illegal_argument_exception", "script_lang not supported [{lang}]", "ScriptService.java"
)
SCRIPT_WITHOUT_LANGUAGE = Answer(
    400, "illegal_argument_exception", "must specify lang for stored script", "StoredScriptSource.java"
)
SCRIPT_WITHOUT_SOURCE = Answer(
    400, "illegal_argument_exception", "must specify source for stored script", "StoredScriptSource.java"
)
