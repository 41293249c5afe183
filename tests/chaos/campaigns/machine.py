"""What the state machines of both engines share: a stand-in per example, crashes as a rule, and how a call can go wrong."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from sandbox import faults
from tests.chaos.bench import World
from tests.chaos.cases import Finding


class Machine(RuleBasedStateMachine):
    """A stand-in that must do what a dictionary does. A subclass has the rules and `connect` and `disconnect`."""

    HOW = st.sampled_from(
        ["well", "well", "unavailable before", "reset before", "unavailable after", "reset after"]
    )
    """How a call goes: before, it has no effect; after, its reply is lost."""
    begin: ClassVar
    """Makes the stand-in of one example."""
    finding: ClassVar[Finding]
    errors: ClassVar[tuple[type[Exception], ...]]
    """What the official client raises when a call goes wrong."""

    def __init__(self):
        super().__init__()
        self.world: World = type(self).begin()

    def is_refusal(self, error):  # noqa: ARG002 -- an engine's own
        """Whether the service refused the call itself, whatever the network did."""
        return False

    def disturbed(self, method, how, call):
        """Make a call as the network lets it; returns whether it took effect. What the service refuses does not."""
        if how != "well":
            kind, when = how.split()
            faults.add(self.world.state, method, kind, when)
        try:
            call()
        except self.errors as error:
            faults.clear(self.world.state)  # a refused call meets no fault that comes after its effect
            if self.is_refusal(error):
                return False
            if how == "well":
                raise
            self.finding.faults += 1
            return how.endswith("after")
        assert how == "well"
        return True

    @rule()
    def crash(self):
        """Everything acknowledged must survive."""
        self.disconnect()
        self.world.restart()
        self.finding.kills += 1
        self.connect()

    def teardown(self):
        self.disconnect()
        self.world.bench.discard(self.world)
