"""What every test rests on."""

import signal

from hypothesis import HealthCheck, settings

# A background job of a shell inherits an ignored Ctrl-C, and so would the commands that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Examples have no time limit of their own: on a busy machine that would measure the others.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
