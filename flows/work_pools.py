"""The types of work pools that the flows can be deployed to, as data: how a run gets its process, its container or its job.

`flows.generate` writes a file of deployments for each; deployments/ has the job templates of those that need one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_IMAGE = "VECTOR_SEARCH_IMAGE"


@dataclass(frozen=True, kw_only=True)
class WorkPool:
    """A type of work pool, with what is written about it at the head of its file."""

    type: str
    """As Prefect calls it."""
    name: str
    """Of the pool that its deployments name."""
    file: str
    """Its deployments, from the root of the project."""
    where: str
    """A line for people: what a run of it is."""
    template: str = ""
    """Its job template, from the root of the project; empty for the one that Prefect has."""
    started: str
    """The rest of the line that starts a worker."""
    settings: str
    """Where a run has the settings of the services from."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is exported besides the targets, with a line on each."""
    job_variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """What its deployments set of the job template; `{{ $NAME }}` stands for an environment variable."""

    @property
    def path(self) -> Path:
        """Its file, wherever the project is installed."""
        return _ROOT / self.file

    def create(self, root: Path = Path()) -> str:
        """The command that creates the pool, for a shell in which `root` is the root of the project."""
        template = f" --base-job-template {root / self.template}" if self.template else ""
        return f"prefect work-pool create {self.name} --type {self.type}{template}"

    def created_here(self) -> str:
        """The same for this installation, wherever the shell is."""
        return self.create(_ROOT)


PROCESS = WorkPool(
    type="process",
    name="vector-search",
    file="deployments/prefect.yaml",
    where="On the local stack, `{program} up` registers all of this against the stand-ins. For real, each run a process on a worker's machine:",
    started="                # where vector-search-ops and its settings are",
    settings="""\
A worker that has lost its settings ({prefixes}) fails and says what is missing: it never
# falls back to the stand-ins. Secrets belong in the worker's environment or in blocks, never in parameters: Prefect stores those
# in plain text.""",
)
DOCKER = WorkPool(
    type="docker",
    name="vector-search-docker",
    file="deployments/docker/prefect.yaml",
    where="Each run a container of the image that the Dockerfile makes (docs/containers.md):",
    template="deployments/docker/base-job-template.json",
    started=" --install-policy if-not-present   # where Docker is",
    settings="""\
The settings of the services ({prefixes}) are `env` of the pool's job template. Secrets are
# blocks named there, `{{{{ prefect.blocks.secret.NAME }}}}`, never in this file: `prefect deploy` would write them into the deployments.""",
    variables={f"{_IMAGE}=registry.example.com/vector-search-ops:0.1.0": "the image of the runs"},
    job_variables={"image": f"{{{{ ${_IMAGE} }}}}"},
)
KUBERNETES = WorkPool(
    type="kubernetes",
    name="vector-search-kubernetes",
    file="deployments/kubernetes/prefect.yaml",
    where="Each run a job of the image that the Dockerfile makes (docs/containers.md):",
    template="deployments/kubernetes/base-job-template.json",
    started=" --install-policy if-not-present   # in the cluster, or where its kubeconfig is",
    settings="""\
The settings of the services ({prefixes}) are a ConfigMap and a Secret named vector-search,
# in the namespace of the jobs.""",
    variables=DOCKER.variables,
    job_variables=DOCKER.job_variables,
)
POOLS = {pool.type: pool for pool in (PROCESS, DOCKER, KUBERNETES)}
"""By type."""
