"""Search templates: stored, rendered and run. A stored script carries no `_meta`: our mark is a comment of the template."""

from __future__ import annotations

from typing import Any

import orjson

from tasks.calls import NotFound
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.search.search import Answer, QueryKind, answer_of, query_for
from tasks.elastic.settings import ElasticSettings
from tasks.errors import NotOurs
from tasks.marks import MANAGED_BY, fingerprint
from tasks.outcomes import Ensured
from tasks.steps import step


def search_template(field: str, model_id: str, kind: QueryKind = "sparse_vector") -> str:
    """A template with the parameters `query`, `from` and `size`; the last two have defaults.

    The text is inserted by `toJson`, which quotes it: a quotation mark in a query cannot break it.
    """
    body = orjson.dumps(
        {
            "_source": {"excludes": [field]},
            "query": query_for("@query@", field, model_id, kind),
            "from": "@from@",
            "size": "@size@",
        }
    ).decode()
    return (
        body.replace('"@query@"', "{{#toJson}}query{{/toJson}}")
        .replace('"@from@"', "{{from}}{{^from}}0{{/from}}")
        .replace('"@size@"', "{{size}}{{^size}}10{{/size}}")
    )


@step("ensure search template {template_id}")
def ensure_template(settings: ElasticSettings, template_id: str, source: str) -> Ensured[str]:
    """The search template, stored unless it exists. Returns its id.

    Raises:
        NotOurs: a script with that id exists that we did not store.
        BadRequest: it is not a valid template.
    """
    marked = f"{source}{{{{! managed_by {MANAGED_BY}, spec {fingerprint(source)} }}}}"
    there = _stored(settings, template_id)
    if there is not None and there in (marked, source):
        return Ensured(template_id)
    if there is not None and not _is_ours(there):
        raise NotOurs("stored script", template_id, resource="mustache", remedy="Choose another id.")
    with calling(f"store the search template {template_id}"):
        connect(settings).put_script(id=template_id, script={"lang": "mustache", "source": marked})
    return Ensured(template_id, "created" if there is None else "changed")


@step("render search template {template_id}")
def read_rendered_template(
    settings: ElasticSettings, template_id: str, params: dict[str, Any]
) -> dict[str, Any]:
    """The search that a template renders from its parameters.

    Raises:
        NotFound: there is no such template.
    """
    with calling(f"render the search template {template_id}"):
        answer = connect(settings).render_search_template(id=template_id, params=params)
    return answer["template_output"]


@step("search {index} by template {template_id}")
def read_template_hits(
    settings: ElasticSettings, index: str, template_id: str, params: dict[str, Any]
) -> Answer:
    """What a search by template finds.

    Raises:
        NotFound: there is no such template, index or model.
    """
    with calling(f"search {index} by the template {template_id}"):
        found = connect(settings).search_template(index=index, id=template_id, params=params)
    return answer_of(dict(found.body))


@step("remove search template {template_id}")
def remove_template(settings: ElasticSettings, template_id: str) -> tuple[str, ...]:
    """Delete a search template that we stored. Returns its id, or nothing if it did not exist.

    Raises:
        NotOurs: it does not carry our mark.
    """
    there = _stored(settings, template_id)
    if there is None:
        return ()
    if not _is_ours(there):
        raise NotOurs("stored script", template_id, resource="mustache", remedy="It was not deleted.")
    try:
        with calling(f"delete the search template {template_id}"):
            connect(settings).delete_script(id=template_id)
    except NotFound:
        return ()
    return (template_id,)


def _is_ours(source: str) -> bool:
    return f"{{{{! managed_by {MANAGED_BY}," in source


def _stored(settings: ElasticSettings, template_id: str) -> str | None:
    try:
        with calling(f"read the search template {template_id}"):
            found = connect(settings).get_script(id=template_id)
    except NotFound:
        return None
    source: Any = found["script"]["source"]
    return source if isinstance(source, str) else orjson.dumps(source).decode()
