"""The steps of a build, from a file of vectors to an index that answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from flows.confirmation import Question, agree, billed
from flows.databricks.options import DatabricksRun
from flows.databricks.plans import build_plan
from flows.versions.changes import prune_questions
from tasks.databricks.costs import hourly_cost
from tasks.databricks.data import RowSource
from tasks.databricks.endpoints import (
    EndpointState,
    apply_content_mark,
    apply_found_mark,
    ensure_endpoint,
    read_endpoint,
    wait_for_endpoint,
)
from tasks.databricks.index_lifecycle import ensure_index, wait_for_index
from tasks.databricks.indexes import REMEDY, IndexState, read_index_to_change, read_version
from tasks.databricks.loading import apply_removal_of_strays, apply_rows
from tasks.databricks.marks import VersionMarks
from tasks.databricks.searches import read_count
from tasks.databricks.serving import wait_for_embedder
from tasks.databricks.source_tables import apply_table_rows, ensure_table, read_row_count
from tasks.databricks.specs import DIVISOR, FIRST, STANDARD, STORAGE_OPTIMIZED, EndpointKind, IndexSpec
from tasks.databricks.syncs import apply_sync, wait_for_sync
from tasks.databricks.texts import TextSource, ValidatedTexts
from tasks.databricks.verification import NEAREST, verify_count, verify_recall, verify_texts, wait_for_content
from tasks.databricks.versions import read_versions, version_for
from tasks.errors import CannotChangeInPlace, GateNotMet, InvalidInput
from tasks.measures.verification import SearchRecall
from tasks.plurals import counted
from tasks.program import command
from tasks.progress import say
from tasks.vertex.data.validation import ValidatedVectors

T = TypeVar("T")
Validated = ValidatedVectors | ValidatedTexts
MOST_QUERIES = 1000
"""Queries that a build measures recall with."""


@dataclass(frozen=True, kw_only=True)
class IndexPlan:
    """The result that a build is to reach."""

    source: RowSource | TextSource
    index: IndexSpec
    as_version: bool = False
    """Whether other content or another configuration becomes a new version beside the served one."""
    min_recall: float = 0.9
    endpoint_type: EndpointKind | None = None
    """None: that of the endpoint, STANDARD for a new one."""


@dataclass
class BuiltIndex:
    """What a build did."""

    index: IndexState
    is_served: bool = True
    """Whether it is searched; a new version must be switched to."""
    count: int = 0
    """Rows in the index."""
    recall: SearchRecall | None = None
    changes: list[str] = field(default_factory=list)
    """Every change that it made; empty if everything was already there."""


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What there is before a build changes anything."""

    spec: IndexSpec
    """In the version that is to be built."""
    endpoint: EndpointState | None
    index: IndexState | None
    """Of that version."""
    beside: tuple[IndexState, ...]
    """The other versions."""
    endpoint_type: str

    @property
    def kind(self) -> EndpointKind:
        """Of the endpoint, as it is or is to be made."""
        return STORAGE_OPTIMIZED if self.endpoint_type == STORAGE_OPTIMIZED else STANDARD

    @property
    def marks(self) -> VersionMarks:
        """Of that version."""
        return self.endpoint.marks_of(self.spec.version) if self.endpoint else VersionMarks()

    @property
    def is_served(self) -> bool:
        """Whether that version is searched, or the first of its name."""
        return self.endpoint is None or self.endpoint.serves == self.spec.version


def build(
    run: DatabricksRun, plan: IndexPlan, validated: Validated, *, yes: bool, prunes: bool = False
) -> BuiltIndex:
    """Chain the steps of a build. The tour calls this too.

    Args:
        run: the run that this is part of.
        plan: the result to reach.
        validated: the data, as validation found them.
        yes: agree to costs and to the replacement of content.
        prunes: whether the caller removes the other versions afterwards, which is asked for here.
    """
    settings, report, deadline = run.settings, run.report, run.deadline
    # What belongs to others and differences that cannot be changed in place are found before anything is changed or billed.
    found = _look(run, plan, validated)
    if isinstance(validated, ValidatedTexts) and found.index is None:
        # Once the index is there, its dimensions decide nothing any more.
        validated = validated.of_dimensions(_embedder(run, found))
    # One that a killed run has only just made has no version to prune.
    prunes = prunes and found.endpoint is not None and found.endpoint.is_marked
    spec, there = found.spec, found.index
    versions = read_versions(settings, spec.name) if prunes else None
    pruning = prune_questions(versions, spec.version) if versions else []
    agree(
        [*_cost(run, validated, found), *_replacement(validated, found), *pruning],
        yes=yes,
        plan=lambda: build_plan(
            run, spec, validated, found.endpoint, there, cost=_cost_in_words(validated, found),
            prunes=versions.besides(spec.version) if versions else (),
        ),
    )  # fmt: skip

    changes = list[str]()
    with report.step(f"endpoint {spec.name}", changes) as step:
        marked = ensure_endpoint(
            settings, spec.name, version=spec.version, spec=spec.spec, content=validated.content,
            has_index=there is not None, deadline=deadline, kind=found.kind,
        ).there.marks_of(spec.version)  # fmt: skip
        # Asked of the first look, not of the step: after a lost reply its retry finds what this run created.
        if found.endpoint is None:
            changes.append("created the endpoint")
        step.saw(wait_for_endpoint(settings, spec.name, deadline).state)
    if spec.index_type == "DELTA_SYNC":
        _fill_table(run, spec, plan.source, validated, changes)
    with report.step(f"index {spec.full_name_in(settings.catalog_schema)}", changes) as step:
        ensure_index(settings, spec, deadline)
        if there is None:
            changes.append("created the index")
        index = wait_for_index(settings, spec.name, deadline, spec.version)
        vectors = (
            f"embedded by {index.embed_with}" if index.is_managed else counted(index.dimensions, "dimension")
        )
        step.saw(f"{vectors}, {index.state}")
    built = BuiltIndex(index, is_served=found.is_served, changes=changes)

    if marked.content != validated.content:
        with report.step(f"load rows into {index.full_name}") as step:
            step.saw(
                _load(run, plan.source, validated, marked, there, index, changes)
                if isinstance(plan.source, RowSource) and index.is_direct
                else _sync(run, marked, there, index, validated.content)
            )
    with report.step(f"count the rows of {index.full_name}") as step:
        built.count = read_count(settings, index)
        step.saw(f"{built.count:,}")
        if built.count != validated.rows:
            step.saw(f"the file has {counted(validated.rows, 'row')}: others were added or removed since")
    if isinstance(plan.source, TextSource):
        found_before = marked.found if marked.content == validated.content else ""
        _verify_texts(run, plan, plan.source, validated, built, found_before)
    else:
        built.recall = _verified(run, plan, plan.source, validated, built)
    return built


def _verify_texts(
    run: DatabricksRun, plan: IndexPlan, source: TextSource, validated: Validated, built: BuiltIndex, before: str
) -> None:  # fmt: skip
    """Ask an index that embeds by itself for a sample of its texts, unless a build of the same content did. Each is a call of the model."""
    index = built.index
    with run.report.step(f"a sample of texts in {index.full_name}") as step:
        # Others may have taken texts out of the table since.
        least = plan.min_recall if built.count == validated.rows else 0.0
        share = float(before or -1)
        if share >= least:
            step.saw(f"{share:.2f} found their own row when they were loaded; the model is not asked again")
        else:
            share = _kept(
                index, built,
                lambda: verify_texts(run.settings, index, source, run.deadline, rows=validated.rows, least=least),
            )  # fmt: skip
            apply_found_mark(run.settings, index.name, index.version, share)
            step.saw(f"{share:.2f} find their own row among {NEAREST}")
        run.report.facts["texts_found"] = share


def _verified(
    run: DatabricksRun, plan: IndexPlan, source: RowSource, validated: Validated, built: BuiltIndex
) -> SearchRecall | None:
    """What a build measures at its end, against its gate."""
    index = built.index
    with run.report.step(f"recall@10 of {index.full_name}") as step:
        if validated.queries:
            # What others added is nearer than some rows of the file, which is no fault of the index.
            gate = plan.min_recall if built.count == validated.rows else None
            found = _kept(
                index, built,
                lambda: verify_recall(run.settings, index, source, run.deadline, queries=MOST_QUERIES, min_recall=gate),
            )  # fmt: skip
            step.saw(str(found))
            return found
        step.saw("not measured: the file has no queries")
    return None


def _kept(index: IndexState, built: BuiltIndex, measure: Callable[[], T]) -> T:
    """Measure against a gate; what to do with a new version that misses it is said."""
    try:
        return measure()
    except GateNotMet:
        if not built.is_served:
            say(
                f"The version {index.version} stays and is not served. "
                f"`{command('databricks swap', name=index.name, to=index.version)}` serves it nevertheless, "
                f"`{command('databricks prune', name=index.name)}` removes it."
            )
        raise


def _embedder(run: DatabricksRun, found: _Found) -> int:
    """Wait for the model that is to embed. Returns the dimensions of its vectors.

    Raises:
        InvalidInput: a storage-optimized endpoint does not take them.
    """
    spec = found.spec
    with run.report.step(f"model serving endpoint {spec.embed_with}") as step:
        dimensions = wait_for_embedder(run.settings, spec.embed_with, run.deadline)
        step.saw(f"READY, embeds into {counted(dimensions, 'dimension')}")
    if found.kind == STORAGE_OPTIMIZED and dimensions % DIVISOR:
        raise InvalidInput(
            "A STORAGE_OPTIMIZED endpoint does not take the vectors of this model", value=f"{dimensions} dimensions", source=spec.embed_with,
            accepted=f"multiples of {DIVISOR}, or a STANDARD endpoint",
        )  # fmt: skip
    return dimensions


def _look(run: DatabricksRun, plan: IndexPlan, validated: Validated) -> _Found:
    settings, name = run.settings, plan.index.name
    endpoint = read_endpoint(settings, name)
    version = endpoint.serves if endpoint is not None else FIRST
    if plan.as_version:
        version = version_for(endpoint, plan.index, validated.content)
    spec = plan.index.model_copy(update={"version": version or FIRST})
    endpoint, index = read_index_to_change(settings, spec)
    others = [one for one in endpoint.versions if one != spec.version] if endpoint is not None else []
    beside = (read_version(settings, name, one) for one in others) if index is None else ()
    kind = _kind(plan, spec, endpoint)
    spec = spec.model_copy(update={"endpoint_type": kind})
    return _Found(
        spec=spec, endpoint=endpoint, index=index, beside=tuple(filter(None, beside)), endpoint_type=kind
    )


def _kind(plan: IndexPlan, spec: IndexSpec, endpoint: EndpointState | None) -> str:
    """What kind of endpoint it will be on.

    Raises:
        CannotChangeInPlace: the endpoint is there, and of another kind.
        InvalidInput: such an endpoint does not take the index.
    """
    there = endpoint.kind if endpoint is not None else None
    if there and plan.endpoint_type not in (None, there):
        raise CannotChangeInPlace(
            "endpoint", spec.name, field="endpoint_type", there=there, wanted=plan.endpoint_type, remedy=REMEDY
        )  # fmt: skip
    kind = there or plan.endpoint_type or STANDARD
    if kind == STORAGE_OPTIMIZED and spec.dimensions % DIVISOR:
        raise InvalidInput(
            "A STORAGE_OPTIMIZED endpoint does not take vectors with this number of dimensions", value=spec.dimensions, source=plan.source.data,
            accepted=f"multiples of {DIVISOR}", remedy="Pad the vectors with zeros, which changes no distance, or build on a STANDARD endpoint.",
        )  # fmt: skip
    return kind


def _fill_table(
    run: DatabricksRun,
    spec: IndexSpec,
    source: RowSource | TextSource,
    validated: Validated,
    changes: list[str],
) -> None:
    """Make the source table and bring its rows; an index is made of what is there."""
    settings, content = run.settings, validated.content
    with run.report.step(f"fill the source table of {spec.full_name_in(settings.catalog_schema)}") as step:
        ensured = ensure_table(settings, spec, run.deadline)
        if ensured.changed:
            changes.append("created the source table")
        if ensured.there.content != content:
            apply_table_rows(settings, spec, source, content, run.deadline)
            changes.append(f"loaded {counted(validated.rows, 'row')} into it")
        step.saw(f"{ensured.there.full_name}, content {content}")


def _sync(
    run: DatabricksRun, marked: VersionMarks, there: IndexState | None, index: IndexState, content: str
) -> str:
    """Let an index follow its table. A new one does so by itself; what an earlier run began is followed."""
    settings, deadline, name, version = run.settings, run.deadline, index.name, index.version
    if there is not None:
        if marked.coming != content:
            apply_content_mark(settings, name, version, coming=content, replaces=True)
        apply_sync(settings, name, deadline, version)
    rows = read_row_count(settings, name, deadline, version)
    synced = wait_for_sync(settings, name, rows, deadline, version, is_triggered=there is not None)
    apply_content_mark(settings, name, version, content=content)
    return f"{synced.state}, {counted(synced.rows, 'row')}"


def _cost(run: DatabricksRun, validated: Validated, found: _Found) -> list[Question]:
    """Ask before an index is made. A sandbox costs nothing, so nothing is asked."""
    if found.index is not None:
        return []
    cost = _cost_in_words(validated, found)
    return billed("create the index", cost, is_sandbox=run.settings.is_sandbox)


def _cost_in_words(validated: Validated, found: _Found) -> str:
    """What the index costs that is to be made, with those beside it; empty if it is there."""
    if found.index is not None:
        return ""
    # Of vectors that the service makes the index does not say the dimensions: those of the same model have as many.
    same = validated.dimensions
    beside = [
        (one.rows, one.dimensions or (same if one.embed_with == found.spec.embed_with else 0))
        for one in found.beside
    ]
    return hourly_cost(validated.rows, validated.dimensions, beside, found.kind)


def _replacement(validated: Validated, found: _Found) -> list[Question]:
    """Ask before other content replaces what is searched, also in a sandbox; a load that began was agreed to then."""
    marked, there = found.marks, found.index
    if there is None or not there.rows or validated.content in (marked.content, marked.coming):
        return []
    consequence = (
        f"It would hold {counted(validated.rows, 'row')} in place of {there.rows:,}; those that were added since the last build are "
        f"lost, and until it is done queries find some of both. "
        f"`{command('databricks build', name=there.name, data='FILE', as_version=True)}` builds it beside the served version instead."
    )
    return [Question("replace all rows of the index", consequence)]


def _load(
    run: DatabricksRun,
    source: RowSource,
    validated: Validated,
    marked: VersionMarks,
    there: IndexState | None,
    index: IndexState,
    changes: list[str],
) -> str:
    """Bring the rows of a content, continuing what an earlier run began, and mark them as there."""
    settings, deadline, name, version = run.settings, run.deadline, index.name, index.version
    content, rows = validated.content, validated.rows
    replaces = marked.replaces or marked.coming != content
    if marked.coming != content:
        apply_content_mark(settings, name, version, coming=content, replaces=True)
    # Into an index that was empty nothing but this content was loaded: when all are there, they are these.
    if there is not None and not replaces and read_count(settings, index) == rows:
        said = f"all {rows:,} were there"
    else:
        sent = apply_rows(settings, index, source, rows, deadline)
        changes.append(f"loaded {counted(sent, 'row')}")
        said = f"{sent:,} sent"
        if replaces and (gone := apply_removal_of_strays(settings, index, source, deadline)):
            changes.append(f"removed {counted(gone, 'other row')}")
    verify_count(settings, index, rows, deadline)
    wait_for_content(settings, index, source, rows, deadline)
    apply_content_mark(settings, name, version, content=content)
    return said
