"""Vector search endpoints: the compute that indexes are served by."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

from sandbox.databricks import errors
from sandbox.databricks.calls import Body, Call, Reply
from sandbox.databricks.clock import Clock
from sandbox.databricks.options import DatabricksOptions
from sandbox.databricks.store import Store

KIND = "endpoint"
TYPES = ("STANDARD", "STORAGE_OPTIMIZED")
PAGE = 50
"""Endpoints and indexes of one page of a listing."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_MOST_TAGS = 20


class Endpoints:
    """Creates, shows and deletes endpoints.

    Args:
        store: where they are.
        clock: for what takes time.
        options: durations and the quota.
    """

    def __init__(self, store: Store, clock: Clock, options: DatabricksOptions) -> None:
        self._store, self._clock, self._options = store, clock, options
        self.handlers = {
            "vector_search_endpoints.create_endpoint": self._create,
            "vector_search_endpoints.get_endpoint": self._get,
            "vector_search_endpoints.list_endpoints": self._list,
            "vector_search_endpoints.delete_endpoint": self._delete,
            "vector_search_endpoints.patch_endpoint": self._patch,
            "vector_search_endpoints.update_endpoint_custom_tags": self._tag,
        }

    def find(self, name: str) -> Body:
        """An endpoint that is there, as it is stored.

        Raises:
            Refusal: there is none.
        """
        found = self._store.get(KIND, name)
        if found is not None and "deletion" in found and self._clock.is_done(found["deletion"]):
            self._store.delete(KIND, name)
            found = None
        if found is None:
            raise errors.NOT_FOUND.refusal(kind="Vector search endpoint", name=name)
        return found

    def online(self, name: str) -> Body:
        """An endpoint that serves.

        Raises:
            Refusal: there is none, or it does not serve.
        """
        found = self.find(name)
        if (state := self._state(found)) != "ONLINE":
            raise errors.NOT_READY.refusal(kind="Endpoint", name=name, state=state)
        return found

    def _create(self, call: Call) -> Reply:
        name, kind = call.text("name"), call.text("endpoint_type")
        if not _NAME.fullmatch(name):
            raise errors.INVALID.refusal(
                problem=f"{name!r} is no name: letters, digits, dashes and underscores"
            )
        if kind not in TYPES:
            raise errors.INVALID.refusal(problem=f"endpoint_type must be one of {', '.join(TYPES)}")
        with self._store.transaction():
            there = self._there()
            if name in there:
                raise errors.ALREADY_EXISTS.refusal(kind="Vector search endpoint", name=name)
            if len(there) >= self._options.max_endpoints:
                most = self._options.max_endpoints
                raise errors.QUOTA.refusal(most=most, what="vector search endpoints of a workspace")
            now = int(time.time() * 1000)
            endpoint: Body = {
                "name": name,
                "id": str(uuid.uuid4()),
                "creator": call.user,
                "creation_timestamp": now,
                "last_updated_timestamp": now,
                "last_updated_user": call.user,
                "endpoint_type": kind,
                "custom_tags": [],
                "creation": self._clock.begin(
                    "vector_search_endpoints.create_endpoint", self._options.durations.create_endpoint
                ),
                **_target(call.body),
            }
            self._store.put(KIND, name, endpoint)
        return Reply(self._shown(endpoint), name)

    def _get(self, call: Call) -> Reply:
        with self._store.transaction():
            found = self.find(call.params["endpoint_name"])
            work = found.get("deletion") or found["creation"]
            if self._clock.look(work):
                self._store.put(KIND, found["name"], found)
            return Reply(self._shown(self.find(found["name"])))

    def _list(self, call: Call) -> Reply:
        return Reply(
            paged("endpoints", [self._shown(each) for each in self._there().values()], call.asked("page_token"))
        )  # fmt: skip

    def _delete(self, call: Call) -> Reply:
        with self._store.transaction():
            found = self.find(call.params["endpoint_name"])
            if count := self._indexes(found["name"]):
                raise errors.IN_USE.refusal(name=found["name"], count=count)
            if "deletion" in found:
                return Reply()
            found["deletion"] = self._clock.begin(
                "vector_search_endpoints.delete_endpoint", self._options.durations.delete_endpoint
            )
            self._store.put(KIND, found["name"], found)
        return Reply({}, found["name"])

    def _patch(self, call: Call) -> Reply:
        if unknown := set(call.body) - {"target_qps"}:
            raise errors.NOT_IMITATED.refusal(what=f"patch_endpoint of {', '.join(sorted(unknown))}")
        with self._store.transaction():
            found = self.find(call.params["endpoint_name"])
            found |= _target(call.body)
            self._touch(found, call)
        return Reply(self._shown(found), found["name"])

    def _tag(self, call: Call) -> Reply:
        tags = call.body.get("custom_tags", [])
        if not isinstance(tags, list) or not all(_is_tag(tag) for tag in tags):  # pyright: ignore[reportUnknownVariableType]
            raise errors.INVALID.refusal(problem="custom_tags must be a list of objects with key and value")
        keys = [tag["key"] for tag in tags]  # pyright: ignore[reportUnknownVariableType]
        if len(set(keys)) < len(keys) or len(keys) > _MOST_TAGS:  # pyright: ignore[reportUnknownArgumentType]
            raise errors.INVALID.refusal(
                problem=f"custom_tags must have at most {_MOST_TAGS} keys, each once"
            )
        with self._store.transaction():
            found = self.find(call.params["endpoint_name"])
            if found["custom_tags"] == tags:
                return Reply({"name": found["name"], "custom_tags": tags})
            found["custom_tags"] = tags
            self._touch(found, call)
        return Reply({"name": found["name"], "custom_tags": tags}, found["name"])

    def _touch(self, endpoint: Body, call: Call) -> None:
        endpoint |= {"last_updated_timestamp": int(time.time() * 1000), "last_updated_user": call.user}
        self._store.put(KIND, endpoint["name"], endpoint)

    def _there(self) -> dict[str, Body]:
        """All endpoints that are not gone, by name."""
        found = self._store.all(KIND)
        return {
            name: each
            for name, each in found.items()
            if "deletion" not in each or not self._clock.is_done(each["deletion"])
        }

    def _state(self, endpoint: Body) -> str:
        if "deletion" in endpoint:
            return "DELETED"
        if not self._clock.is_done(endpoint["creation"]):
            return "PROVISIONING"
        return "OFFLINE" if endpoint["creation"]["fails"] else "ONLINE"

    def _shown(self, endpoint: Body) -> Body:
        state = self._state(endpoint)
        shown = {name: value for name, value in endpoint.items() if name not in ("creation", "deletion")}
        message = {"OFFLINE": "The endpoint could not be provisioned."}.get(state, f"Endpoint is {state}.")
        return shown | {
            "num_indexes": self._indexes(endpoint["name"]),
            "endpoint_status": {"state": state, "message": message},
        }

    def _indexes(self, name: str) -> int:
        return sum(
            each["endpoint_name"] == name
            and not ("deletion" in each and self._clock.is_done(each["deletion"]))
            for each in self._store.all("index").values()
        )


def paged(name: str, items: list[Body], token: str) -> Body:
    """One page of a listing; its token is the number of the first item.

    Raises:
        Refusal: the token is none of ours.
    """
    if token and not token.isdigit():
        raise errors.INVALID.refusal(problem=f"Invalid page token: {token}")
    start = int(token or 0)
    more = {"next_page_token": str(start + PAGE)} if len(items) > start + PAGE else {}
    return {name: items[start : start + PAGE], **more}


def _target(body: Body) -> Body:
    """What a body says about the number of queries per second, as it is shown."""
    target = body.get("target_qps")
    if target is None:
        return {}
    if not isinstance(target, int) or isinstance(target, bool) or (target < 1 and target != -1):
        raise errors.INVALID.refusal(problem=f"target_qps must be positive, not {target!r}")
    if target == -1:
        return {"scaling_info": {"state": "SCALING_CHANGE_APPLIED"}}
    return {"scaling_info": {"requested_target_qps": target, "state": "SCALING_CHANGE_APPLIED"}}


def _is_tag(tag: Any) -> bool:
    return isinstance(tag, dict) and isinstance(tag.get("key"), str) and isinstance(tag.get("value", ""), str)  # pyright: ignore[reportUnknownMemberType]
