"""`python -m flows`: the one way in from a shell. Everything is in `flows.command_line.main`."""

from __future__ import annotations

import sys

from flows.command_line.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
