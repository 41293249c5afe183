"""`answers monitor`: how the questions of a page went, with gates."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta

from pydantic import Field

from flows.answers.engine import ANSWERS
from flows.answers.holders import holder_of
from flows.answers.options import AnswersOptions
from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from tasks.answers.records import read_records, record_file
from tasks.answers.trends import Limits, Period, by_day, period, repeated, verify_period
from tasks.models.usage import Usage
from tasks.plurals import counted
from tasks.settings import home


class MonitorOptions(AnswersOptions, frozen=True):
    """The options of `answers monitor`."""

    days: int = Field(
        default=7, ge=1, le=366, description="Days to judge, up to now; compared with as many before them."
    )
    least_questions: int = Field(
        default=10, ge=1, description="Below this many questions, or judgements, their gates judge nothing."
    )
    least_answered: float = Field(
        default=0.5, ge=0, le=1, description="Fail below this share of questions with an answer."
    )
    most_withheld: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Fail above this share of answers that their sources did not support.",
    )
    most_failed: float = Field(
        default=0.05, ge=0, le=1, description="Fail above this share of questions that ended in an error."
    )
    most_seconds: float = Field(
        default=30.0, gt=0, description="Fail if more than one question in twenty took longer, in seconds."
    )
    least_useful: float = Field(
        default=0.5, ge=0, le=1, description="Fail below this share of yes among the readers' judgements."
    )
    most_tokens: float | None = Field(
        default=None,
        gt=0,
        description="Fail above this many tokens for a question on average. Default: no limit.",
    )


@engine_flow(ANSWERS, "monitor", run_name="monitor {name} on {target}")
def monitor(options: MonitorOptions) -> Report:
    """Report how questions went that people asked on the page of `answers serve`, and fail if a gate is not met.

    Answers, abstentions, withheld answers, errors, times, tokens, and the readers' yes or no: day by day, and compared with
    the days before. It reads the records of this machine's home folder, and neither the index nor a model.

    Example:
        vector-search answers monitor --name handbook --days 7 --target sandbox
    """
    holder, models = holder_of(options.engine), ANSWERS.settings(options.target)
    where = holder.engine.where(holder.engine.settings(options.target))
    file = record_file(home(), options.name, engine=options.engine, where=where)
    end, span = datetime.now(UTC), timedelta(days=options.days)
    with reporting("answers monitor", options.name, options.target, where) as report:
        with report.step("read the records") as step:
            records = read_records(file, options.name, end - 2 * span)
            step.saw(f"{counted(len(records.asked), 'question')} of {2 * options.days} days, {file}")
            if records.unreadable:
                step.saw(f"{counted(records.unreadable, 'line')} cannot be read and count as nothing")
        now, before = period(records, end - span, end), period(records, end - 2 * span, end - span)
        for day, each in by_day(records, end - span, end).items():
            with report.step(str(day)) as step:
                step.saw(str(each))
        with report.step(f"the last {counted(options.days, 'day')}") as step:
            step.saw(str(now))
            asked = [each for each in records.asked if each.at >= end - span]
            step.saw(f"{repeated(asked)} asked before in the same words")
            cost = Usage(now.prompt_tokens, now.answer_tokens).cost(models)
            step.saw(f"cost {cost:.4f}")
        with report.step("before them") as step:
            step.saw(str(before))
            if before.questions and now.questions:
                step.saw(_change(now, before))
        report.facts |= {"now": asdict(now), "before": asdict(before), "unreadable": records.unreadable}
        with report.step("gates") as step:
            limits = {one.name: getattr(options, one.name) for one in fields(Limits)}
            step.saw(verify_period(now, Limits(**limits)))
    return report


def _change(now: Period, before: Period) -> str:
    answered = now.share(now.answered) - before.share(before.answered)
    slow = now.slow_seconds - before.slow_seconds
    said = f"change since: answered {answered:+.2f}, slow {slow:+.1f} s, tokens {now.tokens - before.tokens:+,.0f}"
    return f"{said}, yes {now.useful - before.useful:+.2f}" if now.judged and before.judged else said
