"""Stand-ins of Databricks with the indexes that flows build in them, and data of a few hundred rows."""

from __future__ import annotations

import pytest
from databricks.sdk.errors import NotFound

from sandbox.databricks.options import DatabricksOptions
from tasks.databricks.clients import connect
from tasks.databricks.marks import tags_of
from tasks.databricks.settings import databricks_settings
from tasks.databricks.specs import index_name
from tests.flows.engine_commands import build, command, found  # noqa: F401 -- fixtures
from tests.flows.stand_ins import StandIn
from tests.flows.vertex.conftest import write_vectors
from tests.polling import until

GENRES = ("Drama", "Crime", "Horror")


class DatabricksStandIn(StandIn):
    """A stand-in of Databricks, asked through the official SDK."""

    def __init__(self, state, options):
        super().__init__(state, options)
        self.settings = self.settings_by(databricks_settings)
        self.clients = connect(self.settings)

    def endpoint(self, name):
        """The endpoint of a name, or None."""
        return _or_none(self.clients.endpoints.get_endpoint, name)

    def index(self, name):
        """The index of a name, or None."""
        return _or_none(self.clients.indexes.get_index, self.full_name(name))

    def full_name(self, name):
        return index_name(self.settings.catalog_schema, name)

    def tags(self, name):
        return tags_of(self.endpoint(name))

    def rows(self, name):
        """The rows of an index by their ids."""
        by_id, last = {}, None
        while (
            page := self.clients.indexes.scan_index(
                self.full_name(name), last_primary_key=last, num_results=1000
            )
        ).data:
            for row in page.data:
                values = {field.key: _plain(field.value) for field in row.fields}
                by_id[values["id"]] = values
            last = page.last_primary_key
        return by_id

    def shows(self, name, rows):
        """Wait until an index shows this many rows."""
        until(lambda: len(self.rows(name)) == rows, f"{rows} rows in {name}")

    def made_since(self, before):
        """The methods of the changing calls after the first `before` ones, without their services."""
        return [each.rpartition(".")[2] for each in self.writes[before:]]


def _or_none(read, name):
    try:
        return read(name)
    except NotFound:
        return None


def _plain(value):
    if value is None:
        return None
    if value.list_value:
        return [each.number_value for each in value.list_value.values]
    return value.string_value if value.string_value is not None else value.number_value


@pytest.fixture
def service_with(shared_stand_in):
    """The session's sandbox of these options: `service_with(advance="reads")`."""
    quick = {"clock_factor": 20_000, "write_delay": 0.02}
    return lambda **options: shared_stand_in(DatabricksStandIn, DatabricksOptions(**{**quick, **options}))


@pytest.fixture
def service(service_with):
    """The session's sandbox for tests that need no special one."""
    return service_with()


@pytest.fixture
def engine():
    return "databricks"


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """300 films by number, with genre and year."""
    rows = range(300)
    return write_vectors(
        tmp_path_factory.mktemp("data") / "films.hdf5",
        genre=[GENRES[row % 3] for row in rows],
        year=[1900 + row for row in rows],
    )


@pytest.fixture(scope="session")
def other_data(tmp_path_factory):
    """Other vectors for the first 250 of them."""
    return write_vectors(tmp_path_factory.mktemp("data") / "others.hdf5", rows=250, seed=2)
