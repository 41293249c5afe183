"""How tests wait for the official clients' operations: api_core looks once a second at first, which adds up."""

from google.api_core.future.polling import DEFAULT_POLLING

SOON = DEFAULT_POLLING.with_delay(initial=0.02, maximum=0.2, multiplier=1.5)
