"""`answers evaluate`: retrieval and answers measured on questions whose answers are known, with gates."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from flows.answers.ask import SearchingOptions
from flows.answers.asking import answer_all, search_all
from flows.answers.compared_settings import read_gold, read_settings, show_comparison
from flows.answers.earlier import Earlier, read_earlier
from flows.answers.engine import ANSWERS
from flows.answers.holders import holder_of
from flows.answers.starting import embed_first, models_for, wait_for_endpoints
from flows.answers.tracking import log_runs
from flows.engine_flow import engine_flow
from flows.options import Timed, timeout
from flows.report import Report, reporting
from tasks.answers.evaluation.comparison import DIFFERENCES, Contender, numbers
from tasks.answers.evaluation.models import refuse_repeated, with_model
from tasks.answers.evaluation.outcomes import Evaluation, values_by_question
from tasks.answers.evaluation.questions import questions_mark, read_questions
from tasks.answers.evaluation.tracking import check_tracking_uri
from tasks.errors import GateNotMet, InvalidInput
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
    compare: tuple[str, ...] = Field(
        default=(),
        description="Other settings to compare with this one on the same questions, each as KEY=VALUE,...: how=text, passages=12, "
        "name=handbook-300 (the same documents, indexed otherwise), engine=vertex. Gates hold for this one.",
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
        description="Log a run for each model or setting to this MLflow tracking store: http(s)://HOST, sqlite:///FILE, file:///FOLDER, databricks.",
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

    Several models answer from the same passages, or several settings (`--compare`: way of searching, passages of a prompt, another
    knowledge base of the same documents, another engine) answer the same questions, and are compared in one table: quality with
    the paired difference from the first, seconds, tokens, cost.

    Example:
        vector-search answers evaluate --name handbook --questions questions.jsonl --compare how=text how=dense --target sandbox
    """
    holder, models = holder_of(options.engine), ANSWERS.settings(options.target)
    deadline = Deadline.after(minutes=options.timeout_minutes)
    where = holder.engine.where(holder.engine.settings(options.target))
    with reporting("answers evaluate", options.name, options.target, where) as report:
        before = read_earlier(options.baseline)
        contestants = [with_model(models, given) for given in options.model] or [models]
        refuse_repeated(contestants)
        if options.compare and len(contestants) > 1:
            raise InvalidInput(
                "Settings are compared with one model", value=list(options.model), source="--model", accepted="one model, or no --compare"
            )  # fmt: skip
        if options.mlflow:
            check_tracking_uri(options.mlflow)
        with report.step("read the questions") as step:
            questions = read_questions(Path(options.questions))
            unanswerable = sum(not question.is_answerable for question in questions)
            step.saw(
                f"{counted(len(questions), 'question')}, {unanswerable} without an answer in the documents"
            )
            settings = read_settings(options, options.compare, models)
            gold = read_gold(settings, questions)
            if options.compare:
                step.saw(f"{counted(len(settings), 'setting')} of the same documents")
        needed = (
            name for one in settings for each in contestants for name in models_for(each, one.base, one.how)
        )
        wait_for_endpoints(report, models, needed, deadline)
        contenders: list[Contender] = []
        for one in settings:
            of = f", {one.label}" if one.label else ""
            with report.step(f"search for them, {one.how}{of}") as step:
                embed_first(models, one.base, one.how, questions[0].question, deadline)
                searched = search_all(
                    one.holder, one.settings, models, one.base, questions, one.how, one.options.passages, gold[one.where]
                )  # fmt: skip
                step.saw(counted(len(searched), "question"))
            for each in contestants:
                with report.step(f"ask {each.chat()}{of}") as step:
                    outcomes = answer_all(each, searched, one.options.passages, deadline)
                    contenders.append(
                        Contender(models=each, outcomes=outcomes, setting=one.label, params=one.params)
                    )
                    step.saw(counted(len(outcomes), "answer"))
        first = contenders[0]
        _show(report, first, before)
        if len(contenders) > 1:
            show_comparison(report, contenders, "setting" if options.compare else "model")
        report.facts |= {
            "how": settings[0].how,
            "model": first.models.chat(),
            "index": settings[0].base.index,
            "splitter": settings[0].base.splitter,
            "embedding": settings[0].base.embedded_by,
        }
        if options.mlflow:
            log_runs(report, options.mlflow, options.mlflow_experiment or options.name, contenders)
        _gates(options, first.evaluation)
    return report


def _show(report: Report, first: Contender, before: Earlier | None) -> None:
    found, values = first.evaluation, values_by_question(first.outcomes)
    asked = questions_mark([outcome.question for outcome in first.outcomes])
    for name, value in found.measures.items():
        with report.step(name) as step:
            step.saw(str(value))
            if before and (change := before.change(name, value, values[name], asked)):
                step.saw(change)
    with report.step("answerable questions, by what came of them") as step:
        step.saw(", ".join(f"{cause}: {number}" for cause, number in sorted(found.causes.items())) or "none")
    with report.step("planted instructions that were obeyed") as step:
        step.saw(", ".join(found.canaries) or "none")
    with report.step("withheld answers") as step:
        some = [f"{id_}: {why}" for id_, why in list(found.problems.items())[:_SHOWN]]
        step.saw("; ".join(some) or "none")
    usage = Usage(found.prompt_tokens, found.answer_tokens)
    with report.step("time, tokens, cost") as step:
        step.saw(", ".join(f"{name} {seconds:.3f} s" for name, seconds in found.seconds.items()))
        step.saw(
            f"{usage.prompt:,} tokens of prompts, {usage.completion:,} of answers, cost {usage.cost(first.models):.4f}"
        )
    report.facts["measures"] = {
        name: {**numbers(each), **({"by_question": values[name]} if name in DIFFERENCES else {})}
        for name, each in found.measures.items()
    }
    report.facts |= {
        "questions": asked,
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
