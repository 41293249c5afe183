"""The `inference` processor: the texts of all documents of a bulk go to the model together.

It accepts `input_output`, and the older `target_field` with `field_map`. Each input field is one inference; if one fails,
the document fails. Existing values are kept and the new ones appended: the weights and, beside them, `model_id` (for a
document's first field only) and, if the text was truncated, `is_truncated`.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from sandbox.elastic.errors import Refusal
from sandbox.elastic.inference.serving import EndpointInference
from sandbox.elastic.ingest import errors as ingest_errors
from sandbox.elastic.ingest.field_paths import IngestDocument
from sandbox.elastic.ingest.processor_config import ProcessorConfig
from sandbox.elastic.ml import errors as ml_errors
from sandbox.models.embedding import Embedding


@dataclass(frozen=True)
class InferenceProcessor:
    """One inference processor of a pipeline."""

    inference: EndpointInference
    model: str
    """The id of an inference endpoint, model, alias or deployment."""
    pairs: tuple[tuple[str, str], ...]
    """Input and output fields; empty in the older form."""
    field_map: dict[str, str]
    target: str
    results: str
    """In the older form, the field below the target."""
    ignore_missing: bool

    def act(self, documents: Sequence[IngestDocument]) -> list[Refusal | None]:
        """Embed the documents' texts; returns for each why it failed, or None."""
        failures: list[Refusal | None] = [None] * len(documents)
        wanted: list[tuple[int, str, str]] = []
        for number, document in enumerate(documents):
            try:
                wanted += [(number, text, output) for text, output in self._inputs(document)]
            except Refusal as refusal:
                failures[number] = refusal
        wanted = [each for each in wanted if failures[each[0]] is None]
        if not wanted:
            return failures
        try:
            outcomes = self.inference.embed(self.model, [text for _, text, _ in wanted], "ingest", None)
        except Refusal as refusal:
            for number, _, _ in wanted:
                failures[number] = refusal
            return failures
        written: set[int] = set()
        for (number, _, output), outcome in zip(wanted, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                failures[number] = outcome
            elif failures[number] is None:
                self._write(documents[number], output, outcome, first=number not in written)
                written.add(number)
        return failures

    def _inputs(self, document: IngestDocument) -> list[tuple[str, str]]:
        """The texts, each with its output field."""
        if self.pairs:
            present = [
                pair
                for pair in self.pairs
                if not self.ignore_missing or document.get(pair[0], None) is not None
            ]
            return [(document.text(field), output) for field, output in present]
        wanted = self.inference.input_field(self.model)
        field = next((mine for mine, theirs in self.field_map.items() if theirs == wanted), wanted)
        if document.get(field, None) is None:
            if self.ignore_missing:
                return []
            raise ml_errors.INPUT_MISSING.refusal(field=wanted)
        return [(document.text(field), self.target)]

    def _write(self, document: IngestDocument, output: str, embedding: Embedding, *, first: bool) -> None:
        parent, _, name = output.rpartition(".")
        # A copy per document, because the cache returns the same value again.
        found: dict[str, Any] = {(name if self.pairs else self.results): copy(embedding.value)}
        if first:
            found["model_id"] = self.model
        if embedding.is_truncated:
            found["is_truncated"] = True
        if not self.pairs:
            document.set_or_append(output, found)
            return
        for key, value in found.items():
            document.set_or_append(f"{parent}.{key}" if parent else key, value)


def read(config: ProcessorConfig, inference: EndpointInference) -> InferenceProcessor:
    """Read the settings of an inference processor.

    Raises:
        Refusal: they are contradictory or incomplete.
    """
    model = config.text("model_id")
    ignore = config.flag("ignore_missing")
    given = config.value("input_output", None)
    options = config.value("inference_config", {})
    results = (
        next(iter(options.values()), {}).get("results_field", "predicted_value")
        if options
        else "predicted_value"
    )
    if given is not None:
        for other in ("target_field", "field_map"):
            if config.has(other):
                problem = f"option is incompatible with [{other}]. Use only one."
                raise config.refusal(ingest_errors.WRONG_PROPERTY, "input_output", problem=problem)
        pairs = tuple(_pair(config, each) for each in (given if isinstance(given, list) else [given]))
        if not pairs:
            raise config.refusal(
                ingest_errors.WRONG_PROPERTY, "input_output", problem="property cannot be empty"
            )
        return InferenceProcessor(inference, model, pairs, {}, "", results, ignore)
    target = config.text("target_field", f"ml.inference.{config.tag}" if config.tag else "ml.inference")
    return InferenceProcessor(inference, model, (), config.value("field_map", {}), target, results, ignore)


def _pair(config: ProcessorConfig, given: Any) -> tuple[str, str]:
    inner = ProcessorConfig(config.kind, given)
    pair = inner.text("input_field"), inner.text("output_field")
    inner.finish()
    return pair
