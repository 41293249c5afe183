"""Answers from documents, as flows and plain data. What holds the passages is a parameter: `flows/answers/holders.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.engine import Engine, Entry, Nightly, Tour, lazily

if TYPE_CHECKING:
    from tasks.models.settings import ModelSettings

_VERIFY_NIGHTLY = Nightly(
    "Verify every night that a knowledge base holds exactly what its documents say.",
    cron="45 3 * * *",
    parameters={"name": "handbook", "documents": "/srv/vector-search/handbook"},
)

_EVALUATE_NIGHTLY = Nightly(
    "Evaluate the answers every night; fail if a gate is not met.",
    cron="0 4 * * *",
    parameters={"name": "handbook", "questions": "/srv/vector-search/handbook-questions.jsonl"},
)

_MONITOR_NIGHTLY = Nightly(
    "Report every night how the questions of a page went; fail if a gate is not met.",
    cron="15 4 * * *",
    parameters={"name": "handbook"},
)


ANSWERS: Engine[ModelSettings] = Engine(
    name="answers",
    title="Answers from documents",
    targets=("sandbox", "elastic", "google-cloud", "databricks"),
    target_variable="VECTOR_SEARCH_ANSWERS_TARGET",
    read_settings=lazily("tasks.models.settings:model_settings"),
    block="AnswerModel",
    where=lambda settings: settings.where,
    settings_prefix="OPENAI_",
    flows=(
        Entry("index", "flows.answers.index:index_documents", "Index a folder of documents: only what changed is embedded, what is gone leaves.", plans=True),
        Entry("ask", "flows.answers.ask:ask", "Answer a question from a knowledge base, with checked sources.", argument="question"),
        Entry("evaluate", "flows.answers.evaluate:evaluate", "Measure retrieval and answers on questions whose answers are known.", _EVALUATE_NIGHTLY),
        Entry("tour", "flows.answers.tour:tour", "Make the same documents a knowledge base on each engine, ask it, and leave nothing behind."),
        Entry("verify", "flows.answers.verify:verify_documents", "Verify that a knowledge base holds exactly what its documents say.", _VERIFY_NIGHTLY),
        Entry("monitor", "flows.answers.monitor:monitor", "Report how the questions that people asked went, with gates.", _MONITOR_NIGHTLY),
    ),
    programs=(
        Entry("serve", "flows.answers.serve:serve", "Serve a page on which people ask, with sources that open at the passage."),
    ),
    sandbox_service="models",
    # Few enough to be embedded within seconds.
    tour=Tour(
        {"--name": "handbook", "--most-glosses": "60", "--take": ("versions.md", "teams.md", "guestbook.md", "operators.md", "imports.md")},
        data={"--documents": "handbook", "--questions": "handbook-questions.jsonl", "--glosses": "wordnet-glosses.jsonl"},
    ),
)  # fmt: skip
