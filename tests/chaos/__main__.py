"""`python -m tests.chaos`: kill, disturb, run again, compare. CONTRIBUTING.md says how to read it."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.chaos import report
from tests.chaos.campaigns import CAMPAIGNS
from tests.chaos.cases import Case, Finding
from tests.chaos.recordings import Recording
from tests.chaos.results import ENGINES, Line, Results, is_failed_campaign
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.workers import Workers


def main() -> int:
    """Run the campaigns; 1 if a promise was broken, 130 if it was interrupted."""
    options = _options()
    # Of the workers: gRPC's core writes about every stand-in that is killed.
    os.environ["GRPC_VERBOSITY"] = "NONE"
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    _say(f"Processes and their logs: {folder}")
    try:
        with closing(Workers(folder, options.workers)) as workers:
            return _repeat(workers, options) if options.case else _continue(workers, options)
    except KeyboardInterrupt:
        _say("Interrupted. The same command continues; the cases under way are run again.")
        return 130
    finally:
        if options.keep:
            _say(f"Kept {folder}.")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _repeat(workers: Workers, options: argparse.Namespace) -> int:
    """Run the cases of these ids, into no results file: a promise that was broken once stays broken there."""
    verdicts: list[str] = []
    for case, finding, seconds in workers.run([Case.of(id_) for id_ in options.case]):
        assert isinstance(case, Case)
        assert isinstance(finding, Finding)
        verdicts.append(finding.verdict)
        _say("\n  ".join((f"{finding.verdict}: {case.id} ({seconds:.1f} s)", *finding.problems)))
    return int("broken" in verdicts)


def _continue(workers: Workers, options: argparse.Namespace) -> int:
    """Run the cases that are left, as long as there is time, and write the report."""
    results = Results(options.results, seed=options.seed, full=options.full)
    _say(f"Results: {results.file}")
    ends = time.monotonic() + options.minutes * 60 if options.minutes else float("inf")
    planned = _planned(workers, options)
    already = {line["id"] for line in results.lines if not is_failed_campaign(line)}
    left = [case for case in planned if case.id not in already]
    _say(f"{len(planned)} cases, {len(planned) - len(left)} of them done before.")
    if options.engine:
        left = [case for case in left if case.engine in options.engine]
        _say(f"{len(left)} of those left are of {', '.join(options.engine)}.")
    _run(workers, left, results, ends)
    ids = {case.id for case in planned}
    lines = [line for line in results.lines if line["id"] in ids]
    if lines:
        _report(results, lines, planned, options)
    return int(any(line["verdict"] == "broken" for line in lines))


def _report(results: Results, lines: list[Line], planned: list[Case], options: argparse.Namespace) -> None:
    numbers = dict(Counter(case.campaign for case in planned))
    if options.full and not (options.campaign or options.scenario) and len(lines) == len(planned):
        report.write_full(lines, numbers)
        _say(f"Report of the full run: {report.FILE}, its cases, and the sentences in README.md")
    else:
        table = results.file.with_suffix(".md")
        report.write(table, lines, numbers)
        _say(f"Report: {table}; {len(planned) - len(lines)} cases are left, and the same command continues.")
    for line in (line for line in lines if line["verdict"] == "broken"):
        _say("\n  ".join((f"BROKEN {line['id']}", Case.of(line["id"]).command, *line["problems"])))


def _planned(workers: Workers, options: argparse.Namespace) -> list[Case]:
    """Every case of the chosen campaigns, in an order that depends on the random seed alone: any beginning is a sample."""
    chosen = [one for one in SCENARIOS.values() if options.full or one.in_short]
    chosen = [one for one in chosen if not options.scenario or one.id in options.scenario]
    recordings: dict[str, Recording] = {}
    for order, recording, seconds in workers.run([one.id for one in chosen]):
        if isinstance(recording, Finding):
            raise SystemExit(f"{order}: {recording.problems[0]}")
        recordings[str(order)] = recording
        _say(
            f"{order}: {len(recording.points)} crash points, {len(recording.methods)} methods ({seconds:.1f} s)"
        )
    planned: list[Case] = []
    for campaign in options.campaign or CAMPAIGNS:
        ordered = [(one, recordings[one.id]) for one in chosen]
        planned += CAMPAIGNS[campaign].cases(
            ordered, random.Random(f"{options.seed} {campaign}"), full=options.full
        )
    random.Random(options.seed).shuffle(planned)
    return planned


def _run(workers: Workers, left: Sequence[Case], results: Results, ends: float) -> None:
    began, verdicts = time.monotonic(), Counter[str]()
    for number, (case, finding, seconds) in enumerate(
        workers.run(left, lambda: time.monotonic() > ends), start=1
    ):
        assert isinstance(case, Case)
        assert isinstance(finding, Finding)
        results.append(case, finding, seconds)
        verdicts[finding.verdict] += 1
        elapsed = time.monotonic() - began
        remaining = min(elapsed / number * (len(left) - number), max(ends - time.monotonic(), 0))
        _say(
            f"{number}/{len(left)} {finding.verdict}: {case.id} ({seconds:.1f} s); "
            f"{verdicts['broken']} broken, about {remaining / 60:.0f} min left"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--full", action="store_true", help="every case: hours; without it a sample of minutes"
    )
    parser.add_argument(
        "--seed", type=int, default=9, help="of the sample, the order and the random times (9)"
    )
    parser.add_argument(
        "--campaign", action="append", choices=list(CAMPAIGNS), help="only this one; may be repeated"
    )
    parser.add_argument(
        "--scenario", action="append", choices=list(SCENARIOS), help="only this one; may be repeated"
    )
    parser.add_argument(
        "--engine", action="append", choices=ENGINES, help="only the cases of this one, as a run of all has them; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", type=float, help="begin no case after this time; the next run continues there"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=2 * (os.cpu_count() or 1),
        help="cases at a time (two per processor: half of a case is waiting)",
    )
    parser.add_argument(
        "--results", type=Path, help="the file that is continued (one per state of the code, kind and seed)"
    )
    parser.add_argument(
        "--case",
        action="append",
        metavar="ID",
        help="repeat this one, as the report names it; may be repeated",
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder of the processes")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
