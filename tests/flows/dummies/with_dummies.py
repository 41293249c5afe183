"""The real command line with the dummy flow as its catalog."""

from __future__ import annotations

import sys

import flows.catalog
from flows.catalog import Entry

flows.catalog.FLOWS = (Entry("dummy end", "dummy_flow:dummy", "Ends as it is told."),)

from flows.command_line.main import main  # noqa: E402 -- it reads the catalog when it is loaded

sys.exit(main(sys.argv[1:]))
