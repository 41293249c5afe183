"""An engine with one flow, which ends in every way that a command can end in."""

from __future__ import annotations

from flows.engine import Engine, Entry

DUMMY = Engine[None](
    name="dummy",
    title="Dummies",
    targets=("sandbox", "google-cloud"),
    target_variable="VECTOR_SEARCH_TARGET",
    read_settings=lambda _: None,
    settings_prefix="DUMMY_",
    flows=(Entry("end", "dummy_flow:dummy", "Ends as requested."),),
)
