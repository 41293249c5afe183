"""The command line for the campaigns: the product's own code with its three waits shortened, so that hours become minutes.

What a shorter wait can do, a longer one can: between two attempts and before giving up on a call. Besides, a bulk request holds
few documents, so that a load has several in flight. Nothing else differs.
"""

from __future__ import annotations

import tasks.databricks.clients
import tasks.elastic.connection.clients
import tasks.models.clients
import tasks.steps
import tasks.vertex.connection.clients

CALL_SECONDS = 2.0
"""In place of 60: how long a call that gets no reply is waited for."""
BULK_DOCUMENTS = 20
"""In place of 2,000."""
RETRY_DELAYS = [0.05, 0.1, 0.2, 0.4, 0.8]
"""In place of 1 to 16 s, and as many."""

# Before any step is loaded: a step takes these values when it is defined.
tasks.steps.RETRY_DELAYS = RETRY_DELAYS
tasks.vertex.connection.clients.CALL_SECONDS = CALL_SECONDS
tasks.elastic.connection.clients.CALL_SECONDS = CALL_SECONDS
tasks.databricks.clients.CALL_SECONDS = CALL_SECONDS
tasks.models.clients.CALL_SECONDS = CALL_SECONDS

if __name__ == "__main__":
    import tasks.elastic.indices.loading
    from tests.flows.preloaded import run
    from tests.forks import serve

    tasks.elastic.indices.loading.MOST_DOCUMENTS = BULK_DOCUMENTS
    serve(run)
