import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.vertex.streaming.pace import BURST, Pace, Quotas

MINUTE = 60.0


class Clock:
    """Time that passes only in sleeps."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


def sent(quotas, steps):
    """(time, bytes) of each request, made after an idle time."""
    clock = Clock()
    pace = Pace(quotas, clock=clock, sleep=clock.sleep)
    out = []
    for idle, size in steps:
        clock.now += idle
        pace.wait_for(size)
        out.append((clock.now, size))
    return out


STEPS = st.lists(st.tuples(st.floats(0, 30), st.integers(0, 500)), min_size=1, max_size=300)


@given(STEPS, st.integers(20, 500), st.integers(10_000, 50_000))
def test_no_sixty_seconds_ever_hold_more_than_the_quotas(steps, requests, size):
    out = sent(Quotas(requests=requests, bytes=size), steps)
    for start, _ in out:
        window = [bytes_ for time, bytes_ in out if start <= time < start + MINUTE]
        assert len(window) <= requests * (1 + 1e-9) + 1e-6
        assert sum(window) <= size * (1 + 1e-9) + 1e-6


@pytest.mark.parametrize(
    ("quotas", "size"),
    [(Quotas(requests=600, bytes=1e12), 10), (Quotas(requests=1e9, bytes=60_000), 100)],
    ids=["bound by requests", "bound by bytes"],
)
def test_a_steady_flow_uses_nearly_all_of_the_quota(quotas, size):
    out = sent(quotas, [(0, size)] * 3000)
    assert 600 * (1 - 2 * BURST) <= 3000 / (out[-1][0] - out[0][0]) * MINUTE <= 600


def test_within_the_burst_nobody_waits():
    assert {time for time, _ in sent(Quotas(), [(0, 1000)] * 300)} == {100.0}


def test_a_request_that_would_wait_for_ever_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        Pace(Quotas(bytes=1000)).wait_for(51)
