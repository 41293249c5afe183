"""The asyncio clients of both versions: operations are awaited, and calls run side by side."""

import asyncio

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1
from google.cloud import aiplatform_v1beta1 as beta

from tests.vertex_channel import channel_to

CONFIG = {"config": {"dimensions": 2, "algorithmConfig": {"bruteForceConfig": {}}}}


async def until(holds):
    """What a coroutine function returns, once that is something."""
    async with asyncio.timeout(60):
        while not (found := await holds()):  # noqa: ASYNC110 - it comes from another process
            await asyncio.sleep(0.03)
        return found


async def ended(operation):
    """The result of an operation, which api_core would look at once a second."""
    await until(operation.done)
    return await operation.result(timeout=60)


def of(channel, client):
    """An unmodified client over this channel."""
    return client(transport=client.get_transport_class("grpc_asyncio")(channel=channel))


@pytest.mark.parametrize("package", [v1, beta], ids=["v1", "v1beta1"])
def test_an_index_is_created_filled_queried_and_deleted(clients, package):
    async def live():
        async with channel_to(clients.environment, grpc.aio) as channel:
            indexes = of(channel, package.IndexServiceAsyncClient)
            endpoints = of(channel, package.IndexEndpointServiceAsyncClient)
            match = of(channel, package.MatchServiceAsyncClient)
            index = {"display_name": "a", "metadata": CONFIG, "index_update_method": 2}
            endpoint = {"display_name": "e", "public_endpoint_enabled": True}
            begun = await asyncio.gather(
                indexes.create_index(parent=clients.parent, index=index),
                endpoints.create_index_endpoint(parent=clients.parent, index_endpoint=endpoint),
            )
            index, endpoint = await asyncio.gather(*map(ended, begun))
            assert isinstance(index, package.Index)
            name = f"async_{package.__name__.rpartition('_')[2]}"
            deploy = await endpoints.deploy_index(
                index_endpoint=endpoint.name, deployed_index={"id": name, "index": index.name}
            )
            assert (await ended(deploy)).deployed_index.id == name
            assert isinstance(deploy.metadata, package.DeployIndexOperationMetadata)
            points = [{"datapoint_id": str(row), "feature_vector": [row, 1]} for row in range(20)]
            await asyncio.gather(
                *(indexes.upsert_datapoints({"index": index.name, "datapoints": [each]}) for each in points)
            )

            async def is_filled():
                shown = await indexes.get_index(name=index.name)
                return shown.index_stats.vectors_count == 20

            await until(is_filled)
            asked = {
                "index_endpoint": endpoint.name,
                "deployed_index_id": name,
                "queries": [{"datapoint": {"feature_vector": [1, 0]}, "neighbor_count": 3}],
            }
            answers = await asyncio.gather(*(match.find_neighbors(asked) for _ in range(8)))
            listed = [each.name async for each in await indexes.list_indexes(parent=clients.parent)]
            assert index.name in listed
            undeploy = await endpoints.undeploy_index(index_endpoint=endpoint.name, deployed_index_id=name)
            await ended(undeploy)
            deletes = await asyncio.gather(
                endpoints.delete_index_endpoint(name=endpoint.name), indexes.delete_index(name=index.name)
            )
            await asyncio.gather(*map(ended, deletes))
            with pytest.raises(exceptions.NotFound):
                await indexes.get_index(name=index.name)
            return answers

    for answer in asyncio.run(live()):
        found = [each.datapoint.datapoint_id for each in answer.nearest_neighbors[0].neighbors]
        assert found == ["19", "18", "17"]
