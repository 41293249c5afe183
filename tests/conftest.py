"""What every test rests on."""

import signal

import pytest
from hypothesis import HealthCheck, settings

# A background job of a shell inherits an ignored Ctrl-C, and so would the commands that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples every time: what passed once passes again, here and in CI. `make explore` looks for new ones.
# They have no time limit of their own: on a busy machine that would measure the others.
settings.register_profile(
    "same", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("explore", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")

_LONGEST_FIRST = (
    "tests/installation/",
    "tests/flows/workers/",
    "tests/deployments/",
    "tests/flows/test_",
    "tests/flows/",
)


@pytest.hookimpl(trylast=True)  # after pytest-randomly, whose order remains within each of these
def pytest_collection_modifyitems(items):
    """Begin with the files that take minutes: a worker that gets one last keeps the other waiting."""
    items.sort(
        key=lambda item: next(
            (place for place, folder in enumerate(_LONGEST_FIRST) if item.nodeid.startswith(folder)),
            len(_LONGEST_FIRST),
        )
    )
