# ruff: noqa: T201
"""The helpers of the official client, as its handbook uses them."""

import asyncio
import os

from elasticsearch import AsyncElasticsearch, Elasticsearch, helpers

ADDRESS = {"hosts": os.environ["ELASTIC_URL"], "api_key": os.environ["ELASTIC_API_KEY"]}
client = Elasticsearch(**ADDRESS)


def actions(count, index="numbers"):
    for number in range(count):
        yield {"_index": index, "_id": str(number), "_source": {"number": number, "even": number % 2 == 0}}


assert helpers.bulk(client, actions(100), refresh=True) == (100, [])
assert all(ok for ok, _ in helpers.streaming_bulk(client, actions(10), chunk_size=3))
assert sum(ok for ok, _ in helpers.parallel_bulk(client, actions(50), thread_count=3, chunk_size=7)) == 50
changes = [
    {"_op_type": "delete", "_index": "numbers", "_id": "99"},
    {"_op_type": "update", "_index": "numbers", "_id": "98", "doc": {"number": -1}},
    {"_op_type": "create", "_index": "numbers", "_id": "0", "number": 5},
]
done, failed = helpers.bulk(client, changes, raise_on_error=False, refresh=True)
assert done == 2
assert [each["create"]["status"] for each in failed] == [409]
even = {"query": {"term": {"even": True}}, "sort": ["number"]}
hits = list(helpers.scan(client, query=even, index="numbers", size=7, preserve_order=True))
assert [hit["_source"]["number"] for hit in hits] == [-1, *range(0, 98, 2)]
done, _ = helpers.reindex(client, "numbers", "copies", chunk_size=20)
client.indices.refresh(index="copies")
assert done == client.count(index="copies")["count"] == 99


async def asynchronously():
    async with AsyncElasticsearch(**ADDRESS) as patient:
        assert await helpers.async_bulk(patient, actions(30, "later"), refresh=True) == (30, [])
        found = [
            hit
            async for hit in helpers.async_scan(patient, index="later", query={"query": {"match_all": {}}})
        ]
        assert len(found) == 30
        done, _ = await helpers.async_reindex(patient, "later", "latest")
        assert done == 30


asyncio.run(asynchronously())
print("helpers ran through")
