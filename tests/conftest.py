"""What every test rests on."""

import signal

# A background job of a shell inherits an ignored Ctrl-C, and so would the commands that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
