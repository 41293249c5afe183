import pytest

from sandbox import faults
from tasks.elastic.cluster import models
from tasks.elastic.cluster.models import (
    ensure_model,
    ensure_model_alias,
    read_model,
    read_models,
    remove_model,
    wait_for_model,
)
from tasks.elastic.connection.errors import Conflict
from tasks.errors import DeadlinePassed, InvalidInput
from tasks.waiting import Deadline

ELSER = ".elser_model_2"


@pytest.mark.usefixtures("deployed")
def test_a_model_that_is_usable_is_left_alone(settings, changes):
    assert ensure_model.fn(settings, ELSER).there.usable
    assert changes() == []


@pytest.mark.usefixtures("deployed")
def test_a_model_that_nobody_can_download_names_those_that_there_are(settings):
    with pytest.raises(InvalidInput, match=r"no such model.*\.elser_model_2"):
        ensure_model.fn(settings, "my-own-model")


@pytest.mark.usefixtures("deployed")
def test_models_are_listed(settings):
    assert [(m.id, m.task, m.usable) for m in read_models.fn(settings)] == [(ELSER, "text_expansion", True)]
    assert read_model.fn(settings, "nobody") is None


@pytest.mark.usefixtures("deployed")
def test_an_alias_names_a_model_and_setting_it_again_changes_nothing(settings, changes):
    assert ensure_model_alias.fn(settings, "sparse", ELSER).changed
    made = changes()
    assert not ensure_model_alias.fn(settings, "sparse", ELSER).changed
    assert changes() == made
    assert read_model.fn(settings, "sparse").id == ELSER
    with pytest.raises(InvalidInput, match="the id of a model"):
        ensure_model_alias.fn(settings, ELSER, ELSER)


@pytest.mark.usefixtures("deployed")
def test_a_model_that_is_deployed_is_not_removed(settings):
    with pytest.raises(Conflict):
        remove_model.fn(settings, ELSER)
    assert read_model.fn(settings, ELSER).usable


def test_removing_a_model_that_is_not_there_changes_nothing(settings):
    assert not remove_model.fn(settings, "nobody")


@pytest.mark.slow
def test_a_download_that_stopped_is_resumed(start_sandbox, deadline):
    _, settings = start_sandbox(download_seconds=0.5, download_stalls=20)
    assert not ensure_model.fn(settings, ELSER).there.usable
    assert wait_for_model.fn(settings, ELSER, deadline).usable


@pytest.mark.slow
def test_a_download_that_outlasts_the_deadline_goes_on_and_is_followed_again(start_sandbox, deadline):
    _, settings = start_sandbox(download_seconds=3)
    ensure_model.fn(settings, ELSER)
    with pytest.raises(DeadlinePassed, match="of 418 parts"):
        wait_for_model.fn(settings, ELSER, Deadline.after(seconds=0.5))
    ensure_model.fn(settings, ELSER)
    assert wait_for_model.fn(settings, ELSER, deadline).usable


@pytest.mark.slow
def test_a_download_that_receives_nothing_is_given_up_and_begins_anew_on_request(
    start_sandbox, deadline, monkeypatch
):
    monkeypatch.setattr(models, "SECONDS_WITHOUT_A_PART", 0.5)
    sandbox, settings = start_sandbox(download_seconds=0.2)
    faults.add(sandbox.state, "ml.put_trained_model", "stall", "end")
    ensure_model.fn(settings, ELSER)
    with pytest.raises(models.DownloadStalled, match=r"0 of 418 parts.*--recreate"):
        wait_for_model.fn(settings, ELSER, deadline)
    ensure_model.fn(settings, ELSER, recreate=True)
    assert wait_for_model.fn(settings, ELSER, deadline).usable


@pytest.mark.slow
def test_recreating_deletes_a_usable_model_first(start_sandbox, deadline):
    _, settings = start_sandbox(download_seconds=2)
    ensure_model.fn(settings, ELSER)
    wait_for_model.fn(settings, ELSER, deadline)
    assert not ensure_model.fn(settings, ELSER, recreate=True).there.usable
    assert wait_for_model.fn(settings, ELSER, deadline).usable
