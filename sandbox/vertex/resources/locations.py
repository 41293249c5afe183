"""google.cloud.location.Locations: where the service is. Any well-formed location is accepted; these are listed."""

from __future__ import annotations

from google.cloud.location import locations_pb2

from sandbox.vertex import errors, names
from sandbox.vertex.wire.paging import page

_AREAS = {
    "africa": "south1",
    "asia": "east1 east2 northeast1 northeast2 northeast3 south1 south2 southeast1 southeast2",
    "australia": "southeast1 southeast2",
    "europe": "central2 north1 north2 southwest1 west1 west12 west2 west3 west4 west6 west8 west9",
    "me": "central1 central2 west1",
    "northamerica": "northeast1 northeast2",
    "southamerica": "east1 west1",
    "us": "central1 east1 east4 east5 east7 south1 west1 west2 west3 west4 west8",
}
REGIONS = [f"{area}-{region}" for area, regions in _AREAS.items() for region in regions.split()]
"""Those that the official SDK accepts (`google.cloud.aiplatform.constants.base.SUPPORTED_REGIONS`), without `global`."""


class LocationsService:
    """Methods in the order of google/cloud/location/locations.proto."""

    def ListLocations(
        self, request: locations_pb2.ListLocationsRequest
    ) -> locations_pb2.ListLocationsResponse:
        """The regions of Vertex AI, in the order of the alphabet."""
        project = names.project(request.name)
        if request.filter:
            raise errors.INVALID_FILTER.refusal(
                filter=request.filter, problem="locations have no filters here"
            )
        positions = list(enumerate(reversed(REGIONS), start=1))[::-1]
        shown, token = page(positions, lambda each: each[0], request.page_size, request.page_token)
        locations = [_location(f"{project}/locations/{region}") for _, region in shown]
        return locations_pb2.ListLocationsResponse(locations=locations, next_page_token=token)

    def GetLocation(self, request: locations_pb2.GetLocationRequest) -> locations_pb2.Location:
        """One location."""
        return _location(names.parent(request.name))


def _location(name: str) -> locations_pb2.Location:
    region = name.rpartition("/")[2]
    return locations_pb2.Location(
        name=name, location_id=region, labels={"cloud.googleapis.com/region": region}
    )
