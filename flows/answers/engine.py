"""Answers from documents, as flows and plain data. What holds the passages is a parameter: `flows/answers/holders.py`."""

from __future__ import annotations

from flows.engine import Engine, Entry, Nightly
from tasks.models.settings import ModelSettings, model_settings

_VERIFY_NIGHTLY = Nightly(
    "Verify every night that a knowledge base holds exactly what its documents say.",
    cron="45 3 * * *",
    parameters={"name": "handbook", "documents": "/srv/vector-search/handbook"},
)

ANSWERS = Engine[ModelSettings](
    name="answers",
    title="Answers from documents",
    targets=("sandbox", "elastic"),
    target_variable="VECTOR_SEARCH_ANSWERS_TARGET",
    settings=model_settings,
    where=lambda settings: settings.where,
    settings_prefix="OPENAI_",
    flows=(
        Entry("index", "flows.answers.index:index_documents", "Index a folder of documents: only what changed is embedded, what is gone leaves."),
        Entry("verify", "flows.answers.verify:verify_documents", "Verify that a knowledge base holds exactly what its documents say.", _VERIFY_NIGHTLY),
    ),
    sandbox_service="models",
)  # fmt: skip
