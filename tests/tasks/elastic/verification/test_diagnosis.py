from dataclasses import replace

import pytest

from tasks.elastic.cluster.cluster import Cluster, MlNode
from tasks.elastic.cluster.counters import PipelineStatistics, pipelines_of, threads_of
from tasks.elastic.cluster.deployment_states import DeploymentState
from tasks.elastic.specs import AdaptiveAllocations, EmbeddedField
from tasks.elastic.verification import diagnosis
from tasks.elastic.verification.diagnosis import Diagnosis, of_deployments, of_pipelines, of_threads

NODE = MlNode(
    id="n",
    name="ml-0",
    processors=8,
    used_processors=0,
    memory=8 << 30,
    used_memory=0,
    machine_memory=16 << 30,
)
WELL = DeploymentState(
    id="ingest",
    model_id=".elser_model_2",
    state="started",
    reason="",
    allocations=2,
    allocated=2,
    threads=1,
    queue_capacity=1024,
    cache_size="0b",
    priority="normal",
    adaptive=None,
    nodes=1,
    inferences=10,
    rejected=0,
    timeouts=0,
    errors=0,
    pending=0,
    milliseconds=370.0,
)
HOT = """::: {instance-0000000010}{WmcykdAZQuuVWFZJM4162A}{e}{h}{10.0.0.1:9300}{l}{8.13.0}{ml.allocated_processors=16}
   Hot threads at 2024-03-26T13:38:30.915Z, interval=500ms, busiestThreads=3, ignoreIdleThreads=true:

   100.0% [cpu=3.5%, other=96.5%] (500ms out of 500ms) cpu usage by thread 'elasticsearch[instance-0000000010][ml_native_inference_comms][T#12]'
     10/10 snapshots sharing following 9 elements
       java.base@21/jdk.internal.misc.Unsafe.park(Native Method)

   91.2% [cpu=90.0%, other=1.2%] (456ms out of 500ms) cpu usage by thread 'elasticsearch[instance-0000000010][write][T#1]'
     unique snapshot
"""


def test_nothing_is_found_where_all_is_well():
    assert of_deployments([WELL], [NODE]) == []


@pytest.mark.parametrize(
    ("change", "what", "seen", "setting"),
    [
        ({"rejected": 1200}, "the queue was full: ingest", "1,200 texts rejected", "queue_capacity"),
        ({"pending": 900}, "texts wait for too few allocations: ingest", "900 in a queue of 1,024", "number_of_allocations"),
        ({"allocated": 1}, "allocations are missing: ingest", "1 of 2", "number_of_allocations"),
        ({"threads": 16}, "more threads than any node has processors: ingest", "16 of 8", "threads_per_allocation"),
        ({"state": "starting", "reason": "no room"}, "a deployment is starting: ingest", "no room", "fewer allocations"),
        ({"timeouts": 3}, "inferences timed out: ingest", "3", "timeout"),
        ({"errors": 2}, "inferences failed: ingest", "2", "log"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_each_trouble_of_a_deployment_is_found_with_its_number_and_setting(change, what, seen, setting):
    (finding,) = of_deployments([replace(WELL, **change)], [NODE])
    assert (finding.what, finding.seen) == (what, seen)
    assert setting in finding.change


def test_a_node_smaller_than_elser_needs_is_found():
    (finding,) = of_deployments([], [NODE.model_copy(update={"machine_memory": 2 << 30})])
    assert finding.seen == "2.0 GB"


def test_failures_that_a_pipeline_swallows_are_found():
    swallowing = PipelineStatistics(
        id="elser",
        documents=100,
        milliseconds=1000,
        current=0,
        failed=0,
        inference_documents=100,
        inference_milliseconds=900,
        inference_failed=7,
    )
    (finding,) = of_pipelines([swallowing], [WELL])
    assert finding.what == "the pipeline elser swallows failed inferences by on_failure"
    assert finding.seen == "7 of 100"
    (finding,) = of_pipelines([replace(swallowing, failed=7)], [WELL])
    assert finding.what == "documents fail in the pipeline elser"


def test_inference_that_ingest_waits_for_is_found_while_it_does():
    slow = PipelineStatistics(
        id="elser",
        documents=100,
        milliseconds=10_000,
        current=4,
        failed=0,
        inference_documents=100,
        inference_milliseconds=9_500,
        inference_failed=0,
    )
    (finding,) = of_pipelines([slow], [replace(WELL, pending=50)])
    assert finding.seen == "95% of its time, 95 ms per document"
    assert of_pipelines([replace(slow, current=0)], [replace(WELL, pending=50)]) == []


def test_hot_threads_are_read_and_waiting_is_told_from_working():
    waiting, working = threads_of(HOT)
    assert (waiting.node, waiting.thread, waiting.percent, waiting.cpu) == (
        "instance-0000000010",
        "ml_native_inference_comms",
        100.0,
        3.5,
    )
    findings = of_threads([waiting, working])
    assert "nothing by itself" in findings[0].change
    assert findings[1].what == "write keeps a processor of instance-0000000010 busy"


def test_documents_that_are_repaired_while_it_looks_are_no_finding(settings, deployed, monkeypatch):
    assert deployed
    monkeypatch.setattr(diagnosis, "count", lambda *_: 1)
    monkeypatch.setattr(diagnosis, "read_unembedded", lambda *_: ())
    field = EmbeddedField(input="plot", output="plot_embedding")
    found = diagnosis.read_diagnosis.fn(settings, "films", (field,))
    assert not any("lack their embedding" in one.what for one in found.findings)


def test_ingest_statistics_of_all_nodes_are_added_up():
    def node(count):
        inference = {
            "type": "inference",
            "stats": {"count": count, "time_in_millis": 9, "current": 0, "failed": 1},
        }
        return {
            "ingest": {
                "pipelines": {
                    "elser": {
                        "count": count, "time_in_millis": 10, "current": 0, "failed": 0,
                        "processors": [{"inference:tag": inference}, {"set": {"type": "set", "stats": {}}}],
                    },
                    "unused": {"count": 0, "time_in_millis": 0, "current": 0, "failed": 0, "processors": []},
                }
            }
        }  # fmt: skip

    assert pipelines_of({"a": node(5), "b": node(7)}) == (
        PipelineStatistics(
            id="elser",
            documents=12,
            milliseconds=20,
            current=0,
            failed=0,
            inference_documents=12,
            inference_milliseconds=18,
            inference_failed=2,
        ),
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"version": "8.13.4"}, "8.15 or later"),
        ({"licence": "basic"}, "does not include trained models"),
        ({"licence_is_active": False}, "has expired"),
        ({"ml_nodes": ()}, "no node with the role ml"),
        ({"licence": "unknown"}, ""),
        ({"version": "9.5.0-SNAPSHOT"}, ""),
    ],
)
def test_what_a_cluster_lacks_is_one_paragraph(change, said):
    cluster = Cluster(
        name="c", version="8.19.3", licence="trial", licence_is_active=True, ml_nodes=(NODE,)
    ).model_copy(update=change)
    assert said in cluster.missing()
    assert bool(cluster.missing()) == bool(said)
    assert "\n" not in cluster.missing()


def test_what_reads_as_a_statistic_of_the_real_thing_is_read(settings, deployed):
    from tasks.elastic.verification.diagnosis import read_diagnosis

    diagnosis = read_diagnosis.fn(settings)
    assert deployed in {d.id for d in diagnosis.deployments}


def test_every_number_is_told_with_what_would_make_it_a_finding():
    adaptive = replace(WELL, id="endpoint", adaptive=AdaptiveAllocations(min=0, max=4), nodes=2)
    used = PipelineStatistics(
        id="embed",
        documents=10,
        milliseconds=1000,
        current=0,
        failed=0,
        inference_documents=10,
        inference_milliseconds=820,
        inference_failed=1,
    )
    numbers = dict(Diagnosis((), (WELL, adaptive), (used,), ()).numbers())
    assert numbers["deployment ingest"] == (
        "started, 2 of 2 allocations, queue 0 of 1,024 (a finding above 512); rejected 0, timed out 0, failed 0 (above 0), "
        "370 ms per inference"
    )
    assert "(adaptive, 0 to 4), queue 0 of 1,024 (a finding above 1,024)" in numbers["deployment endpoint"]
    assert "inferences that failed 1 (above 0), 82% of its time" in numbers["pipeline embed"]
    assert numbers["busy threads"] == "0, the busiest 0% (a finding from 50%)"


def test_a_deployment_that_scaled_down_to_nothing_and_one_at_its_most_are_told_apart():
    few = AdaptiveAllocations(min=0, max=4)
    (asleep,) = of_deployments([replace(WELL, adaptive=few, allocations=0, allocated=0)], [])
    assert (asleep.seen, asleep.change) == ("0 allocations, at least 0", "min_number_of_allocations 1")
    (busy,) = of_deployments([replace(WELL, adaptive=few, pending=600)], [])
    assert busy.change == "max_number_of_allocations above 2"
