"""The settings that `answers evaluate --compare` puts beside its own: another knowledge base, engine, way of searching, number of passages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from flows.answers.ask import SearchingOptions
from flows.answers.holders import Holder, holder_of
from flows.answers.options import HolderName, target_of
from flows.report import Report
from tasks.answers.chunks import Chunk
from tasks.answers.evaluation.comparison import (
    DIFFERENCES,
    Contender,
    Kind,
    by_measure,
    compared,
    in_words,
)
from tasks.answers.evaluation.intervals import Mean
from tasks.answers.evaluation.questions import Gold, Question, relevant
from tasks.answers.evaluation.same_documents import refuse_other_documents
from tasks.answers.knowledge import (
    How,
    KnowledgeBase,
    NoKnowledgeBase,
    refuse_other_model,
    refuse_unknown_way,
)
from tasks.errors import InvalidInput
from tasks.models.settings import ModelSettings

KEYS = ("name", "engine", "how", "passages")
"""Options that a compared setting may have otherwise."""
SHOWN = ("knowledge base", "engine", "how", "passages", "chunk size", "chunk overlap", "embedding")
"""What is shown of a setting where it is not the same for all."""
_SOURCE = "--compare"
_FIRST = "first"
"""What the first is called where the others differ from it in several options: all of them would fill a line."""
_ACCEPTED = (
    f"KEY=VALUE with one or more of the keys {', '.join(KEYS)}: how=text, or name=handbook-300,passages=12"
)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A setting whose knowledge base was read: it can be searched like this."""

    label: str
    """What it is called in tables; empty if it is the only one."""
    options: SearchingOptions
    holder: Holder
    settings: Any
    """Of the engine's target."""
    base: KnowledgeBase
    how: How

    @property
    def where(self) -> tuple[HolderName, str]:
        """Which knowledge base it searches."""
        return self.options.engine, self.options.name

    @property
    def params(self) -> dict[str, Any]:
        """For tables and facts."""
        return {
            "knowledge base": self.options.name,
            "engine": self.options.engine,
            "index": self.base.index,
            "how": self.how,
            "passages": self.options.passages,
            "chunk size": self.base.splitting.size,
            "chunk overlap": self.base.splitting.overlap,
            "splitter": self.base.splitter,
            "embedding": self.base.embedded_by,
        }

    @property
    def values(self) -> dict[str, Any]:
        """By key."""
        return {"name": self.options.name, "engine": self.options.engine, "how": self.how, "passages": self.options.passages}  # fmt: skip


def read_settings(options: SearchingOptions, compare: Sequence[str], models: ModelSettings) -> list[Opened]:
    """The options' own setting, and each that is compared with it, after their knowledge bases were read. Nothing is searched or paid for.

    Args:
        options: the first setting.
        compare: what each of the others has otherwise: `how=text`, `name=handbook-300,passages=12`.
        models: what embeds questions.

    Raises:
        InvalidInput: one cannot be read, is the same as another, or cannot be searched in its way or by this model.
        NoKnowledgeBase: one is not there.
    """
    changes = [_changes(given) for given in compare]
    others = [_changed(options, change, given) for change, given in zip(changes, compare, strict=True)]
    first = _opened(options, models, label="", source="--how")
    differing = {key: first.values[key] for key in KEYS if any(key in change for change in changes)}
    found = [replace(first, label=_label(differing) if len(differing) < 2 else _FIRST)]
    for other, change in zip(others, changes, strict=True):
        label = _label(change)
        found.append(_opened(other, models, label=label, source=f"{_SOURCE} {label}"))
        if any(one.values == found[-1].values for one in found[:-1]):
            raise InvalidInput(
                "A setting is given twice", value=label, source=_SOURCE,
                accepted=f"what differs from the others and from the first, {_label(first.values)}",
            )  # fmt: skip
    return found


def read_gold(opened: Sequence[Opened], questions: Sequence[Question]) -> dict[tuple[HolderName, str], Gold]:
    """The passages that answer the questions, in each knowledge base.

    Raises:
        InvalidInput: a knowledge base holds other documents than the first, or a quote is in no passage.
    """
    first = opened[0]
    ours = first.holder.all_passages(first.settings, first.base)
    gold: dict[tuple[HolderName, str], Gold] = {first.where: relevant(questions, ours)}
    for one in opened:
        if one.where not in gold:
            passages: Sequence[Chunk] = one.holder.all_passages(one.settings, one.base)
            refuse_other_documents(
                ours, passages, names=(_place(first), _place(one)), source=f"{_SOURCE} {one.label}"
            )
            gold[one.where] = relevant(questions, passages)
    return gold


def show_comparison(report: Report, contenders: Sequence[Contender], kind: Kind) -> None:
    """Put a comparison into a report: what differs from the first, the table, the numbers.

    Args:
        report: of the flow.
        contenders: the first is what the others are compared with.
        kind: what they are.
    """
    records = compared(contenders, kind)
    for record in records[1:]:
        with report.step(f"{record[kind]}, compared with {records[0][kind]}") as step:
            for name in DIFFERENCES:
                if name in record["difference"]:
                    step.saw(f"{name} {in_words(Mean(**record['difference'][name]))}")
    report.facts[f"{kind}s"] = records
    report.results = by_measure(records, kind, SHOWN if kind == "setting" else ())


def _opened(options: SearchingOptions, models: ModelSettings, *, label: str, source: str) -> Opened:
    holder = holder_of(options.engine)
    settings = holder.engine.settings(options.target)
    base = holder.read(settings, options.name)
    if base is None:
        raise NoKnowledgeBase(options.name, engine=options.engine)
    how: How = options.how or base.ways[-1]
    refuse_unknown_way(base, how, source=source)
    if how in ("dense", "hybrid") and base.dense_model:
        refuse_other_model(base, models)
    return Opened(label=label, options=options, holder=holder, settings=settings, base=base, how=how)


def _changes(given: str) -> dict[str, str]:
    """What a setting has otherwise, by key, in the order of `KEYS`."""
    found: dict[str, str] = {}
    for part in given.split(","):
        key, equals, value = (each.strip() for each in part.partition("="))
        if key not in KEYS or not equals or not value or key in found:
            raise InvalidInput("This is no setting", value=given, source=_SOURCE, accepted=_ACCEPTED)
        found[key] = value
    return {key: found[key] for key in KEYS if key in found}


def _changed(options: SearchingOptions, changes: Mapping[str, str], given: str) -> SearchingOptions:
    """The options with what a setting has otherwise, checked as options are."""
    values = {key: getattr(options, key) for key in (*KEYS, "target")} | dict(changes)
    values["target"] = target_of(values["engine"], options)
    try:
        return SearchingOptions.model_validate(values)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InvalidInput(f"This is no setting ({said})", value=given, source=_SOURCE, accepted=_ACCEPTED) from None  # fmt: skip


def _label(values: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in values.items())


def _place(one: Opened) -> str:
    return f"{one.options.name} on {one.options.engine}"
