"""Stand-ins for tests, each a process of its own, with what all of them are asked."""

from __future__ import annotations

import pytest

from sandbox import faults, process, write_log
from sandbox.announced import announcement


class StandIn:
    """A stand-in of some options, its faults and its write log; a subclass knows one engine."""

    beside = ()
    """The options of other services that start with it."""

    def __init__(self, state, options):
        self.state, self.options = state, options
        self.process = process.start(state, options, *self.beside)

    def settings_by(self, read):
        """The settings by which flows reach it: `settings_by(vertex_settings)`."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VECTOR_SEARCH_SANDBOX", str(announcement(self.state)))
            return read("sandbox")

    def fault(self, method, kind, when="before", **how):
        faults.add(self.state, method, kind, when, **how)

    @property
    def struck(self):
        """The methods that faults have struck."""
        return [each.method for each in faults.struck(self.state)]

    @property
    def writes(self):
        """The methods of all accepted changing calls, in order."""
        return [each.method for each in write_log.read(self.state)]
