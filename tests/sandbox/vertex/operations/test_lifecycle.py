"""How operations move, without a server: what can happen at the same moment."""

import threading
from dataclasses import replace

import pytest
from google.cloud import aiplatform_v1 as v1
from google.protobuf import empty_pb2

from sandbox.faults import FaultQueue
from sandbox.vertex.operations.lifecycle import Kind, Lifecycle
from sandbox.vertex.options import VertexOptions
from sandbox.vertex.store import Store
from tests.polling import until

OPTIONS = VertexOptions(advance="reads", reads=1)


@pytest.fixture
def lifecycle(tmp_path):
    faults = FaultQueue(tmp_path)
    made = Lifecycle(Store(tmp_path / "vertex.sqlite"), OPTIONS, faults)
    yield made
    made.stop()
    made.store.close()
    faults.close()


def test_an_operation_that_two_look_at_at_once_is_finished_once(lifecycle):
    finished = []

    def finish(operation):
        finished.append(operation.name)
        return empty_pb2.Empty()

    lifecycle.register("DeleteIndex", Kind(v1.DeleteOperationMetadata, finish))
    name = lifecycle.begin("DeleteIndex", "index", b"", 5).name
    seen = [lifecycle.store.operations.get(name) for _ in range(2)]
    for each in seen:
        lifecycle.look_at(each)
    lifecycle.cancel(replace(seen[0], done=0))
    assert finished == [name]
    assert lifecycle.store.operations.get(name).error_code == 0


def test_what_an_import_writes_after_it_was_cancelled_is_discarded_too(lifecycle):
    staged, begun, go_on, over = [], threading.Event(), threading.Event(), threading.Event()

    def work(_):
        staged.append("before")
        begun.set()
        go_on.wait(10)
        staged.append("after")
        over.set()

    kind = Kind(
        v1.UpdateIndexOperationMetadata, lambda _: empty_pb2.Empty(), lambda _: staged.clear(), work=work
    )
    lifecycle.register("UpdateIndex", kind)
    lifecycle.start()
    name = lifecycle.begin("UpdateIndex", "index", b"", 5).name
    assert begun.wait(10)
    lifecycle.cancel(lifecycle.store.operations.get(name))
    go_on.set()
    assert over.wait(10)
    until(lambda: not staged)
