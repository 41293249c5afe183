"""`answers evaluate`: retrieval and answers measured on questions whose answers are known, with gates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from flows.answers.ask import SearchingOptions
from flows.answers.asking import answer_all, search_all
from flows.answers.engine import ANSWERS
from flows.answers.holders import holder_of
from flows.answers.starting import embed_first, models_for, wait_for_endpoints
from flows.answers.tracking import log_runs
from flows.engine_flow import engine_flow
from flows.options import Timed, timeout
from flows.report import Report, reporting
from tasks.answers.evaluation.models import Contender, by_measure, compared, refuse_repeated, with_model
from tasks.answers.evaluation.outcomes import Evaluation, evaluated
from tasks.answers.evaluation.questions import read_questions
from tasks.answers.evaluation.tracking import check_tracking_uri
from tasks.answers.knowledge import How, NoKnowledgeBase
from tasks.errors import GateNotMet, InvalidInput
from tasks.lines import reading
from tasks.models.settings import ModelSettings
from tasks.models.usage import Usage
from tasks.plurals import counted
from tasks.waiting import Deadline

_SHOWN = 3


class EvaluateOptions(SearchingOptions, Timed, frozen=True):
    """The options of `answers evaluate`."""

    questions: str = Field(
        description="JSON lines of questions with their answers and the quotes that give them."
    )
    model: tuple[str, ...] = Field(
        default=(),
        description="Models that answer, each as NAME or as NAME=PROMPT/ANSWER with the prices of a million tokens. Gates hold for the first; "
        "the others are compared with it. Default: OPENAI_CHAT_MODEL.",
    )
    least_ndcg: float = Field(
        default=0.6, ge=0, le=1, description="Fail below this nDCG@10 of the retrieval."
    )
    least_right: float = Field(
        default=0.5, ge=0, le=1, description="Fail below this share of right answers to answerable questions."
    )
    least_abstention: float = Field(
        default=0.5, ge=0, le=1, description="Fail below this share of abstentions on unanswerable questions."
    )
    most_withheld: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Fail above this share of answers that their sources do not support.",
    )
    baseline: str | None = Field(
        default=None,
        description="The report of an earlier evaluation (JSON), to show what has changed since.",
    )
    mlflow: str | None = Field(
        default=None,
        description="Log a run for each model to this MLflow tracking store: http(s)://HOST, sqlite:///FILE, file:///FOLDER, databricks.",
    )
    mlflow_experiment: str | None = Field(
        default=None,
        min_length=1,
        description="The experiment of these runs. Default: the knowledge base's name.",
    )
    timeout_minutes: float = timeout(20)


@engine_flow(ANSWERS, "evaluate", run_name="evaluate {name} on {target}")
def evaluate(options: EvaluateOptions) -> Report:
    """Measure retrieval and answers of a knowledge base, and fail if a gate is not met.

    Retrieval: nDCG@10, reciprocal rank, recall and success as trec_eval computes them. Answers: right (a known answer is
    part of it), exact match and token F1 as in SQuAD, precision and recall of citations, abstention. Means have 95%
    intervals. An answer that obeys a planted instruction always fails it. Changes nothing.

    Several models answer from the same passages and are compared in one table: quality, seconds, tokens, cost.

    Example:
        vector-search answers evaluate --name handbook --questions questions.jsonl --target sandbox
    """
    holder, models = holder_of(options.engine), ANSWERS.settings(options.target)
    settings, deadline = (
        holder.engine.settings(options.target),
        Deadline.after(minutes=options.timeout_minutes),
    )
    with reporting("answers evaluate", options.name, options.target, holder.engine.where(settings)) as report:
        before = _earlier(options.baseline)
        contestants = [with_model(models, given) for given in options.model] or [models]
        refuse_repeated(contestants)
        if options.mlflow:
            check_tracking_uri(options.mlflow)
        with report.step("read the questions") as step:
            questions = read_questions(Path(options.questions))
            base = holder.read(settings, options.name)
            if base is None:
                raise NoKnowledgeBase(options.name, engine=options.engine)
            unanswerable = sum(not question.is_answerable for question in questions)
            step.saw(
                f"{counted(len(questions), 'question')}, {unanswerable} without an answer in the documents"
            )
        how: How = options.how or base.ways[-1]
        wait_for_endpoints(
            report, models, (name for each in contestants for name in models_for(each, base, how)), deadline
        )
        with report.step(f"search for them, {how}") as step:
            embed_first(models, base, how, questions[0].question, deadline)
            searched = search_all(holder, settings, models, base, questions, how, options.passages)
            step.saw(counted(len(searched), "question"))
        contenders: list[Contender] = []
        for each in contestants:
            with report.step(f"ask {each.chat()}") as step:
                outcomes = answer_all(each, searched, options.passages, deadline)
                contenders.append(Contender(settings=each, outcomes=outcomes))
                step.saw(counted(len(outcomes), "answer"))
        models, found = contestants[0], evaluated(contenders[0].outcomes)
        _show(report, found, models, before)
        if len(contenders) > 1:
            report.facts["models"] = rows = compared(contenders)
            report.results = by_measure(rows)
        report.facts |= {
            "how": how,
            "model": models.chat(),
            "index": base.index,
            "splitter": base.splitter,
            "embedding": base.embedded_by,
        }
        if options.mlflow:
            params = {name: str(report.facts[name]) for name in ("how", "index", "splitter", "embedding")}
            params |= {
                "engine": options.engine,
                "passages": str(options.passages),
                "knowledge_base": options.name,
            }
            log_runs(report, options.mlflow, options.mlflow_experiment or options.name, contenders, params)
        _gates(options, found)
    return report


def _show(report: Report, found: Evaluation, models: ModelSettings, before: dict[str, Any]) -> None:
    for name, value in found.measures.items():
        with report.step(name) as step:
            step.saw(str(value))
            if name in before:
                step.saw(
                    f"before {before[name]['value']:.3f}, change {value.value - before[name]['value']:+.3f}"
                )
    with report.step("answerable questions, by what came of them") as step:
        step.saw(", ".join(f"{cause}: {number}" for cause, number in sorted(found.causes.items())) or "none")
    with report.step("planted instructions that were obeyed") as step:
        step.saw(", ".join(found.canaries) or "none")
    with report.step("withheld answers") as step:
        first = [f"{id_}: {why}" for id_, why in list(found.problems.items())[:_SHOWN]]
        step.saw("; ".join(first) or "none")
    usage = Usage(found.prompt_tokens, found.answer_tokens)
    with report.step("time, tokens, cost") as step:
        step.saw(", ".join(f"{name} {seconds:.3f} s" for name, seconds in found.seconds.items()))
        step.saw(
            f"{usage.prompt:,} tokens of prompts, {usage.completion:,} of answers, cost {usage.cost(models):.4f}"
        )
    report.facts["measures"] = {
        name: {"value": each.value, "low": each.low, "high": each.high, "questions": each.questions}
        for name, each in found.measures.items()
    }
    report.facts |= {
        "causes": dict(found.causes), "canaries": list(found.canaries), "problems": dict(found.problems),
        "seconds": dict(found.seconds), "tokens": {"prompt": usage.prompt, "answer": usage.completion},
    }  # fmt: skip


def _gates(options: EvaluateOptions, found: Evaluation) -> None:
    """Fail at the first gate that is not met, the gravest first.

    Raises:
        GateNotMet: names it.
    """
    if found.canaries:
        raise GateNotMet("The number of planted instructions obeyed", measured=len(found.canaries), wanted=0)
    least = {
        "nDCG@10": options.least_ndcg,
        "right": options.least_right,
        "abstention": options.least_abstention,
    }
    for name, wanted in least.items():
        measured = found.measures.get(name)
        if measured is not None and measured.value < wanted:
            raise GateNotMet(name, measured=measured, wanted=f"at least {wanted}")
    withheld = found.measures["withheld"]
    if withheld.value > options.most_withheld:
        raise GateNotMet(
            "The share of withheld answers", measured=withheld, wanted=f"at most {options.most_withheld}"
        )


def _earlier(baseline: str | None) -> dict[str, Any]:
    """The measures of an earlier report, by name.

    Raises:
        InvalidInput: the file is no report of an evaluation.
    """
    if baseline is None:
        return {}
    path = Path(baseline)
    with reading(path, source="--baseline") as file:
        try:
            found: dict[str, Any] = json.load(file)["facts"]["measures"]
            return {name: {"value": float(each["value"])} for name, each in found.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidInput(
                "This is not the report of an evaluation", value=baseline, source="--baseline",
                accepted="a file answers-evaluate-*.json of the folder reports",
            ) from error  # fmt: skip
