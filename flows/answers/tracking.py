"""An evaluation logged to MLflow: a run for each model, or for each setting that is compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flows.report import Report
from tasks.answers.evaluation.comparison import Contender
from tasks.answers.evaluation.tracking import TrackedRun, apply_tracked_run
from tasks.plurals import listed


def log_runs(report: Report, uri: str, experiment: str, contenders: Sequence[Contender]) -> None:
    """Log what came of each, before gates decide: what fails is worth keeping too.

    Args:
        report: of the flow; its start tells one evaluation from another.
        uri: of the tracking store.
        experiment: made if it is not there.
        contenders: the models, or the settings.
    """
    with report.step(f"log to MLflow, experiment {experiment}") as step:
        ids = [apply_tracked_run(uri, experiment, _run(report, contender)) for contender in contenders]
        step.saw(f"run {listed(ids)}")
        report.facts["mlflow"] = {"experiment": experiment, "runs": ids}


def _run(report: Report, contender: Contender) -> TrackedRun:
    found = contender.evaluation
    params = {name.replace(" ", "_"): str(value) for name, value in contender.params.items()}
    numbers: dict[str, float] = {
        "questions": len(contender.outcomes),
        "prompt_tokens": found.prompt_tokens,
        "answer_tokens": found.answer_tokens,
        "cost": contender.cost,
        "obeyed_instructions": len(found.canaries),
        **{f"{name} seconds": value for name, value in found.seconds.items()},
        **{f"cause {cause}": number for cause, number in found.causes.items()},
    }
    answers: list[dict[str, Any]] = [
        {"question": one.question.id, "right": one.is_right, "problems": list(one.answer.problems)}
        for one in contender.outcomes
    ]
    return TrackedRun(
        key=f"{report.name}-{report.started:%Y%m%dT%H%M%S%f}-{contender.name}".replace("'", ""),
        name=f"{report.name} {contender.name}",
        measures=found.measures,
        numbers=numbers,
        params={**params, "model": contender.models.chat()},
        artifact={"params": params, "answers": answers},
    )
