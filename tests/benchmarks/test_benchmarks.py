"""The benchmarks' own arithmetic and report; how fast anything is, no test asks."""

from datetime import date
from pathlib import Path

import pytest

import benchmarks.__main__ as every
from benchmarks import measured
from benchmarks.measured import Comparison, Figure, in_turn
from benchmarks.results import machine, results


@pytest.fixture
def clock(monkeypatch):
    """A clock that only goes on when it is told: clock(seconds)."""
    now = [0.0]
    monkeypatch.setattr(measured.time, "perf_counter", lambda: now[0])

    def pass_(seconds):
        now[0] += seconds

    return pass_


def test_a_ratio_is_that_of_the_same_round_so_that_a_slow_machine_hardly_changes_it(clock):
    speeds, calls = iter([1, 1, 1, 1, 50, 50, 2, 2]), []  # the first round does not count

    def way(name, seconds):
        calls.append(name)
        clock(seconds * next(speeds))

    ways = {"plain": lambda: way("plain", 8), "ours": lambda: way("ours", 2)}
    plain, ours = in_turn("Counting", ways, count=16, unit="numbers/s", rounds=3).figures
    assert calls == ["plain", "ours"] * 4
    assert (plain.rates, plain.ratio) == ([2, 0.04, 1], None)
    assert (ours.rates, ours.ratio, ours.median) == ([8, 0.16, 4], 4, 4)


@pytest.mark.parametrize(("ratio", "shown"), [(None, ""), (0.7412, "0.74 x"), (4.04, "4 x"), (54.3, "54 x")])
def test_a_ratio_is_shown_with_two_digits(ratio, shown):
    assert Figure(way="ours", rates=[1.0], ratio=ratio).times == shown


def test_the_report_has_a_table_of_each_comparison_and_names_no_place():
    figures = [
        Figure(way="plain", rates=[1000.0, 3000.0, 2000.0], ratio=None, note="84 MiB"),
        Figure(way="ours", rates=[9000.0, 9000.0, 9000.0], ratio=4.5),
    ]
    comparison = Comparison(title="Counting", unit="numbers/s", figures=figures)
    report = results(machine(), date(2026, 1, 2), {"counting": [comparison]})
    assert "2026-01-02: " in report
    assert (
        "| plain | 2,000 | 1,000 to 3,000 | 1 | 84 MiB |  |\n| ours | 9,000 | 9,000 to 9,000 | 4.5 x |  |  |\n"
        in report
    )
    assert "python -m benchmarks.counting" in report
    assert str(Path.cwd()) not in report


@pytest.mark.parametrize(
    ("aim", "said"),
    [
        ({"rate": 9000}, "at least 9,000 numbers/s: met"),
        ({"ratio": 5}, "at least 5 x: not met"),
        ({"rate": 8000, "ratio": 5}, "at least 8,000 numbers/s, at least 5 x: not met"),
    ],
)
def test_an_aim_stands_beside_the_way_that_has_it_and_says_whether_it_is_met(aim, said):
    figures = [
        Figure(way="plain", rates=[2000.0], ratio=None),
        Figure(way="ours", rates=[9000.0], ratio=4.5),
    ]
    comparison = Comparison(title="Counting", unit="numbers/s", figures=figures).aiming("ours", **aim)
    assert str(comparison).splitlines()[-1].endswith(f"[{said}]")
    report = results(machine(), date(2026, 1, 2), {"counting": [comparison]})
    assert f"| 4.5 x |  | {said} |" in report
    assert f"{int(': met' in said)} of 1 aim" in report


def test_every_module_that_compares_is_run():
    folder = Path(every.__file__).parent
    names = {path.stem for path in folder.glob("*.py") if "\ndef comparisons(" in path.read_text()}
    assert names == set(every.BENCHMARKS)
