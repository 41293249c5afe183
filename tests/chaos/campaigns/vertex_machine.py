"""Datapoints and endpoints of the Vertex stand-in against a dictionary, with crashes, refused calls and lost replies."""

from __future__ import annotations

import grpc
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import aiplatform_v1 as v1
from google.cloud.aiplatform_v1.services.index_endpoint_service.transports import (
    IndexEndpointServiceGrpcTransport,
)
from google.cloud.aiplatform_v1.services.index_service.transports import IndexServiceGrpcTransport
from google.cloud.aiplatform_v1.services.match_service.transports import MatchServiceGrpcTransport
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from sandbox import announced
from tests.chaos.campaigns.machine import Machine
from tests.polling import SOON, until
from tests.vertex_channel import channel_to

_IDS = st.sampled_from([f"m{number}" for number in range(4)])
_VALUES = st.integers(-3, 3).map(float)
_NAMES = st.sampled_from(["left", "right"])


class VertexMachine(Machine):
    """The model: datapoints by id, and the number of endpoints by display name."""

    errors = (GoogleAPICallError,)

    def __init__(self):
        super().__init__()
        self.points, self.endpoints = {}, {}
        self.connect()
        (self.index,) = [one.name for one in self.indexes.list_indexes(parent=self.parent)]
        (self.endpoint,) = [one.name for one in self.ends.list_index_endpoints(parent=self.parent)]
        self.deployed = self.ends.get_index_endpoint(name=self.endpoint).deployed_indexes[0].id

    def connect(self):
        environment = announced.environment(self.world.state)
        self.parent = f"projects/{environment['VERTEX_PROJECT']}/locations/{environment['VERTEX_LOCATION']}"
        self.channel = channel_to(environment)
        self.indexes = v1.IndexServiceClient(transport=IndexServiceGrpcTransport(channel=self.channel))
        self.ends = v1.IndexEndpointServiceClient(
            transport=IndexEndpointServiceGrpcTransport(channel=self.channel)
        )
        self.match = v1.MatchServiceClient(transport=MatchServiceGrpcTransport(channel=self.channel))

    def disconnect(self):
        self.channel.close()

    @rule(id_=_IDS, value=_VALUES, how=Machine.HOW)
    def upsert(self, id_, value, how):
        point = v1.IndexDatapoint(datapoint_id=id_, feature_vector=[value] * 8)
        request = v1.UpsertDatapointsRequest(index=self.index, datapoints=[point])
        if self.disturbed(
            "UpsertDatapoints", how, lambda: self.indexes.upsert_datapoints(request, retry=None)
        ):
            self.points[id_] = value

    @rule(id_=_IDS, how=Machine.HOW)
    def remove(self, id_, how):
        request = v1.RemoveDatapointsRequest(index=self.index, datapoint_ids=[id_])
        if self.disturbed(
            "RemoveDatapoints", how, lambda: self.indexes.remove_datapoints(request, retry=None)
        ):
            self.points.pop(id_, None)

    @rule(name=_NAMES, how=Machine.HOW)
    def create_endpoint(self, name, how):
        endpoint = v1.IndexEndpoint(display_name=name, public_endpoint_enabled=True)

        def create():
            self.ends.create_index_endpoint(parent=self.parent, index_endpoint=endpoint, retry=None).result(
                polling=SOON
            )

        if self.disturbed("CreateIndexEndpoint", how, create):
            self.endpoints[name] = self.endpoints.get(name, 0) + 1

    @rule(name=_NAMES, how=Machine.HOW)
    def delete_endpoint(self, name, how):
        def delete():
            self.ends.delete_index_endpoint(name=there[0], retry=None).result(polling=SOON)

        there = self.listed(name)
        if there and self.disturbed("DeleteIndexEndpoint", how, delete):
            self.endpoints[name] -= 1

    def listed(self, name):
        self.settled()
        return [
            one.name for one in self.ends.list_index_endpoints(parent=self.parent) if one.display_name == name
        ]

    def settled(self):
        operations = self.indexes.transport.operations_client
        until(
            lambda: not list(operations.list_operations(self.parent, "done:false")),
            "the end of every operation",
        )

    @invariant()
    def endpoints_are_those_of_the_model(self):
        for name, number in self.endpoints.items():
            assert len(self.listed(name)) == number, name

    @invariant()
    def datapoints_are_those_of_the_model(self):
        wanted = {id_: [value] * 8 for id_, value in self.points.items()}
        until(lambda: self.served() == wanted, f"datapoints {wanted}, last {self.served()}", seconds=10)

    def served(self):
        found = {}
        for id_ in ("m0", "m1", "m2", "m3"):
            request = v1.ReadIndexDatapointsRequest(
                index_endpoint=self.endpoint, deployed_index_id=self.deployed, ids=[id_]
            )
            try:
                points = self.match.read_index_datapoints(request).datapoints
            except GoogleAPICallError as error:
                if error.grpc_status_code is not grpc.StatusCode.NOT_FOUND:
                    raise
                continue
            found |= {point.datapoint_id: list(point.feature_vector) for point in points}
        return found
