"""What a check found, told step by step; what is missing ends the flow."""

from __future__ import annotations

from collections.abc import Sequence

from flows.report import Report
from tasks.errors import PermanentError
from tasks.findings import Finding
from tasks.plurals import listed
from tasks.progress import say


class PreconditionsMissing(PermanentError):
    """A build would fail."""

    def __init__(self, missing: Sequence[Finding]) -> None:
        self.missing = list(missing)
        super().__init__(
            f"A build would fail on {listed(one.what for one in missing)}. The lines above say how to fix it."
        )


def tell(report: Report, findings: Sequence[Finding]) -> None:
    """A step for each finding, with the command that fixes what is missing.

    Where something is missing, each is also said: the flow will fail, and its report is not printed then.
    """
    will_fail = any(finding.is_in_the_way for finding in findings)
    for finding in findings:
        with report.step(finding.what) as step:
            step.saw(finding.seen if finding.state == "not needed" else f"{finding.state}: {finding.seen}")
            if finding.command:
                step.saw(f"fix it with: {finding.command}")
        if will_fail:
            say(f"{finding.what}: {step.seen}")


def refuse_missing(findings: Sequence[Finding]) -> None:
    """End the flow if something is missing.

    Raises:
        PreconditionsMissing: something is.
    """
    if missing := [finding for finding in findings if finding.is_in_the_way]:
        raise PreconditionsMissing(missing)
