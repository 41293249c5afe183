import pytest

from sandbox import faults
from tasks.elastic.cluster import models
from tasks.elastic.cluster.deployments import ensure_deployment, remove_deployment, wait_for_deployment
from tasks.elastic.cluster.inference import verify_inference
from tasks.elastic.cluster.models import (
    ensure_model,
    ensure_model_alias,
    read_model,
    read_models,
    remove_model,
    verify_sparse_model,
    wait_for_model,
)
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import Conflict
from tasks.elastic.specs import DeploymentSpec
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
    assert (ELSER, "text_expansion", True) in [(m.id, m.task, m.usable) for m in read_models.fn(settings)]
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
def test_a_download_of_a_project_that_shows_none_is_waited_for(start_sandbox, deadline):
    _, settings = start_sandbox(flavour="serverless", download_seconds=3)
    ensure_model.fn(settings, ELSER)
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
    with pytest.raises(
        models.DownloadStalled, match=r"0 of 418 parts.*`vector-search elastic deploy .* --recreate"
    ):
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


@pytest.fixture
def upload(settings, name):
    """Uploads a model as eland does, in two parts with a vocabulary: `upload("ner")` gives its id."""
    ml = connect(settings).ml

    def of(task, **config):
        model = f"{name}-{task}".replace("_", "-")
        uploaded = {"tokenization": {"bert": {"do_lower_case": True}}, **config}
        ml.put_trained_model(
            model_id=model,
            model_type="pytorch",
            input={"field_names": ["text_field"]},
            inference_config={task: uploaded},
        )
        for part in range(2):
            ml.put_trained_model_definition_part(
                model_id=model, part=part, definition="YWJj", total_definition_length=6, total_parts=2
            )
        ml.put_trained_model_vocabulary(model_id=model, vocabulary=["[PAD]", "[UNK]", "film"])
        return model

    return of


def test_an_uploaded_model_is_used_as_it_is_deployed_and_answers(settings, upload, deadline, changes):
    model = upload("text_expansion")
    made = changes()
    assert not ensure_model.fn(settings, model).changed
    assert wait_for_model.fn(settings, model, deadline).usable
    assert changes() == made
    spec = DeploymentSpec(id=f"{model}-ingest", model_id=model)
    ensure_deployment.fn(settings, spec, deadline)
    assert wait_for_deployment.fn(settings, spec, deadline).allocated == 1
    assert verify_inference.fn(settings, spec.id).tokens
    verify_sparse_model.fn(settings, model, spec.id)
    remove_deployment.fn(settings, spec.id, deadline)


def test_an_uploaded_model_is_never_deleted_to_be_downloaded_again(settings, upload):
    model = upload("text_expansion")
    with pytest.raises(InvalidInput, match=r"cannot download it again.*--recreate"):
        ensure_model.fn(settings, model, recreate=True)
    assert read_model.fn(settings, model).usable


def test_a_model_that_embeds_nothing_is_refused_by_its_task(settings, upload, changes):
    model = upload("ner")
    made = changes()
    with pytest.raises(InvalidInput, match=f"task of this model, ner, .*{model}.*--model-id.*text_expansion"):
        ensure_model.fn(settings, model)
    with pytest.raises(InvalidInput, match=rf"ner, .*mine \({model}\).*--deployment"):
        verify_sparse_model.fn(settings, model, "mine")
    assert changes() == made


def test_a_model_of_vectors_is_shown_the_way_through_an_endpoint(settings, upload):
    model = upload("text_embedding", embedding_size=384)
    assert not ensure_model.fn(settings, model).changed
    with pytest.raises(InvalidInput, match=f"endpoint-ensure --name ENDPOINT --model-id {model}"):
        verify_sparse_model.fn(settings, model, "mine")
