"""Many texts inferred, when the model is too slow for a single one."""

import pytest

from tasks.elastic.cluster.deployments import ensure_deployment, wait_for_deployment
from tasks.elastic.cluster.inference import InferenceTooSlow, read_inferences
from tasks.elastic.cluster.models import ensure_model, wait_for_model
from tasks.elastic.data.documents import DocumentSource
from tasks.elastic.specs import DeploymentSpec


@pytest.mark.slow
def test_a_model_that_times_out_with_a_single_text_is_given_up_before_the_deadline(
    start_sandbox, tmp_path, deadline
):
    _, settings = start_sandbox(download_seconds=0.1, inference_seconds=2)
    ensure_model.fn(settings, ".elser_model_2")
    wait_for_model.fn(settings, ".elser_model_2", deadline)
    spec = DeploymentSpec(id="slow", cache_size="0b")
    ensure_deployment.fn(settings, spec, deadline)
    wait_for_deployment.fn(settings, spec, deadline)
    path = tmp_path / "documents.jsonl"
    path.write_text('{"id": "a", "plot": "a man"}\n')
    source = DocumentSource(path=path, id_field="id")
    with pytest.raises(InferenceTooSlow, match=r"'slow' did not answer .* within 1 s, 3 times in a row"):
        read_inferences.fn(settings, "slow", source, "plot", deadline, timeout=1)
