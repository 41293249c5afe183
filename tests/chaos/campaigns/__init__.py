"""The campaigns, one line each. A campaign is a module that yields cases from the recordings and runs one of them."""

from __future__ import annotations

from tests.chaos.campaigns import (
    bad_networks,
    crash_sweep,
    fault_sweep,
    random_kills,
    state_machines,
    worker_kills,
)

CAMPAIGNS = {
    campaign.NAME: campaign
    for campaign in (crash_sweep, random_kills, worker_kills, fault_sweep, bad_networks, state_machines)
}
