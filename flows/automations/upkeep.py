"""Automations in a Prefect server: created, brought up to date and removed by name and mark.

What has one of our names but not our mark belongs to somebody else and is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol

from flows.automations.catalog import Automation
from tasks.errors import InvalidInput, PermanentError
from tasks.marks import MANAGED_BY

MARK = f"managed_by:{MANAGED_BY}"
"""The tag of what we created."""

Found = dict[str, Any]
Done = Literal["created", "changed", "unchanged", "unchanged, switched off", "removed"]


class Call(Protocol):
    """A request to Prefect's REST API: the JSON of its answer, None if that is empty."""

    def __call__(self, method: str, path: str, body: Any = None, /) -> Any: ...  # noqa: D102 -- described above


class Seen(NamedTuple):
    """What became of one automation."""

    name: str
    line: str
    done: Done


class NotOurs(PermanentError):
    """Somebody else's automation has one of our names."""

    def __init__(self, name: str, *, id: str) -> None:  # noqa: A002 -- the service's word
        self.name, self.id = name, id
        super().__init__(
            f"Prefect has an automation {name!r} ({id}) without the tag {MARK!r}: it was not created by this program, or the "
            "tag was removed. No automation was changed. Rename or delete it, or give it the tag to have it replaced."
        )


def ensure(call: Call, automations: Sequence[Automation]) -> list[Seen]:
    """Create the automations that are missing, change those that differ, and remove those that no entry names any more.

    Whether one is switched on is left to the people who work with it.

    Raises:
        NotOurs: one of the names is taken. Nothing was changed.
    """
    ours = _ours(call, automations)
    seen = [_ensure(call, one, [each for each in ours if each["name"] == one.name]) for one in automations]
    names = {one.name for one in automations}
    return seen + _removed(call, [each for each in ours if each["name"] not in names])


def notified(call: Call) -> str | None:
    """The id of the block through which our automations tell people; None if they tell nobody."""
    found: list[Found] = call("POST", "/automations/filter", {"automations": {"tags": {"all_": [MARK]}}})
    actions = (action for each in found for action in each["actions"])
    return next((one["block_document_id"] for one in actions if one["type"] == "send-notification"), None)


def notification_block(call: Call, name: str) -> str:
    """The id of a block through which Prefect can tell people.

    Args:
        call: makes the requests.
        name: as `prefect block ls` writes it, `slack-webhook/on-call`.

    Raises:
        InvalidInput: there is none, with those that there are.
    """
    able = {"block_schemas": {"block_capabilities": {"all_": ["notify"]}}, "include_secrets": False}
    found: list[Found] = call("POST", "/block_documents/filter", able)
    ids = {f"{each['block_type']['slug']}/{each['name']}": str(each["id"]) for each in found}
    if name not in ids:
        raise InvalidInput(
            "Prefect has no notification block of this name", value=name, source="--notify",
            accepted=", ".join(sorted(ids)),
            remedy="Create one in Prefect's UI, under Blocks: Slack Webhook, Email, PagerDuty and others.",
        )  # fmt: skip
    return ids[name]


def remove(call: Call, automations: Sequence[Automation]) -> list[Seen]:
    """Remove every automation that we created.

    Raises:
        NotOurs: one of the names is taken. Nothing was changed.
    """
    return _removed(call, _ours(call, automations))


def _ours(call: Call, automations: Sequence[Automation]) -> list[Found]:
    names = [one.name for one in automations]
    either = {"operator": "or_", "name": {"any_": names}, "tags": {"all_": [MARK]}}
    found: list[Found] = call("POST", "/automations/filter", {"automations": either})
    for each in found:
        if MARK not in each["tags"]:
            raise NotOurs(each["name"], id=each["id"])
    return sorted(found, key=lambda each: each["created"])


def _ensure(call: Call, wanted: Automation, found: list[Found]) -> Seen:
    if not found:
        call("POST", "/automations/", _body(wanted, enabled=True))
        return Seen(wanted.name, wanted.line, "created")
    kept, *twins = found  # two commands at the same time have both created it
    _removed(call, twins)
    body = _body(wanted, enabled=kept["enabled"])
    if not _holds(body, kept):
        call("PUT", f"/automations/{kept['id']}", body)
        return Seen(wanted.name, wanted.line, "changed")
    return Seen(wanted.name, wanted.line, "unchanged" if kept["enabled"] else "unchanged, switched off")


def _removed(call: Call, found: list[Found]) -> list[Seen]:
    for each in found:
        call("DELETE", f"/automations/{each['id']}")
    return [Seen(each["name"], each["description"], "removed") for each in found]


def _body(automation: Automation, *, enabled: bool) -> Found:
    return {
        "name": automation.name,
        "description": automation.line,
        "tags": [MARK],
        "enabled": enabled,
        "trigger": dict(automation.trigger),
        "actions": [dict(action) for action in automation.actions],
    }


def _holds(wanted: Any, found: Any) -> bool:
    """Whether what we want is there. The server adds defaults, and returns sets of names in any order."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_holds(value, found.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        if all(isinstance(one, str) for one in wanted):
            return sorted(wanted) == sorted(found)
        return all(map(_holds, wanted, found))
    return bool(wanted == found)
