"""The recall of kNN against exact search in a report: a row for each number of candidates, one for exact search, and a picture."""

from __future__ import annotations

from collections.abc import Sequence

from flows.report import Report
from tasks.elastic.indices.embeddings import Embedded
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.elastic.verification.neighbors import verify_knn_recall


def measure_knn(
    report: Report,
    settings: ElasticSettings,
    embedded: Embedded,
    field: EmbeddedField,
    texts: Sequence[str],
    *,
    k: int,
    tried: Sequence[int],
    min_recall: float,
) -> None:
    """Measure, and write what was measured into a report.

    Raises:
        GateNotMet: the recall is below `min_recall`; the report has the numbers all the same.
        InvalidInput: a number of candidates is out of its limits.
    """
    with report.step(f"kNN of {field.output}, {len(texts)} queries") as step:
        found = verify_knn_recall(
            settings, report.name, embedded, field, texts, k=k, tried=tried, min_recall=min_recall
        )
        step.saw("its graph against every vector")
    for one in found.measured:
        with report.step(f"num_candidates={one.num_candidates}") as step:
            step.saw(str(one))
    with report.step("exact") as step:
        step.saw(str(found.exact))
    report.facts |= found.facts
