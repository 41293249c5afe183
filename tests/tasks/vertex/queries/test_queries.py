"""Queries through both kinds of endpoint: every answer is compared with what the filter's words promise."""

import dataclasses
import re
import tempfile
from concurrent import futures

import grpc
import numpy as np
import pytest
from pydantic import SecretStr

from protos import match_service
from tasks.calls import NotFound, ServiceRefused
from tasks.errors import InvalidInput
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.filters import NumericRestrict, parse_numeric_filters, parse_restricts
from tasks.vertex.queries import matches as ways
from tasks.vertex.queries.matches import PrivateAddressUnreachable
from tasks.vertex.queries.namespaces import read_namespaces
from tasks.vertex.queries.neighbors import Query
from tasks.vertex.queries.queries import DatapointNotThere, read_datapoints, read_neighbors
from tasks.vertex.streaming.arrivals import wait_for_datapoints
from tasks.vertex.streaming.updates import apply_upserts
from tasks.waiting import Deadline

DOCUMENTED = {"A": [], "B": ["red"], "C": ["blue"], "D": ["orange"], "E": ["red", "blue"], "F": ["red", "!blue"], "G": ["red", "blue", "!blue"], "H": ["!blue"]}  # fmt: skip
"""The points of the documentation's page "Filter vector matches"."""


@pytest.fixture(scope="module", params=["public", "vpc", "private-service-connect"])
def colors(request, serve, settings):
    """The documented points; each nearer to (1, 0) than the one after it; tags by turns, years from 2000, weights from 0."""
    served = serve(request.param, dimensions=2)
    points = []
    for row, (id_, tokens) in enumerate(DOCUMENTED.items()):
        texts = [f"color!={t[1:]}" if t.startswith("!") else f"color={t}" for t in tokens]
        points.append(
            Datapoint(
                id=id_,
                vector=np.array([1 - row / 100, 0.5], "f4"),
                restricts=parse_restricts(texts),
                numeric_restricts=(
                    NumericRestrict(namespace="year", value_int=2000 + row),
                    NumericRestrict(namespace="weight", value_float=float(row)),
                ),
                crowding_tag="ab"[row % 2],
            )
        )
    deadline = Deadline.after(seconds=30)
    apply_upserts.fn(settings, served, points, deadline)
    wait_for_datapoints.fn(settings, served, points, deadline)
    return served


def ask(settings, served, **query):
    asked = Query(**{"vector": np.array([1, 0], "f4"), **query})
    return read_neighbors.fn(settings, served, [asked]).neighbors[0]


def ids(found):
    return "".join(neighbor.id for neighbor in found)


def test_neighbors_come_nearest_first_and_no_more_than_asked_for(settings, colors):
    found = ask(settings, colors, neighbor_count=3)
    assert ids(found) == "ABC"
    assert [n.distance for n in found] == pytest.approx([1, 0.99, 0.98])


@pytest.mark.parametrize(
    ("restricts", "eligible"),
    [
        ([], "ABCDEFGH"),
        (["color=red"], "BEFG"),
        (["color=blue"], "CE"),
        (["color=red,blue"], "BCE"),
        (["color!=blue"], "ABDFH"),
        (["color=red", "color!=blue"], "BF"),
        (["color=green"], ""),
    ],
    ids=str,
)
def test_token_filters_pass_the_documented_points(settings, colors, restricts, eligible):
    assert ids(ask(settings, colors, restricts=parse_restricts(restricts))) == eligible


@pytest.mark.parametrize(
    ("filters", "eligible"),
    [
        (["year<2002i"], "AB"),
        (["year>=2002i", "year<2005i", "year!=2003i"], "CE"),
        (["year=2007i"], "H"),
        (["age>0i"], ""),
    ],
    ids=str,
)
def test_number_filters_compare_as_they_say(settings, colors, filters, eligible):
    assert ids(ask(settings, colors, numeric_restricts=parse_numeric_filters(filters))) == eligible


def test_a_number_without_a_kind_is_of_the_kind_that_the_index_has(settings, colors):
    kinds = read_namespaces.fn(settings, colors, Query(vector=np.array([1, 0], "f4"))).kinds
    assert kinds == {"year": "value_int", "weight": "value_float"}
    for text, eligible in [("weight>=6", "GH"), ("weight<0.5", "A"), ("year<2002", "AB")]:
        assert ids(ask(settings, colors, numeric_restricts=parse_numeric_filters([text], kinds))) == eligible


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"numeric_restricts": parse_numeric_filters(["weight>=6i"])}, "weight: .* 8 datapoints .* float32 numbers from 0 to 7 there, and .*another kind .int64."),
        ({"numeric_restricts": parse_numeric_filters(["year<2000"])}, "year: .* have int64 numbers from 2000 to 2007 there[.]"),
        ({"numeric_restricts": parse_numeric_filters(["age>0"])}, "age: .* have no number in that namespace"),
        ({"restricts": parse_restricts(["color=green"])}, "color=green: .* have red, blue, orange in that namespace"),
        ({"restricts": parse_restricts(["colour=red"])}, "colour=red: .* have no tokens in that namespace"),
        ({"restricts": parse_restricts(["color!=red"]), "numeric_restricts": parse_numeric_filters(["year=2001"])}, "looked at fits all filters"),
    ],
)  # fmt: skip
def test_an_empty_answer_says_what_is_there_instead(settings, colors, filters, said):
    query = Query(vector=np.array([1, 0], "f4"), **filters)
    assert read_neighbors.fn(settings, colors, [query]).neighbors == ((),)
    assert re.search(said, " ".join(read_namespaces.fn(settings, colors, query).reasons(query)))


def test_at_most_so_many_neighbors_share_a_crowding_tag(settings, colors):
    assert ids(ask(settings, colors, per_crowding_attribute_neighbor_count=1)) == "AB"
    found = ask(settings, colors, per_crowding_attribute_neighbor_count=2, neighbor_count=5)
    assert ids(found) == "ABCD"
    assert len({n.crowding for n in found}) == 2


def test_a_stored_datapoint_can_be_the_query(settings, colors):
    by_id = ask(settings, colors, vector=None, datapoint_id="D", neighbor_count=3)
    (stored,) = read_datapoints.fn(settings, colors, ["D"])
    assert by_id == ask(settings, colors, vector=stored.vector, neighbor_count=3)


def test_a_query_with_a_datapoint_that_is_not_there_names_it_and_the_index(settings, colors):
    with pytest.raises(DatapointNotThere, match=f"The index '{colors.name}' has no datapoint 'Z'"):
        ask(settings, colors, vector=None, datapoint_id="Z")


def test_many_queries_keep_their_order_whatever_shares_a_request(settings, colors):
    queries = [Query(vector=np.array([1, 0], "f4"), neighbor_count=n) for n in range(1, 8)]
    answers = read_neighbors.fn(settings, colors, queries, per_request=3)
    assert [ids(found) for found in answers.neighbors] == ["ABCDEFGH"[:n] for n in range(1, 8)]
    assert len(answers.milliseconds) == 3
    assert all(milliseconds > 0 for milliseconds in answers.milliseconds)


def test_another_number_of_dimensions_is_refused_before_anything_is_sent(settings, colors):
    nowhere = dataclasses.replace(colors, address="nowhere.invalid")
    with pytest.raises(InvalidInput, match=r"another number of dimensions.*: 3.*Accepted: 2"):
        ask(settings, nowhere, vector=np.array([1, 0, 0], "f4"))


def test_an_unknown_deployed_index_is_an_error_and_no_empty_answer(settings, colors):
    gone = dataclasses.replace(colors, deployed_index_id="gone")
    with pytest.raises(NotFound):
        ask(settings, gone)


def test_a_private_address_where_nothing_answers_says_where_to_run_instead(settings, colors):
    unreachable = dataclasses.replace(colors, kind="vpc", address="127.0.0.99")
    with pytest.raises(
        PrivateAddressUnreachable, match=r"127\.0\.0\.99:10000.*same VPC network and region.*us-central1"
    ):
        ask(settings, unreachable)


def test_a_private_endpoint_without_an_address_is_refused_before_anything_is_sent(settings, colors):
    with pytest.raises(InvalidInput, match="VERTEX_PRIVATE_ADDRESS"):
        ask(settings, dataclasses.replace(colors, kind="private-service-connect", address=""))


class Scripted:
    """A private MatchService that answers what the test wrote, and remembers how it was called."""

    def __init__(self, folder):
        self.metadata, self.answer = {}, match_service.BatchMatchResponse()
        self.server = grpc.server(futures.ThreadPoolExecutor(1))
        handlers = {
            "BatchMatch": grpc.unary_unary_rpc_method_handler(
                self.batch_match,
                request_deserializer=match_service.BatchMatchRequest.FromString,
                response_serializer=match_service.BatchMatchResponse.SerializeToString,
            )
        }
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(match_service.SERVICE_NAME, handlers),)
        )
        self.address = f"unix:{folder}/match"
        self.server.add_insecure_port(f"{self.address}:{ways.PRIVATE_PORT}")
        self.server.start()

    def batch_match(self, _, context):
        self.metadata = dict(context.invocation_metadata())
        return self.answer


@pytest.fixture
def scripted():
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short, and pytest's are not
        server = Scripted(folder)
        yield server
        server.server.stop(None)


@pytest.fixture
def asked_of_it(scripted, colors):
    return dataclasses.replace(colors, kind="vpc", address=scripted.address)


def per_index(**fields):
    return match_service.BatchMatchResponse.BatchMatchResponsePerIndex(**fields)


def test_an_index_that_failed_within_a_batch_is_an_error_and_no_empty_answer(settings, scripted, asked_of_it):
    scripted.answer.responses.append(per_index(status=match_service.Status(code=5, message="no such index")))
    with pytest.raises(NotFound, match="no such index"):
        ask(settings, asked_of_it)


def test_fewer_answers_than_queries_are_an_error(settings, scripted, asked_of_it):
    scripted.answer.responses.append(per_index())
    with pytest.raises(ServiceRefused, match="0 answers to 1 queries"):
        ask(settings, asked_of_it)


def test_a_token_goes_along_with_a_colon_after_its_scheme(settings, scripted, asked_of_it):
    scripted.answer.responses.append(per_index(responses=[match_service.MatchResponse()]))
    ask(settings.model_copy(update={"jwt": SecretStr("head.body.sign")}), asked_of_it)
    assert scripted.metadata["authorization"] == "Bearer: head.body.sign"


def test_an_answer_larger_than_four_mebibytes_arrives(settings, scripted, asked_of_it):
    neighbors = [match_service.MatchResponse.Neighbor(id="x" * 1000, distance=1.0)] * 5000
    scripted.answer.responses.append(per_index(responses=[match_service.MatchResponse(neighbor=neighbors)]))
    assert len(ask(settings, asked_of_it)) == 5000
