"""The real command line with the dummy flow's engine as its only one."""

from __future__ import annotations

import sys

from dummy_engine import DUMMY

from flows import engines
from flows.command_line.main import main

engines.ENGINES = (DUMMY,)

sys.exit(main(sys.argv[1:]))
