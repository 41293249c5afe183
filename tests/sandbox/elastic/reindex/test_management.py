"""Lists of tasks, and the reindex management APIs of 9.5."""

import pytest
from elasticsearch import ApiError, NotFoundError

from tests.polling import until
from tests.sandbox.elastic.reindex.films import copy, fill, reason

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("version", ["9.1", "9.5"])
def test_reindex_operations_can_be_managed_since_9_5(elastic_server, version):
    # Client 8 works with 9.x servers, but has no methods for APIs that only they have.
    client = elastic_server(version=version).client
    fill(client, 30)
    task = copy(client, source={"size": 10}, requests_per_second=0.5, wait_for_completion=False)["task"]
    headers = {"accept": "application/vnd.elasticsearch+json; compatible-with=8"}

    def call(method, path):
        return client.perform_request(method, path, headers=headers).body

    if version == "9.1":
        for method, path in (
            ("GET", "/_reindex"),
            ("GET", f"/_reindex/{task}"),
            ("POST", f"/_reindex/{task}/_cancel"),
        ):
            with pytest.raises(ApiError) as error:
                call(method, path)
            assert error.value.status_code in (400, 405)
        return
    assert [each["id"] for each in call("GET", "/_reindex")["reindex"]] == [task]
    assert call("GET", f"/_reindex/{task}")["completed"] is False
    assert call("POST", f"/_reindex/{task}/_cancel")["response"]["canceled"] == "by user request"
    assert call("GET", f"/_reindex/{task}")["completed"] is True
    with pytest.raises(NotFoundError) as error:
        call("POST", f"/_reindex/{task}/_cancel")
    assert reason(error) == f"reindex task [{task}] either not found or completed"


def test_tasks_are_listed_by_action_and_below_their_parents(filled):
    client = filled(30)
    slow = {"source": {"size": 5}, "requests_per_second": 1, "slices": 2, "wait_for_completion": False}
    task = copy(client, **slow)["task"]
    listed = until(
        lambda: (
            len(
                (found := client.tasks.list(actions="*reindex", group_by="parents")["tasks"])
                .get(task, {})
                .get("children", [])
            )
            == 2
            and found
        )
    )
    assert list(listed) == [task]
    assert "status" not in listed[task]
    assert client.tasks.list(actions="*byquery").body == {"nodes": {}}
    client.tasks.cancel(actions="*reindex", wait_for_completion=True)
    assert client.tasks.list(actions="*reindex").body == {"nodes": {}}
