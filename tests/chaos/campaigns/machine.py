"""What the state machines of both engines share: a stand-in per example, crashes as a rule, and how a call can go wrong."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

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

    def __init__(self):
        super().__init__()
        self.world: World = type(self).begin()

    def counted(self, how):
        self.finding.faults += how != "well"

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
