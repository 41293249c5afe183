"""REST through the official clients and as people type it: one index, seen alike over both transports."""

import json
import ssl
from pathlib import Path

import certifi
import httpx
import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1
from google.cloud import aiplatform_v1beta1 as beta
from google.longrunning import operations_pb2
from google.oauth2.credentials import Credentials

from sandbox import faults, write_log
from tests.polling import SOON, until

POINT = {
    "datapoint_id": "a",
    "feature_vector": [1.5, -2, 3e-7, 3.3e38],
    "restricts": [{"namespace": "n", "allow_list": ["x"]}],
    "numeric_restricts": [{"namespace": "i", "value_int": 2**62}, {"namespace": "d", "value_double": 0.1}],
    "crowding_tag": {"crowding_attribute": "tag"},
    "embedding_metadata": {"title": "ä", "pages": 3},
}


def credentials(clients):
    return Credentials(clients.environment["VERTEX_ACCESS_TOKEN"])


@pytest.fixture(scope="module")
def address(clients):
    return f"http://{clients.environment['VERTEX_PLAINTEXT_ENDPOINT']}"


@pytest.fixture(scope="module")
def rest(address, clients):
    """A GAPIC client over REST: `rest(v1.IndexServiceClient)`."""
    return lambda client: client(
        transport="rest", credentials=credentials(clients), client_options={"api_endpoint": address}
    )


@pytest.fixture(scope="module")
def curl(address, clients):
    """Requests as people type them: `curl("GET", "indexes/1", json=...)`, below the location, or by a whole name."""
    token = {"Authorization": f"Bearer {clients.environment['VERTEX_ACCESS_TOKEN']}"}
    with httpx.Client(headers=token) as client:

        def request(verb, path, **options):
            name = path if path.startswith("projects/") else f"{clients.parent}/{path}"
            return client.request(verb, f"{address}/v1/{name}", **options)

        yield request


@pytest.mark.parametrize("package", [v1, beta], ids=["v1", "v1beta1"])
def test_an_index_lives_its_whole_life_over_rest(clients, rest, package):
    indexes, endpoints, match = (
        rest(getattr(package, f"{name}ServiceClient")) for name in ("Index", "IndexEndpoint", "Match")
    )
    config = {"config": {"dimensions": 4, "algorithmConfig": {"bruteForceConfig": {}}, "shardSize": None}}
    begun = indexes.create_index(
        parent=clients.parent,
        index={
            "display_name": "a",
            "metadata": config,
            "index_update_method": "STREAM_UPDATE",
            "labels": {"a": "b"},
        },
    )
    index = begun.result(timeout=60, polling=SOON)
    assert isinstance(index, package.Index)
    assert isinstance(begun.metadata, package.CreateIndexOperationMetadata)
    assert index.index_update_method == package.Index.IndexUpdateMethod.STREAM_UPDATE
    indexes.upsert_datapoints(request={"index": index.name, "datapoints": [POINT]})
    endpoint = endpoints.create_index_endpoint(
        parent=clients.parent, index_endpoint={"display_name": "e", "public_endpoint_enabled": True}
    ).result(timeout=60, polling=SOON)
    deployed = f"rest_{package.__name__.rpartition('_')[2]}"
    endpoints.deploy_index(
        index_endpoint=endpoint.name, deployed_index={"id": deployed, "index": index.name}
    ).result(timeout=60, polling=SOON)

    where = {"index_endpoint": endpoint.name, "deployed_index_id": deployed}
    read = until(lambda: match.read_index_datapoints(request={**where, "ids": ["a"]}).datapoints)
    assert list(read) == [package.IndexDatapoint(POINT)]
    query = {"datapoint": {"feature_vector": [1, 0, 0, 0]}, "neighbor_count": 1}
    found = match.find_neighbors(request={**where, "queries": [query]}).nearest_neighbors[0].neighbors
    assert (found[0].datapoint.datapoint_id, found[0].distance) == ("a", 1.5)

    renamed = indexes.update_index(
        index={"name": index.name, "display_name": "b"}, update_mask={"paths": ["display_name"]}
    ).result(timeout=60, polling=SOON)
    assert renamed.display_name == "b"
    mutated = {"id": deployed, "automatic_resources": {"min_replica_count": 1, "max_replica_count": 2}}
    endpoints.mutate_deployed_index(index_endpoint=endpoint.name, deployed_index=mutated).result(
        timeout=60, polling=SOON
    )
    listed = list(indexes.list_indexes(request={"parent": clients.parent, "page_size": 1}))
    assert index.name in [each.name for each in listed]
    over_grpc = v1.Index.serialize(clients.indexes.get_index(name=index.name))
    assert indexes.get_index(name=index.name) == package.Index.deserialize(over_grpc)
    endpoints.undeploy_index(index_endpoint=endpoint.name, deployed_index_id=deployed).result(
        timeout=60, polling=SOON
    )
    endpoints.delete_index_endpoint(name=endpoint.name).result(timeout=60, polling=SOON)
    indexes.delete_index(name=index.name).result(timeout=60, polling=SOON)
    with pytest.raises(exceptions.NotFound):
        indexes.get_index(name=index.name)


def test_operations_and_locations_are_mixed_into_every_rest_client(clients, rest):
    begun = clients.begin_index()
    begun.result(timeout=60, polling=SOON)
    name, index = begun.operation.name, begun.operation.name.rpartition("/operations")[0]
    for client in (v1.IndexServiceClient, beta.MatchServiceClient, v1.IndexEndpointServiceClient):
        operations = rest(client)
        assert operations.get_operation({"name": name}).done
        assert operations.wait_operation({"name": name}).done
        listed = operations.list_operations({"name": index, "filter": "done=true"})
        assert [each.name for each in listed.operations] == [name]
        operations.cancel_operation({"name": name})
        assert operations.get_location({"name": clients.parent}).location_id == "us-central1"
        locations = operations.list_locations({"name": "projects/sandbox-project", "page_size": 2})
        assert [each.location_id for each in locations.locations] == ["africa-south1", "asia-east1"]
        assert locations.next_page_token
    operations.delete_operation({"name": name})
    with pytest.raises(exceptions.NotFound):
        operations.get_operation({"name": name})


def test_operations_of_both_versions_are_listed_together(clients, rest):
    config = {"dimensions": 2, "algorithmConfig": {"bruteForceConfig": {}}}
    index = {"display_name": "a", "metadata": {"config": config}}
    begun = []
    for package in (v1, beta):
        client = rest(package.IndexServiceClient)
        name = client.create_index(parent=clients.parent, index=index).result(timeout=60, polling=SOON).name
        begun.append(client.delete_index(name=name).operation.name)
    listed = rest(v1.IndexServiceClient).list_operations({"name": clients.parent}).operations
    shown = {each.name: each.metadata.type_url for each in listed}
    assert all("DeleteOperationMetadata" in shown[name] for name in begun)
    assert sorted(shown[name].split(".")[-2] for name in begun) == ["v1", "v1beta1"]


def test_what_changes_is_in_the_write_log_once_and_the_same_over_both_transports(clients, rest):
    def logged(call):
        before = write_log.count(clients.state)
        call()
        return [
            (each.method, each.resource.rpartition("/operations/")[0])
            for each in write_log.read(clients.state)[before:]
        ]

    index = clients.index()
    mask = {"paths": ["display_name"]}
    updates = [
        logged(lambda c=client: c.update_index(index={"name": index, "display_name": "x"}, update_mask=mask))
        for client in (clients.indexes, rest(v1.IndexServiceClient))
    ]
    assert updates[0] == updates[1] == [("UpdateIndex", index)]
    assert logged(lambda: rest(v1.IndexServiceClient).get_index(name=index)) == []


@pytest.mark.parametrize(
    ("kind", "code", "name"),
    [
        ("unavailable", 503, "UNAVAILABLE"),
        ("aborted", 409, "ABORTED"),
        ("internal", 500, "INTERNAL"),
        ("throttled", 429, "RESOURCE_EXHAUSTED"),
    ],
)
def test_a_fault_strikes_over_rest_as_it_does_over_grpc(clients, curl, kind, code, name):
    retry_after = 2.5 if kind == "throttled" else None
    faults.add(clients.state, "ListIndexes", kind, retry_after=retry_after)
    refused = curl("GET", "indexes")
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["status"]) == (code, code, name)
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.500s"}
    assert error.get("details") == ([retry] if retry_after else None)
    assert curl("GET", "indexes").status_code == 200


def test_a_reset_fault_resets_the_connection(clients, curl):
    faults.add(clients.state, "ListIndexes", "reset")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        curl("GET", "indexes")
    assert curl("GET", "indexes").status_code == 200


def test_a_call_whose_reply_is_lost_has_taken_effect(clients, curl):
    index = clients.index()
    faults.add(clients.state, "UpdateIndex", "unavailable", "after")
    body = {"displayName": "changed"}
    lost = curl("PATCH", f"indexes/{index.rpartition('/')[2]}?updateMask=displayName", json=body)
    assert lost.status_code == 503
    assert clients.indexes.get_index(name=index).display_name == "changed"


def test_a_stall_without_end_ends_when_the_caller_hangs_up(clients, curl):
    faults.add(clients.state, "GetIndex", "stall", "before", times=40)  # more than there are threads
    for _ in range(40):
        with pytest.raises(httpx.ReadTimeout):
            curl("GET", "indexes/1", timeout=0.05)
    faults.clear(clients.state)
    assert until(lambda: curl("GET", "indexes", timeout=10).status_code == 200)


def test_json_is_read_with_either_name_of_a_field_and_written_as_google_does(curl):
    index = {
        "display_name": "typed",
        "metadata": {"config": {"dimensions": 2, "algorithmConfig": {"bruteForceConfig": {}}}},
        "indexUpdateMethod": 2,
        "description": None,
    }
    begun = curl("POST", "indexes", json=index)
    assert begun.headers["content-type"] == "application/json; charset=UTF-8"
    assert begun.text.startswith('{\n  "name": "projects/')
    name = begun.json()["name"].partition("/operations")[0]
    shown = until(lambda: "indexStats" in (found := curl("GET", f"{name}").json()) and found)
    assert shown["indexUpdateMethod"] == "STREAM_UPDATE"
    assert repr(shown["metadata"]["config"]["dimensions"]) == "2"
    assert "description" not in shown
    point = {
        "datapointId": "1",
        "feature_vector": ["0.5", 1],
        "numericRestricts": [{"namespace": "n", "valueInt": "7"}],
    }
    assert curl("POST", f"{name}:upsertDatapoints", json={"datapoints": [point]}).text == "{}\n"
    shown = until(
        lambda: (found := curl("GET", f"{name}").json())["indexStats"].get("vectorsCount") and found
    )
    assert shown["indexStats"] == {"vectorsCount": "1", "shardsCount": 1}
    numbered = curl("GET", f"{name}?$alt=json;enum-encoding=int&prettyPrint=false")
    assert numbered.json()["indexUpdateMethod"] == 2
    assert "\n" not in numbered.text


@pytest.mark.parametrize(
    ("path", "code", "name", "told"),
    [
        ("indexes/1", 404, "NOT_FOUND", "indexes/1 not found"),
        ("nothing/1", 404, "NOT_FOUND", "Method not found: GET"),
        ("indexes?pageSize=many", 400, "INVALID_ARGUMENT", "'page_size' (TYPE_INT32), \"many\""),
        ("indexes?index.name=a", 400, "INVALID_ARGUMENT", "Field 'index' could not be found"),
        ("indexes?fields=indexes/name", 501, "UNIMPLEMENTED", "the parameter fields"),
        ("indexes?alt=media", 501, "UNIMPLEMENTED", "alt=media"),
    ],
)
def test_what_cannot_be_answered_says_why_in_the_form_of_google(curl, path, code, name, told):
    refused = curl("GET", path)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["status"]) == (code, code, name)
    assert told in error["message"]


def test_every_unknown_name_is_a_violation_with_its_place(curl):
    datapoint = {"datapointId": "a", "sparse": {}, "restricts": [{"namespace": "n", "allow": ["x"]}]}
    refused = curl("POST", "indexes/1:upsertDatapoints", json={"datapoints": [datapoint], "extra": 1})
    start = "Invalid JSON payload received. Unknown name"
    expected = [
        ("datapoints[0]", f"{start} \"sparse\" at 'datapoints[0]': Cannot find field."),
        (
            "datapoints[0].restricts[0]",
            f"{start} \"allow\" at 'datapoints[0].restricts[0]': Cannot find field.",
        ),
        ("", f'{start} "extra": Cannot find field.'),
    ]
    error = refused.json()["error"]
    assert error["message"] == "\n".join(description for _, description in expected)
    assert error["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [
                {"field": field, "description": text} if field else {"description": text}
                for field, text in expected
            ],
        }
    ]


def test_what_curl_sends_without_a_content_type_is_read_as_parameters(curl):
    typed = {"content-type": "application/x-www-form-urlencoded"}
    refused = curl("POST", "indexes", content=json.dumps({"displayName": "a"}), headers=typed)
    assert refused.status_code == 400
    assert "Cannot bind query parameter" in refused.json()["error"]["message"]


def test_a_page_gets_nothing(curl, clients):
    before = write_log.count(clients.state)
    refused = curl("POST", "indexes", json={}, headers={"origin": "http://evil.example"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, 403)
    assert curl("GET", "indexes", headers={"host": "evil.example"}).status_code == 421
    assert write_log.count(clients.state) == before


def test_one_address_with_tls_serves_grpc_and_rest(clients, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", clients.environment["REQUESTS_CA_BUNDLE"])
    address = clients.environment["VERTEX_API_ENDPOINT"]
    index = clients.index()
    client = v1.IndexServiceClient(
        transport="rest", credentials=credentials(clients), client_options={"api_endpoint": address}
    )
    assert client.get_index(name=index).name == index
    endpoint, deployed = clients.public(index)
    domain = clients.endpoints.get_index_endpoint(name=endpoint).public_endpoint_domain_name
    roots = ssl.create_default_context(cafile=clients.environment["REQUESTS_CA_BUNDLE"])
    token = {"Authorization": f"Bearer {clients.environment['VERTEX_ACCESS_TOKEN']}"}
    with httpx.Client(verify=roots, headers=token) as typed:
        body = {"deployedIndexId": deployed, "queries": [{"datapoint": {"featureVector": [1, 2, 3, 4]}}]}
        found = typed.post(f"https://{domain}/v1/{endpoint}:findNeighbors", json=body)
    assert found.json() == {"nearestNeighbors": [{}]}


def test_the_roots_for_rest_are_ours_and_the_public_ones(clients):
    bundle = Path(clients.environment["REQUESTS_CA_BUNDLE"]).read_text()
    assert Path(clients.environment["VERTEX_CA_FILE"]).read_text() in bundle
    assert Path(certifi.where()).read_text() in bundle


def test_a_wait_over_rest_takes_its_timeout_from_the_query(clients, rest):
    begun = clients.begin_index()
    waited = rest(v1.IndexServiceClient).wait_operation(
        operations_pb2.WaitOperationRequest(name=begun.operation.name, timeout={"seconds": 20})
    )
    assert waited.done
