"""What can be chosen when the Elasticsearch stand-in starts. Passed in, never read from a global.

Seconds are real ones: there is no clock factor here, since clients bring their own time-outs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Version = Literal["8.13", "8.19", "9.1", "9.5"]
Licence = Literal["trial", "platinum", "basic"]


@dataclass(frozen=True)
class ElasticOptions:
    """How the stand-in behaves. Every field is an option of `python -m sandbox start`, as `--elastic.version`."""

    version: Version = "8.19"
    """Which release answers; 8.19, the generation of the pinned client."""
    api_key: str = ""
    """Requests must carry `Authorization: ApiKey` with this encoded key; empty, so that nothing is asked."""
    licence: Licence = "trial"
    """What `GET /_license` says; trial, which allows machine learning. With basic it is refused."""
    ml_nodes: int = 2
    """Number of machine-learning nodes; 2, so that allocations are spread. 0 is a cluster without."""
    processors: int = 8
    """Allocated processors of each machine-learning node; 8, as the seed's node has."""
    memory_gb: float = 16.0
    """Memory of each machine-learning node in GB; 16, Elastic's minimum for models other than ELSER."""
    autoscaling: bool = True
    """Whether nodes could still be added: a deployment that does not fit is then answered with 200 and `starting`, as
    the seed saw, otherwise refused with 429."""
    grow_seconds: float = 0.0
    """With autoscaling, after so many seconds a further machine-learning node of the same size joins for allocations
    that have no place; 0 for never, as in the seed."""
    download_seconds: float = 2.0
    """How long the packaged model's download takes; 2, long enough to be seen."""
    download_parts: int = 418
    """In how many parts it arrives; 418, the real model's number of megabytes."""
    download_stalls: int = 0
    """After so many parts the first download stops for good, until it is asked for again; 0 for never."""
    start_seconds: float = 0.3
    """From the acceptance of a deployment until it is started; 0.3, short but not nothing."""
    inference_seconds: float = 0.0
    """The least time that one allocation with one thread spends on a document; 0, only what the model really
    takes. The real ELSER takes about 0.37."""
    refresh_seconds: float = 1.0
    """What `refresh_interval` means where an index says nothing; 1, as documented."""

    def __post_init__(self) -> None:
        if self.version not in get_args(Version):
            raise ValueError(f"The version is one of {', '.join(get_args(Version))}, not {self.version!r}.")
        if self.licence not in get_args(Licence):
            raise ValueError(f"The licence is one of {', '.join(get_args(Licence))}, not {self.licence!r}.")
        durations = (self.inference_seconds, self.grow_seconds)
        if min(self.ml_nodes, self.processors, self.memory_gb, *durations) < 0:
            raise ValueError("Numbers of nodes and processors, memory and durations are not negative.")
