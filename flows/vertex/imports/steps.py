"""The steps of an import, from a delta to deployed copies that serve it."""

from __future__ import annotations

from collections.abc import Sequence

from flows.confirmation import agree
from flows.versions.changes import of
from flows.vertex.datapoint_plans import import_plan
from flows.vertex.options import VertexRun
from tasks.errors import GateNotMet
from tasks.plurals import counted
from tasks.program import command
from tasks.progress import say
from tasks.vertex.data.import_formats import ImportFormat
from tasks.vertex.imports.buckets import ensure_bucket
from tasks.vertex.imports.deltas import (
    Delta,
    DeltaSource,
    ensure_local_delta_files,
    read_delta,
    read_samples,
)
from tasks.vertex.imports.import_data import forget_local_import_files
from tasks.vertex.imports.storage import apply_import_files, content_of, import_folder, remove_import_files
from tasks.vertex.queries.queries import read_datapoints
from tasks.vertex.resources.contents import apply_delta
from tasks.vertex.resources.deployed_indexes import wait_for_index_sync
from tasks.vertex.resources.indexes import IndexState, read_indexes
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.streaming.arrivals import wait_for_datapoints
from tasks.waiting import Deadline

SAMPLES = 1000
"""Datapoints and deleted ids, each, that are read back: ten requests."""
SOON_SECONDS = 5 * 60.0
"""How long what a copy says it has followed may take to show; no delay of its own is documented."""


def import_delta(
    run: VertexRun, source: DeltaSource, versions: Sequence[ServedIndex], import_format: ImportFormat
) -> list[str]:
    """Chain the steps of an import. Returns what it changed."""
    settings, report, served = run.settings, run.report, versions[0]
    name, changes = served.name, list[str]()
    with report.step("validate the delta") as step:
        delta = read_delta(settings, name, source, served.dimensions)
        step.saw(f"{delta}, import {delta.id}")
    report.facts["import"] = delta.id
    before = read_indexes(settings, name, run.deadline)
    agree([], yes=True, plan=lambda: import_plan(run, versions, before, delta))
    folder = import_folder(delta.id, import_format)
    if any(_lacks(before[each.version], delta) for each in versions):
        with report.step(f"upload import files of {name}") as step:
            step.saw(_upload(run, name, delta, import_format, folder))
    for each in versions:
        with report.step(f"import into index {name}{of(each, versions)}") as step:
            applied = apply_delta(settings, name, each.index, folder, run.deadline, run.when_interrupted)
            there = applied.there
            if applied.did != "nothing":
                changes.append(f"imported {delta}{of(each, versions)}")
                _check_count(delta, before[each.version], there)
            step.saw(f"{counted(there.vectors_count, 'vector')}, import {there.imported}")
        with report.step(f"wait until the deployed copy serves it{of(each, versions)}") as step:
            wait_for_index_sync(
                settings, name, each.endpoint, each.deployed_index_id, there.overwritten, run.deadline
            )
            step.saw(f"{each.deployed_index_id} has caught up")
    with report.step("read back") as step:
        datapoints, deleted = read_samples(settings, delta, SAMPLES)
        for each in versions:
            soon = Deadline.after(seconds=min(SOON_SECONDS, run.deadline.left))
            wait_for_datapoints(settings, each, datapoints, soon)
            step.saw(f"{counted(len(datapoints), 'datapoint')} as written{of(each, versions)}")
            step.saw(_told_of_deletions(run, each, deleted))
    _forget_files(run, name)
    return changes


def _lacks(index: IndexState, delta: Delta) -> bool:
    return bool(index.importing) or index.imported != delta.id


def _upload(run: VertexRun, name: str, delta: Delta, import_format: ImportFormat, folder: str) -> str:
    settings = run.settings
    ensure_bucket(settings)
    local, files = ensure_local_delta_files(settings, name, delta, import_format).there
    ensure_bucket(settings)  # another name's teardown may have deleted it while it was empty, as in a build
    upload = apply_import_files(settings, name, folder, files, local)
    forget_local_import_files(settings, name)
    return f"{upload.uploaded} uploaded, {upload.unchanged} unchanged, {upload.bytes_sent:,} bytes"


def _check_count(delta: Delta, before: IndexState, now: IndexState) -> None:
    """The number of vectors must lie between the most that can have gone and the most that can have come.

    Nothing can be said where an earlier import was finished on the way. Statistics may lag, overwritten datapoints may count twice and deleted ones still count until the next compaction ("Update and
    rebuild an active index"), so more cannot be asked.
    """
    least = before.vectors_count - delta.deleted - delta.rows
    most = before.vectors_count + delta.rows
    is_alone = content_of(before.importing) in ("", delta.id)
    if before.vectors_count and is_alone and not least <= now.vectors_count <= most:
        raise GateNotMet(
            f"The number of vectors in index {now.resource}", measured=f"{now.vectors_count:,}",
            wanted=f"{max(0, least):,} to {most:,}, after {delta}",
            remedy="Somebody else may have changed its content meanwhile.",
        )  # fmt: skip


def _told_of_deletions(run: VertexRun, served: ServedIndex, deleted: Sequence[str]) -> str:
    """How many of the deleted ids are gone. That some are not yet is no failure: their removal may wait for a compaction."""
    left = read_datapoints(run.settings, served, deleted)
    run.report.facts["deleted_and_still_served"] = len(left)
    if left:
        say(
            f"Deleted, but still served by {served.deployed_index_id}: {len(left):,} of the {counted(len(deleted), 'id')} looked up, "
            f"first {left[0].id!r}. The service removes them from a batch index at its next compaction, when more than a fifth of it has "
            f"changed. The same import again looks again and changes nothing; a build on other data than the index was built from, without them, removes them at once: "
            f"`{command('vertex build', name=served.name, data='FILE.hdf5', update_method='BATCH_UPDATE')}`."
        )
    return f"{len(deleted) - len(left):,} of {counted(len(deleted), 'deleted id')} gone"


def _forget_files(run: VertexRun, name: str) -> None:
    """Remove what nothing imports any longer: the files of this import and of those before it."""
    indexes = read_indexes(run.settings, name, run.deadline).values()
    remove_import_files(run.settings, name, {content for index in indexes for content in index.files})
