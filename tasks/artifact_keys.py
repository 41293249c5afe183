"""Keys of Prefect artifacts: lowercase letters, digits and dashes, or Prefect refuses them in the middle of a run."""

from __future__ import annotations

import re


def artifact_key(*words: str) -> str:
    """A valid key made of words: `artifact_key("recall of", "glove_100")` is `recall-of-glove-100`."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-") or "artifact"
