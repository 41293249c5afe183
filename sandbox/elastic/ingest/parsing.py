"""Definitions of pipelines, validated and made executable."""

from __future__ import annotations

from typing import Any

from sandbox.elastic.inference.serving import EndpointInference
from sandbox.elastic.ingest import dates_and_lists, inference_processor, replacements
from sandbox.elastic.ingest import errors as ingest_errors
from sandbox.elastic.ingest.execution import Act, Pipeline, Step, each_document, each_element, inner_pipeline
from sandbox.elastic.ingest.processor_config import ProcessorConfig
from sandbox.elastic.ingest.processors import CHANGES

_CHANGES = {**CHANGES, **dates_and_lists.CHANGES, **replacements.CHANGES}
_KNOWN = {"description", "processors", "on_failure", "version", "_meta", "deprecated", "field_access_pattern"}


class PipelineParser:
    """Parses definitions of pipelines."""

    def __init__(self, inference: EndpointInference) -> None:
        self._inference = inference

    def parse(self, name: str, body: dict[str, Any]) -> Pipeline:
        """Parse a definition into an executable pipeline.

        Raises:
            Refusal: the definition is invalid.
        """
        if "processors" not in body:
            raise ingest_errors.REQUIRED_PROPERTY.refusal(
                property="processors", metadata={"property_name": "processors"}
            )
        unknown = sorted(set(body) - _KNOWN)
        if unknown:
            raise ingest_errors.UNKNOWN_PIPELINE_PROPERTIES.refusal(
                pipeline=name, properties=f"[{', '.join(unknown)}]"
            )
        failing = body.get("on_failure")
        if failing is not None and not failing:
            raise ingest_errors.EMPTY_ON_FAILURE.refusal(pipeline=name)
        return Pipeline(name, self._steps(body["processors"]), self._steps(failing or []))

    def _steps(self, definitions: Any) -> tuple[Step, ...]:
        if not isinstance(definitions, list):
            raise ingest_errors.WRONG_PROPERTY.refusal(property="processors", problem="property isn't a list")
        return tuple(
            self._step(kind, values)
            for definition in definitions
            for kind, values in dict(definition).items()
        )

    def _step(self, kind: str, values: Any) -> Step:
        config = ProcessorConfig(kind, values)
        if kind not in _CHANGES and kind not in ("foreach", "inference", "pipeline"):
            raise config.refusal(ingest_errors.NO_SUCH_PROCESSOR, type=kind)
        if config.has("if"):
            raise config.refusal(ingest_errors.NO_CONDITIONS, "if")
        ignore = config.flag("ignore_failure")
        failing = config.value("on_failure", None)
        if failing == []:
            problem = "processors list cannot be empty"
            raise config.refusal(ingest_errors.WRONG_PROPERTY, "on_failure", problem=problem)
        act = self._act(config)
        config.finish()
        return Step(kind, config.tag, act, ignore, self._steps(failing or []))

    def _act(self, config: ProcessorConfig) -> Act:
        if config.kind == "inference":
            processor = inference_processor.read(config, self._inference)
            return lambda _run, documents: processor.act(documents)
        if config.kind == "pipeline":
            return inner_pipeline(config.text("name"), config.flag("ignore_missing_pipeline"))
        if config.kind == "foreach":
            return self._each_element(config)
        return each_document(_CHANGES[config.kind](config))

    def _each_element(self, config: ProcessorConfig) -> Act:
        field, ignore = config.text("field"), config.flag("ignore_missing")
        given = config.value("processor")
        if not isinstance(given, dict) or len(given) != 1:
            raise config.refusal(
                ingest_errors.WRONG_PROPERTY, "processor", problem="Must specify exactly one processor type"
            )
        (step,) = self._steps([given])
        return each_element(field, step, ignore)
