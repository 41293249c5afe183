"""Official clients of Vector Search 2.0 over gRPC and REST, and collections to try them on."""

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
from google.cloud import vectorsearch_v1 as v2
from google.oauth2.credentials import Credentials

from tests.polling import SOON
from tests.vertex_channel import channel_to

SERVICES = ("VectorSearchService", "DataObjectService", "DataObjectSearchService")
MOVIES = {
    "alien": ("Horror", 1979, [1, 0], "a crew meets a creature in space"),
    "heat": ("Crime", 1995, [0, 1], "a thief and a detective"),
    "gravity": ("Drama", 2013, [0.9, 0.5], "alone in space, in space without air"),
}
SCHEMA = {
    "vector_schema": {
        "plot": {"dense_vector": {"dimensions": 2}},
        "words": {"sparse_vector": {}},
    },
    "data_schema": {
        "type": "object",
        "properties": {
            "genre": {"type": "string"},
            "year": {"type": "integer"},
            "text": {"type": "string"},
            "tags": {"type": "array"},
        },
    },
}
_numbers = itertools.count()


@dataclass
class Collections:
    """Clients of the three services, and what tests do with them again and again."""

    service: Any
    objects: Any
    search: Any
    parent: str

    def create(self, **fields):
        made = self.service.create_collection(
            parent=self.parent, collection_id=f"c{next(_numbers)}-{id(self)}", collection={**SCHEMA, **fields}
        )
        return made.result(timeout=60, polling=SOON).name

    def movies(self):
        name = self.create()
        requests = [{"parent": name, "data_object_id": each, "data_object": movie(each)} for each in MOVIES]
        self.objects.batch_create_data_objects(request={"parent": name, "requests": requests})
        return name

    def found(self, name, **search):
        """The ids that a search finds, best first."""
        found = self.search.search_data_objects(request={"parent": name, **search})
        return [each.data_object.data_object_id for each in found]

    def queried(self, name, given):
        found = self.search.query_data_objects(request={"parent": name, "filter": given})
        return {each.data_object_id for each in found}


def movie(name):
    genre, year, plot, text = MOVIES[name]
    return {
        "data": {"genre": genre, "year": year, "text": text, "tags": [genre, text.split()[-1]]},
        "vectors": {
            "plot": {"dense": {"values": plot}},
            "words": {"sparse": {"values": [1.0, 2.0], "indices": [year, 7]}},
        },
    }


def connected(environment, transport):
    made = []
    for service in SERVICES:
        client = getattr(v2, f"{service}Client")
        if transport == "grpc":
            channel = channel_to(environment)
            made.append(client(transport=client.get_transport_class("grpc")(channel=channel)))
        else:
            address = f"http://{environment['VERTEX_PLAINTEXT_ENDPOINT']}"
            made.append(
                client(
                    transport="rest",
                    credentials=Credentials(environment["VERTEX_ACCESS_TOKEN"]),
                    client_options={"api_endpoint": address},
                )
            )
    return Collections(*made, f"projects/{environment['VERTEX_PROJECT']}/locations/us-central1")


@pytest.fixture(params=["grpc", "rest"])
def collections(clients, request):
    return connected(clients.environment, request.param)


@pytest.fixture
def over_grpc(clients):
    return connected(clients.environment, "grpc")
