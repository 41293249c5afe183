"""Options of the Elasticsearch stand-in. Passed in, never read from a global.

Durations are real seconds. There is no clock factor here, because clients have their own timeouts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

from cyclopts import Parameter

Version = Literal["8.13", "8.17", "8.19", "9.1", "9.5"]
Licence = Literal["trial", "platinum", "basic"]
Flavour = Literal["default", "serverless"]


@dataclass(frozen=True)
class ElasticOptions:
    """How the stand-in behaves. Each field is an option of `python -m sandbox start`, for example `--elastic.version`."""

    version: Version = "8.19"
    """The release to imitate; 8.19, the generation of the pinned client."""
    flavour: Flavour = "default"
    """`serverless` imitates a project of Elastic Cloud Serverless, where the APIs of nodes, shards and tasks and their settings are
    refused; it has the features of the newest version, whatever `version` says. `default` is every other cluster."""
    api_key: Annotated[str, Parameter(env_var="VECTOR_SEARCH_SANDBOX_API_KEY")] = field(
        default="", repr=False
    )
    """Requests must send `Authorization: ApiKey` with this encoded key; by default a random one, made once for the state
    folder. Other users can read arguments: set the variable instead."""
    licence: Licence = "trial"
    """The licence type that `GET /_license` returns; trial, which allows machine learning. With basic it is refused."""
    ml_nodes: int = 2
    """Number of machine-learning nodes; 2, so that allocations are spread. 0 for a cluster without any."""
    processors: int = 8
    """Allocated processors of each machine-learning node; 8, as in the ELSER notebook."""
    memory_gb: float = 16.0
    """Memory of each machine-learning node in GB; 16, Elastic's minimum for models other than ELSER."""
    autoscaling: bool = True
    """Whether the cluster could add nodes. If so, a deployment that does not fit is accepted with 200 and `starting`, as
    in the ELSER notebook; if not, it is refused with 429."""
    grow_seconds: float = 0.0
    """With autoscaling, seconds until another machine-learning node of the same size joins for allocations that have
    no room; 0 for never, as in the ELSER notebook."""
    download_seconds: float = 2.0
    """Seconds that the download of a packaged model takes; 2, long enough to be observed."""
    download_parts: int = 418
    """Number of parts of the download; 418, the real model's size in megabytes."""
    download_stalls: int = 0
    """The first download stalls after this many parts, until it is requested again; 0 for never."""
    start_seconds: float = 0.3
    """Seconds from accepting a deployment until it is started; 0.3, short but observable."""
    inference_seconds: float = 0.0
    """The least time, in seconds, that one allocation with one thread spends on a document; 0 for only what the model
    itself takes. The real ELSER takes about 0.37."""
    refresh_seconds: float = 1.0
    """`refresh_interval`, in seconds, of indices that do not set one; 1, as documented."""

    reindex_whitelist: str = ""
    """`reindex.remote.whitelist`: the hosts with their ports, commas between and wildcards allowed, from which a reindex may read; by
    default none."""

    def __post_init__(self) -> None:
        if self.version not in get_args(Version):
            raise ValueError(f"version must be one of {', '.join(get_args(Version))}, not {self.version!r}.")
        if self.flavour not in get_args(Flavour):
            raise ValueError(f"flavour must be one of {', '.join(get_args(Flavour))}, not {self.flavour!r}.")
        if self.licence not in get_args(Licence):
            raise ValueError(f"licence must be one of {', '.join(get_args(Licence))}, not {self.licence!r}.")
        durations = (self.inference_seconds, self.grow_seconds)
        if min(self.ml_nodes, self.processors, self.memory_gb, *durations) < 0:
            raise ValueError("Numbers of nodes and processors, memory and durations must not be negative.")
