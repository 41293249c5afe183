"""Models that may be asleep: waited for before a flow needs them, with what is waited for in the report."""

from __future__ import annotations

from collections.abc import Iterable

from flows.report import Report
from tasks.answers.knowledge import How, KnowledgeBase
from tasks.models.embeddings import wait_for_embedding
from tasks.models.serving import wait_for_model
from tasks.models.settings import ModelSettings
from tasks.waiting import Deadline


def wait_for_endpoints(
    report: Report, models: ModelSettings, names: Iterable[str], deadline: Deadline
) -> None:
    """Wait until the endpoints of these models are READY, where the server has a control plane that says so.

    Raises:
        ServingFailed: one of them will not become ready.
        DeadlinePassed: with its last state.
    """
    if models.control_plane is None:
        return
    for name in dict.fromkeys(names):
        with report.step(f"model serving endpoint {name}") as step:
            step.saw(wait_for_model(models, name, deadline))


def models_for(models: ModelSettings, base: KnowledgeBase, how: How) -> tuple[str, ...]:
    """The models that questions need: the one that answers, and the one that embeds them if they are searched by dense vectors."""
    return (models.chat(), *((models.embedding(),) if _embeds(models, base, how) else ()))


def embed_first(
    models: ModelSettings, base: KnowledgeBase, how: How, question: str, deadline: Deadline
) -> None:
    """Embed a question, waiting for a model that is starting. Within `remembering`, the search does not embed it again.

    Raises:
        Exception: as `tasks.models.embeddings.wait_for_embedding`.
    """
    if _embeds(models, base, how):
        wait_for_embedding(models, question, deadline)


def _embeds(models: ModelSettings, base: KnowledgeBase, how: How) -> bool:
    # Another model than that of the passages is refused by the search.
    is_dense = how in ("dense", "hybrid") and bool(base.dense_model)
    return is_dense and models.embedding_model is not None and models.embedder() == base.dense_model
