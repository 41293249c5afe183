"""Evaluations as runs of an MLflow tracking store, named as MLflow names them: `ndcg_at_10/mean`, parameters, tags, an artifact.

The names are those of MLflow's own evaluation of retrievers and of texts (https://mlflow.org/docs/latest/ml/evaluation/), whose measures
end in `/mean`; ends of intervals are ours: `/low` and `/high`.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tasks.answers.evaluation.intervals import Mean
from tasks.calls import ServiceRefused, ServiceUnwell, translating
from tasks.errors import InvalidInput, PermanentError
from tasks.steps import step

TAG = "vector_search_ops.run"
"""By this tag a repeated call finds the run that it made before."""
ARTIFACT = "evaluation.json"
_SCHEMES = ("http", "https", "sqlite", "file")
_TRANSIENT = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "ABORTED")
_NAMES = {
    "nDCG@10": "ndcg_at_10",
    "RR@10": "reciprocal_rank_at_10",
    "R@10": "recall_at_10",
    "Success@5": "success_at_5",
}
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing about this run goes to anybody else
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # a step is retried as a whole
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_ALLOW_FILE_STORE": "true",  # since 3.17 a folder is refused unless this is set: it is kept up, and gets nothing new
    "GIT_PYTHON_REFRESH": "quiet",
}
"""Read by MLflow when it is loaded or called."""


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """One model's evaluation, as it is logged."""

    key: str
    """The same in every attempt to log it."""
    name: str
    measures: Mapping[str, Mean]
    numbers: Mapping[str, float]
    """Other metrics: seconds, tokens, cost, counts."""
    params: Mapping[str, str]
    artifact: Mapping[str, Any]

    @property
    def metrics(self) -> dict[str, float]:
        """Every number by its name in MLflow."""
        found = {
            f"{metric_name(name)}/{end}": value
            for name, measure in self.measures.items()
            for end, value in (("mean", measure.value), ("low", measure.low), ("high", measure.high))
        }
        return found | {metric_name(name): value for name, value in self.numbers.items()}


class MlflowMissing(PermanentError):
    """MLflow is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "Evaluations are logged by mlflow-skinny, which is not installed. `make setup` installs it; elsewhere, install vector-search-ops "
            "with the extra mlflow, or leave out --mlflow."
        )


def check_tracking_uri(uri: str) -> None:
    """See that this can be a tracking store, before anything is asked or paid for.

    Raises:
        InvalidInput: it cannot, or holds credentials.
        MlflowMissing: there is no MLflow.
    """
    parts = urlsplit(uri)
    if parts.username or parts.password:
        raise InvalidInput(
            "Credentials do not belong into an address, which is stored with the run", source="--mlflow",
            remedy="Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.",
        )  # fmt: skip
    if uri != "databricks" and (parts.scheme not in _SCHEMES or not (parts.netloc or parts.path)):
        raise InvalidInput(
            "This is no address of an MLflow tracking store", value=uri, source="--mlflow",
            accepted="http://HOST:PORT, https://HOST, sqlite:///FILE, file:///FOLDER, or databricks",
        )  # fmt: skip
    _mlflow()


def metric_name(measure: str) -> str:
    """A measure as MLflow names metrics: `ndcg_at_10` of nDCG@10, `token_f1` of token F1."""
    return _NAMES.get(measure) or re.sub(r"\W+", "_", measure.lower()).strip("_")


@step("log the evaluation of {run.name} to MLflow")
def apply_tracked_run(uri: str, experiment: str, run: TrackedRun) -> str:
    """Log a run, unless one with its key is there and finished. Returns its id.

    Args:
        uri: of the tracking store.
        experiment: made if it is not there.
        run: what to log.

    Raises:
        MlflowMissing, ServiceRefused: as its words say.
        ServiceUnwell: the store does not answer now.
    """
    mlflow = _mlflow()
    entities: Any = import_module("mlflow.entities")
    with _calling(f"log to experiment {experiment!r} of MLflow"):
        client = mlflow.MlflowClient(tracking_uri=uri)
        known = client.get_experiment_by_name(experiment)
        id_: str = (
            known.experiment_id
            if known
            else client.create_experiment(experiment, artifact_location=_artifacts(uri))
        )
        made: Sequence[Any] = client.search_runs([id_], filter_string=f"tags.`{TAG}` = '{run.key}'")
        there = made[0] if made else client.create_run(id_, run_name=run.name, tags={TAG: run.key})
        run_id: str = there.info.run_id
        if there.info.status == "FINISHED":
            return run_id
        now = int(time.time() * 1000)
        client.log_batch(
            run_id,
            metrics=[entities.Metric(name, float(value), now, 0) for name, value in run.metrics.items()],
            params=[entities.Param(name, value) for name, value in run.params.items()],
        )
        client.log_dict(run_id, dict(run.artifact), ARTIFACT)
        client.set_terminated(run_id, "FINISHED")
    return run_id


def _mlflow() -> Any:
    os.environ.update({name: value for name, value in _SETTINGS.items() if name not in os.environ})
    logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of every table that it makes
    try:
        return import_module("mlflow")
    except ImportError as error:
        raise MlflowMissing from error


def _artifacts(uri: str) -> str | None:
    """Where an experiment's artifacts go: beside a database, which would put them into the working folder. None: as the store decides."""
    parts = urlsplit(uri)
    if parts.scheme != "sqlite":
        return None
    file = Path(parts.path.removeprefix("/")).resolve()
    return (file.parent / "mlartifacts").as_uri()


@contextmanager
def _calling(doing: str) -> Generator[None]:
    with translating(doing, _meaning):
        yield


def _meaning(doing: str, error: Exception) -> Exception | None:
    exceptions: Any = import_module("mlflow.exceptions")
    if isinstance(error, OSError):
        return ServiceRefused(doing, service="the file system", status=error.errno or 0, said=str(error))
    if not isinstance(error, exceptions.MlflowException):
        return None
    code = str(error.error_code)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType, reportAttributeAccessIssue]
    said = str(error).partition("\n")[0]
    if code in _TRANSIENT:
        return ServiceUnwell(
            doing, service="MLflow", status=code, said=said, remedy="Is --mlflow its address?"
        )
    return ServiceRefused(doing, service="MLflow", status=code, said=said)
