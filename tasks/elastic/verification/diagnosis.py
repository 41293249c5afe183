"""Where it is slow or fails, and what to change: download, deployment, inference, ingest, each with the number seen.

Counters count since a node or a deployment started: a finding tells what happened, not when. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.elastic.cluster.cluster import SMALLEST_NODE_BYTES, MlNode, ml_nodes
from tasks.elastic.cluster.counters import (
    HotThread,
    PipelineStatistics,
    hot_threads,
    pipeline_statistics,
)
from tasks.elastic.cluster.deployment_states import DeploymentState, read_deployments
from tasks.elastic.cluster.models import ModelState, download, read_models
from tasks.elastic.indices.indices import count
from tasks.elastic.reindex.repair import lacking, read_unembedded
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.elastic.verification.truncation import Truncation
from tasks.program import command
from tasks.steps import step

Area = Literal["download", "deployment", "inference", "ingest"]
QUEUE_CROWDED = 0.5
"""A queue that is fuller than this waits for the model."""
INFERENCE_SHARE = 0.8
"""Beyond this part of a pipeline's time, inference is the bottleneck."""
BUSY_PERCENT = 50.0


@dataclass(frozen=True)
class Finding:
    """One thing that is slow or fails."""

    area: Area
    what: str
    seen: str
    """The number that shows it."""
    change: str
    """The setting to change, and how."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found, and what it was read from."""

    findings: tuple[Finding, ...]
    deployments: tuple[DeploymentState, ...]
    """Also those of inference endpoints, which have the endpoint's id."""
    pipelines: tuple[PipelineStatistics, ...]
    threads: tuple[HotThread, ...]

    def numbers(self) -> tuple[tuple[str, str], ...]:
        """Everything that was looked at and what it showed, each number with what would make it a finding."""
        busiest = max((thread.percent for thread in self.threads), default=0.0)
        return (
            *((f"deployment {one.id}", _numbers_of(one)) for one in self.deployments),
            *((f"pipeline {one.id}", _numbers_of_pipeline(one)) for one in self.pipelines),
            (
                "busy threads",
                f"{len(self.threads)}, the busiest {busiest:.0f}% (a finding from {BUSY_PERCENT:.0f}%)",
            ),
        )


def _numbers_of(one: DeploymentState) -> str:
    adaptive = f" (adaptive, {one.adaptive.min} to {one.adaptive.max})" if one.adaptive else ""
    speed = "" if one.milliseconds is None else f", {one.milliseconds:.0f} ms per inference"
    return (
        f"{one.state}, {one.allocated} of {one.allocations} allocations{adaptive}, queue {one.pending:,} of {one.queue_capacity:,} "
        f"(a finding above {_crowded(one):,.0f}); rejected {one.rejected:,}, timed out {one.timeouts:,}, failed {one.errors:,} (above 0)"
        f"{speed}"
    )


def _numbers_of_pipeline(one: PipelineStatistics) -> str:
    share = one.inference_milliseconds / one.milliseconds if one.milliseconds else 0.0
    return (
        f"{one.documents:,} documents, failed {one.failed:,} (a finding above 0), inferences that failed {one.inference_failed:,} (above "
        f"{one.failed:,}), {share:.0%} of its time in inference (from {INFERENCE_SHARE:.0%} while every queue is busy)"
    )


def _crowded(one: DeploymentState) -> float:
    """How many texts may wait before they wait for too few allocations."""
    return one.queue_capacity * max(1, one.nodes) * QUEUE_CROWDED


@step("diagnose")
def read_diagnosis(
    settings: ElasticSettings,
    index: str | None = None,
    fields: tuple[EmbeddedField, ...] = (),
    truncation: Truncation | None = None,
) -> Diagnosis:
    """What is slow or fails in the cluster, and in one embedded index.

    Args:
        settings: the target.
        index: an embedded index or alias, to check for documents without their embedding; None for none.
        fields: what is embedded in it.
        truncation: what `read_truncated` found.
    """
    models: tuple[ModelState, ...] = read_models.fn(settings)
    there, pipelines, threads = (
        read_deployments.fn(settings),
        pipeline_statistics(settings),
        hot_threads(settings),
    )
    findings = [
        *_of_downloads(settings, models),
        *of_deployments(there, ml_nodes(settings)),
        *of_pipelines(pipelines, there),
        *of_threads(threads),
    ]
    if index is not None and fields:
        findings += _of_missing(settings, index, fields)
    if truncation is not None and truncation.truncated:
        findings.append(
            Finding(
                "inference",
                "texts are longer than what the model reads",
                str(truncation),
                "embed the source in passages, with --chunk-words 250, or as semantic_text",
            )
        )
    return Diagnosis(tuple(findings), there, pipelines, threads)


def _of_missing(settings: ElasticSettings, index: str, fields: tuple[EmbeddedField, ...]) -> list[Finding]:
    """Documents without their embedding; none if a repair was faster than this look."""
    missing = count(settings, index, lacking(fields))
    listed = read_unembedded(settings, index, fields) if missing else ()
    return [
        Finding(
            "ingest",
            f"documents of {index} lack their embedding, which the pipeline did not report",
            f"{missing:,}, the first {first.id}: {first.reason}",
            f"run `{_embed_again(index)}` again: its repair embeds exactly these",
        )
        for first in listed[:1]
    ]


def _embed_again(name: str) -> str:
    return command("elastic embed", name=name, source="INDEX", fields="FIELD", deployment="ID")


def of_deployments(there: Iterable[DeploymentState], nodes: Sequence[MlNode]) -> list[Finding]:
    """What deployments and the nodes below them show."""
    found = [finding for deployment in there for finding in _of_deployment(deployment, nodes)]
    small = [n for n in nodes if 0 < n.machine_memory < SMALLEST_NODE_BYTES]
    if small:
        found.append(
            Finding(
                "deployment",
                f"ML nodes are smaller than ELSER needs: {', '.join(n.name for n in small)}",
                f"{small[0].machine_memory / 1024**3:.1f} GB",
                "ML nodes of at least 4 GB (16 GB for other language models), or autoscaling",
            )
        )
    return found


def of_pipelines(pipelines: Iterable[PipelineStatistics], there: Iterable[DeploymentState]) -> list[Finding]:
    """What ingest shows: failures, swallowed ones, and inference that everything waits for."""
    found: list[Finding] = []
    idle = [d for d in there if d.state == "started" and d.pending == 0]
    for pipeline in pipelines:
        if swallowed := max(0, pipeline.inference_failed - pipeline.failed):
            found.append(
                Finding(
                    "ingest", f"the pipeline {pipeline.id} swallows failed inferences by on_failure",
                    f"{swallowed:,} of {pipeline.inference_documents:,}",
                    "see the reasons on the documents (embedding_failure), lower the batch size of the reindex, "
                    f"and run `{_embed_again('NAME')}` again",
                )
            )  # fmt: skip
        if pipeline.failed:
            found.append(
                Finding(
                    "ingest", f"documents fail in the pipeline {pipeline.id}",
                    f"{pipeline.failed:,} of {pipeline.documents:,}",
                    "simulate it on one of them: POST _ingest/pipeline/" + pipeline.id + "/_simulate",
                )
            )  # fmt: skip
        share = pipeline.inference_milliseconds / pipeline.milliseconds if pipeline.milliseconds else 0.0
        if share >= INFERENCE_SHARE and pipeline.current and not idle:
            each = pipeline.inference_milliseconds / max(1, pipeline.inference_documents)
            found.append(
                Finding(
                    "ingest", f"inference is slower than ingest in the pipeline {pipeline.id}",
                    f"{share:.0%} of its time, {each:.0f} ms per document",
                    "number_of_allocations of the ingest deployment: more of them, with threads_per_allocation 1",
                )
            )  # fmt: skip
    return found


def of_threads(threads: Iterable[HotThread]) -> list[Finding]:
    """What busy threads show. Threads that wait for the native process are busy by name only."""
    found: list[Finding] = []
    for thread in threads:
        if thread.percent < BUSY_PERCENT:
            continue
        if thread.thread == "ml_native_inference_comms" and thread.cpu < thread.percent / 2:
            found.append(
                Finding(
                    "inference", f"threads of {thread.node} wait for the model's process",
                    f"{thread.percent:.0f}% ({thread.cpu:.0f}% of a processor)",
                    "nothing by itself: if the queue fills, more allocations; if single searches are slow, more threads",
                )
            )  # fmt: skip
        elif thread.cpu >= BUSY_PERCENT:
            found.append(
                Finding(
                    "ingest", f"{thread.thread} keeps a processor of {thread.node} busy",
                    f"{thread.cpu:.0f}% of a processor",
                    "fewer slices, refresh_interval -1 and no replicas during the load",
                )
            )  # fmt: skip
    return found


def _of_downloads(settings: ElasticSettings, models: Iterable[ModelState]) -> list[Finding]:
    found: list[Finding] = []
    for model in models:
        if model.usable:
            continue
        running = download(settings, model.id)
        found.append(
            Finding(
                "download",
                f"the model {model.id} is incomplete" + ("" if running else ", and nothing is downloading it"),
                str(running or "0 downloads"),
                "wait before deploying it" if running else f"run `{command('elastic deploy', name='NAME', model_id=model.id)}`, which requests the download again",
            )
        )  # fmt: skip
    return found


def _of_deployment(deployment: DeploymentState, nodes: Sequence[MlNode]) -> list[Finding]:
    found: list[Finding] = []

    def find(area: Area, what: str, seen: str, change: str) -> None:
        found.append(Finding(area, f"{what}: {deployment.id}", seen, change))

    if deployment.state != "started":
        find(
            "deployment", f"a deployment is {deployment.state}", deployment.reason or "no reason given",
            f"fewer allocations or threads, or more ML nodes: `{command('elastic check')}` lists what fits",
        )  # fmt: skip
    elif deployment.adaptive and not deployment.allocated:
        find(
            "deployment", "scaled down to nothing, so the next request waits or fails",
            f"0 allocations, at least {deployment.adaptive.min}", "min_number_of_allocations 1",
        )  # fmt: skip
    elif deployment.allocated < deployment.allocations:
        find(
            "deployment", "allocations are missing", f"{deployment.allocated} of {deployment.allocations}",
            "number_of_allocations down to what fits, or more ML processors",
        )  # fmt: skip
    most = max((node.processors for node in nodes), default=0)
    if most and deployment.threads > most:
        find(
            "deployment", "more threads than any node has processors", f"{deployment.threads} of {most}",
            f"threads_per_allocation down to {most} or less",
        )  # fmt: skip
    if deployment.rejected:
        find(
            "inference", "the queue was full", f"{deployment.rejected:,} texts rejected",
            f"queue_capacity above {deployment.queue_capacity:,}, smaller reindex batches, or a deployment of its own for ingest",
        )  # fmt: skip
    if deployment.pending > _crowded(deployment):
        most_allocations = "max_number_of_allocations" if deployment.adaptive else "number_of_allocations"
        find(
            "inference", "texts wait for too few allocations",
            f"{deployment.pending:,} in a queue of {deployment.queue_capacity:,}",
            f"{most_allocations} above {deployment.allocations}",
        )  # fmt: skip
    if deployment.timeouts:
        find(
            "inference", "inferences timed out", f"{deployment.timeouts:,}",
            "a longer timeout of _infer with fewer texts per call, or more allocations",
        )  # fmt: skip
    if deployment.errors:
        find("inference", "inferences failed", f"{deployment.errors:,}", "see the ML node's log")
    return found
