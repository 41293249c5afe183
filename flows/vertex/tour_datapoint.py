"""The middle of the tour: a new datapoint is upserted, filtered, moved, crowded and removed, and each answer is checked."""

from __future__ import annotations

from dataclasses import dataclass

from flows.report import StepReport
from flows.vertex.options import VertexRun
from tasks.errors import GateNotMet
from tasks.plurals import listed
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.filters import Restrict
from tasks.vertex.imports.tour_data import TourData
from tasks.vertex.queries.neighbors import Neighbor, Query
from tasks.vertex.queries.queries import read_datapoints, read_neighbors
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.streaming.arrivals import wait_for_datapoints, wait_for_removals
from tasks.vertex.streaming.updates import apply_removals, apply_upserts


def stream_one_datapoint(run: VertexRun, served: ServedIndex, data: TourData, k: int) -> None:
    """Stream one new datapoint through its life, and check the answer to the same query after each change.

    Raises:
        GateNotMet: an answer is not the one that the change must lead to.
    """
    visit = _Visit(run, served, data, k)
    visit.forget_an_earlier_one()
    visit.query()
    visit.upsert_a_new_datapoint()
    visit.filter_by_class()
    visit.move_it_to_another_class()
    visit.crowd()
    visit.change_its_crowding_tag()
    visit.remove_it()


SHOWN = 5
"""Number of neighbors that the report names."""


@dataclass
class _Visit:
    """Repeats the same query while one datapoint changes."""

    run: VertexRun
    served: ServedIndex
    data: TourData
    k: int
    before: tuple[Neighbor, ...] = ()
    """The first answer, before anything was upserted."""
    crowded: tuple[Neighbor, ...] = ()
    """The answer with crowding, before the tag changed."""

    def forget_an_earlier_one(self) -> None:
        """Remove the datapoint of an earlier tour that did not finish."""
        if read_datapoints(self.run.settings, self.served, [self.data.new_id]):
            self._remove()

    def query(self) -> None:
        """Query before anything is upserted."""
        with self.run.report.step("query") as step:
            found = self._ask()
            self.before = found
            _check("neighbors found", len(found), min(self.k, self.served.vectors_count or self.k))
            step.saw(f"{self.data.word or f'query {self.data.row}'}: {self._names(found)}")

    def upsert_a_new_datapoint(self) -> None:
        """Upsert a new id with the query's own vector and check that it comes first."""
        with self.run.report.step("upsert a new datapoint with the query's vector") as step:
            self._upsert(class_token=self.data.new_id, crowding_tag="b")
            found = self._ask()
            _check("the nearest neighbor", _ids(found)[:1], [self.data.new_id])
            step.saw(f"now first: {self._names(found)}")

    def filter_by_class(self) -> None:
        """Allow two classes and check that only their two datapoints are found."""
        with self.run.report.step(f"filter class in {{{self.data.known_id}, {self.data.new_id}}}") as step:
            found = self._ask(restricts=self._class_filter())
            _check("the ids that pass the filter", set(_ids(found)), {self.data.known_id, self.data.new_id})
            step.saw(self._names(found))

    def move_it_to_another_class(self) -> None:
        """Change its class and check that it leaves the filtered answer."""
        with self.run.report.step("move the new datapoint to another class") as step:
            self._upsert(class_token="elsewhere", crowding_tag="b")  # noqa: S106 -- a restrict's token
            found = self._ask(restricts=self._class_filter())
            _check("the ids that pass the filter", _ids(found), [self.data.known_id])
            step.saw(f"filtered: {self._names(found)}; {self.data.new_id} has left")

    def crowd(self) -> None:
        """Allow one neighbor per crowding tag."""
        with self.run.report.step("at most one neighbor per crowding tag") as step:
            self.crowded = self._ask_crowded(step)

    def change_its_crowding_tag(self) -> None:
        """Change its tag from b to a and check that the crowded answer changes: its old tag is now free for another neighbor."""
        with self.run.report.step("change its crowding tag from b to a") as step:
            self._upsert(class_token=self.data.new_id, crowding_tag="a")
            found = self._ask_crowded(step)
            if _ids(found)[1:] == _ids(self.crowded)[1:]:
                raise GateNotMet(
                    "The crowded answer", measured=_ids(found), wanted="another second neighbor than before"
                )
            if found[0].crowding == self.crowded[0].crowding:
                raise GateNotMet(
                    f"The crowding tag of {self.data.new_id}", measured=found[0].crowding, wanted="changed"
                )

    def remove_it(self) -> None:
        """Remove it and check that the first answer is back."""
        with self.run.report.step("remove the new datapoint") as step:
            self._remove()
            found = self._ask()
            _check("the answer", _ids(found), _ids(self.before))
            step.saw(f"gone; {self._names(found)}")

    def _remove(self) -> None:
        apply_removals(self.run.settings, self.served, [self.data.new_id], self.run.deadline)
        wait_for_removals(self.run.settings, self.served, [self.data.new_id], self.run.deadline)

    def _upsert(self, *, class_token: str, crowding_tag: str) -> None:
        datapoint = Datapoint(
            id=self.data.new_id,
            vector=self.data.vector,
            restricts=(Restrict(namespace="class", allow=(class_token,)),),
            crowding_tag=crowding_tag,
        )
        apply_upserts(self.run.settings, self.served, [datapoint], self.run.deadline)
        wait_for_datapoints(self.run.settings, self.served, [datapoint], self.run.deadline)

    def _ask(
        self, *, restricts: tuple[Restrict, ...] = (), crowding: int | None = None
    ) -> tuple[Neighbor, ...]:
        query = Query(
            vector=self.data.vector,
            neighbor_count=self.k,
            restricts=restricts,
            per_crowding_attribute_neighbor_count=crowding,
        )
        return read_neighbors(self.run.settings, self.served, [query]).neighbors[0]

    def _ask_crowded(self, step: StepReport) -> tuple[Neighbor, ...]:
        found = self._ask(crowding=1)
        _check("the nearest neighbor", _ids(found)[:1], [self.data.new_id])
        tags = [neighbor.crowding for neighbor in found]
        _check("different crowding tags", len(set(tags)), len(tags))
        step.saw(f"{len(found)} neighbors: {self._names(found)}")
        return found

    def _class_filter(self) -> tuple[Restrict, ...]:
        return (Restrict(namespace="class", allow=(self.data.known_id, self.data.new_id)),)

    def _names(self, found: tuple[Neighbor, ...]) -> str:
        return listed(self.data.shown(id_) for id_ in _ids(found)[:SHOWN])


def _ids(found: tuple[Neighbor, ...]) -> list[str]:
    return [neighbor.id for neighbor in found]


def _check(what: str, seen: object, wanted: object) -> None:
    if seen != wanted:
        raise GateNotMet(f"The tour's check of {what}", measured=seen, wanted=wanted)
