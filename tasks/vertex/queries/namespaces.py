"""What the datapoints near a query hold in the namespaces that its filters name.

No API lists an index's namespaces. A number matches only numbers of its own kind, and the service does not say when a
filter names another kind or an unknown namespace: it finds nothing. So the nearest datapoints are read without filters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.plurals import counted
from tasks.steps import step
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.filters import KINDS, Kind, NumericFilter, Restrict
from tasks.vertex.queries.matches import matches
from tasks.vertex.queries.neighbors import Query
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.settings import VertexSettings

SAMPLE = 100
"""Datapoints that are looked at; up to 300 neighbors stay fast (Vertex AI documentation)."""
_SHOWN = 5
_ALL_FILTERS = (
    "No datapoint that the search looked at fits all filters; a larger approximate_neighbor_count or "
    "fraction_leaf_nodes_to_search_override looks at more."
)


@dataclass(frozen=True)
class Namespaces:
    """The namespaces of a sample of datapoints."""

    datapoints: Sequence[Datapoint]
    served: ServedIndex

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kind of the numbers in each namespace; one namespace has one kind, which the service sees to."""
        return {
            number.namespace: number.field for each in self.datapoints for number in each.numeric_restricts
        }

    @property
    def tokens(self) -> Mapping[str, Sequence[str]]:
        """The tokens that the datapoints allow, by namespace, without repetition."""
        found: dict[str, dict[str, None]] = {}
        for each in self.datapoints:
            for restrict in each.restricts:
                found.setdefault(restrict.namespace, {}).update(dict.fromkeys(restrict.allow))
        return {namespace: tuple(tokens) for namespace, tokens in found.items()}

    def reasons(self, query: Query) -> list[str]:
        """Why the answer to a query may be empty, one sentence each; at least one. The filters are not evaluated here."""
        if not self.datapoints:
            without = "A query without filters finds no datapoints either."
            return [without, *no_vectors(self.served, query)]
        found = [self._tokens_there(restrict) for restrict in query.restricts if restrict.allow]
        found += [self._numbers_there(number) for number in query.numeric_restricts]
        return [
            *found,
            _ALL_FILTERS,
        ]

    def _tokens_there(self, restrict: Restrict) -> str:
        there = self.tokens.get(restrict.namespace, ())
        has = f"have {_some(there)} in that namespace" if there else "have no tokens in that namespace"
        return f"{restrict.namespace}={','.join(restrict.allow)}: {self._sample} {has}."

    def _numbers_there(self, number: NumericFilter) -> str:
        name, kind = number.namespace, self.kinds.get(number.namespace)
        if kind is None:
            return f"{name}: {self._sample} have no number in that namespace."
        values = [
            getattr(n, n.field)
            for each in self.datapoints
            for n in each.numeric_restricts
            if n.namespace == name
        ]
        there = (
            f"{name}: {self._sample} have {KINDS[kind]} numbers from {min(values):g} to {max(values):g} there"
        )
        if kind == number.field:
            return f"{there}."
        return f"{there}, and a number of another kind ({KINDS[number.field]}) matches none of them: leave the letter after it out."

    @property
    def _sample(self) -> str:
        return f"the {counted(len(self.datapoints), 'datapoint')} nearest to the query"


@step("read namespaces of {served.name}")
def read_namespaces(settings: VertexSettings, served: ServedIndex, query: Query) -> Namespaces:
    """The namespaces of up to 100 datapoints that are nearest to a query, without its filters.

    Raises:
        NotFound: the query asks with a stored datapoint that is not there.
    """
    wide = Query(
        vector=query.vector,
        sparse_vector=query.sparse_vector,
        datapoint_id=query.datapoint_id,
        alpha=query.alpha,
        neighbor_count=SAMPLE,
    )
    return Namespaces(matches(settings, served).datapoints_near(wide), served)


def no_vectors(served: ServedIndex, query: Query) -> list[str]:
    """Why a query without filters may find nothing: the index has no vectors of its kind, or none that it can meet."""
    counted_late = "by the index's statistics, which lag behind streaming updates"
    found = list[str]()
    if query.vector is not None and not served.vectors_count:
        found.append(f"No datapoint of {served.name} has a dense vector ({counted_late}).")
    if query.sparse_vector is not None and not served.sparse_vectors_count:
        found.append(f"No datapoint of {served.name} has a sparse embedding ({counted_late}).")
    elif query.sparse_vector is not None:
        asked = _some([str(dimension) for dimension in query.sparse_vector.dimensions])
        there = counted(served.sparse_vectors_count, "datapoint")
        found.append(
            f"Of {there} with a sparse embedding none has a value in a dimension of the query ({asked})."
        )
    return found


def _some(tokens: Sequence[str]) -> str:
    shown = ", ".join(tokens[:_SHOWN])
    return shown if len(tokens) <= _SHOWN else f"{shown} and {len(tokens) - _SHOWN} others"
