"""Which embedded indices of an alias nothing uses any more, and why the others stay."""

import pytest

from tasks.elastic.connection.clients import connect
from tasks.elastic.indices.aliases import ensure_alias, ensure_rollback, remove_alias
from tasks.elastic.indices.indices import ensure_index, remove_index, set_marks
from tasks.elastic.indices.pipelines import ensure_pipeline, remove_pipeline
from tasks.elastic.indices.superseded import read_superseded
from tasks.elastic.specs import IndexSpec, PipelineSpec
from tasks.errors import InvalidInput, NotOurs


@pytest.fixture
def versions(settings, name):
    """Makes embedded indices of the test's name, each with a pipeline: `versions(3)`; and takes them away again."""
    made = []

    def make(number, *, finished=True, pipeline=None):
        for _ in range(number):
            index = f"{name}-{len(made):012x}"
            processors = ({"trim": {"field": "plot", "ignore_missing": True}},)
            spec = PipelineSpec(id=pipeline or index, description="", processors=processors)
            ensure_pipeline.fn(settings, spec)
            fields = {"plot": {"type": "text"}}
            made_from = {"pipeline": spec.id}
            ensure_index.fn(
                settings, IndexSpec(name=index, properties=fields, replicas=0, made_from=made_from)
            )
            if finished:
                set_marks(settings, index, content="all of it")
            made.append(index)
        return made

    yield make
    for index in made:
        remove_index.fn(settings, index)
    for index in made:
        remove_pipeline.fn(settings, index)


def kept(found):
    return {one.index: one.why for one in found.kept}


def test_what_is_served_and_what_a_rollback_goes_to_stay_and_the_rest_goes(settings, name, versions):
    one, two, three, four = versions(4)
    for index in (one, two, three, four):
        ensure_alias.fn(settings, name, index, "all of it")
    found = read_superseded.fn(settings, name)
    assert (found.indices, found.pipelines) == ((one, two), (one, two))
    assert kept(found) == {three: "`elastic rollback` goes back to it", four: f"{name} points at it"}
    ensure_rollback.fn(settings, name)
    back = read_superseded.fn(settings, name)
    assert back.indices == (one,)
    assert kept(back)[four] == "a rollback came from it"
    assert set(kept(back)) == {two, three, four}
    remove_alias.fn(settings, name)


def test_an_index_behind_another_alias_and_one_that_is_being_made_stay(settings, name, versions):
    one, two, three = versions(3)
    older = versions(1, finished=False)[-1]
    for index in (two, three):
        ensure_alias.fn(settings, name, index, "all of it")
    connect(settings).indices.put_alias(index=one, name=f"{name}-other")
    found = read_superseded.fn(settings, name)
    assert found.indices == ()
    assert kept(found)[one] == f"{name}-other points at it"
    assert kept(found)[older].startswith("not finished")
    newest = versions(1)[-1]
    ensure_alias.fn(settings, name, newest, "all of it")
    assert read_superseded.fn(settings, name).indices == (two, older)
    remove_alias.fn(settings, name)


def test_a_pipeline_that_an_index_that_stays_came_through_or_that_is_called_stays(settings, name, versions):
    one, two, three = versions(3)
    four = versions(1, pipeline=one)[-1]
    for index in (three, four):
        ensure_alias.fn(settings, name, index, "all of it")
    calling = {"pipeline": {"name": two}}
    connect(settings).ingest.put_pipeline(id=f"{name}-calls", processors=[calling])
    found = read_superseded.fn(settings, name)
    assert (found.indices, found.pipelines) == ((one, two), ())
    connect(settings).ingest.delete_pipeline(id=f"{name}-calls")
    assert read_superseded.fn(settings, name).pipelines == (two,)
    remove_alias.fn(settings, name)


def test_a_name_that_is_no_alias_of_ours_is_refused(settings, name, versions):
    (one,) = versions(1)
    with pytest.raises(InvalidInput, match="No such alias exists"):
        read_superseded.fn(settings, name)
    with pytest.raises(InvalidInput, match="name of an index"):
        read_superseded.fn(settings, one)
    connect(settings).indices.create(index=f"{name}-theirs", aliases={name: {}})
    with pytest.raises(NotOurs):
        read_superseded.fn(settings, name)
    connect(settings).indices.delete(index=f"{name}-theirs")
