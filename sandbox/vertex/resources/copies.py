"""What the deployed copies of an index hold: what it held when they were deployed, and after an update what it holds now.

A copy follows its index some time after the update is done, and `index_sync_time` says how far it is (index_endpoint.proto,
DeployedIndex). Nobody waits for that: a copy whose time has come is seen to have followed when it is next looked at.
"""

from __future__ import annotations

import time

from google.cloud import aiplatform_v1 as v1

from sandbox.vertex.data.contents import Contents
from sandbox.vertex.store import Deployment, Resource, Store

DeployedIndex = v1.DeployedIndex.pb()


class Copies:
    """The generations of content that are deployed.

    Args:
        store: indexes and deployments.
        contents: the generations.
        seconds: how long after the end of an update the copies follow.
    """

    def __init__(self, store: Store, contents: Contents, seconds: float) -> None:
        self._store, self._contents, self._seconds = store, contents, seconds

    def replace(self, index: Resource, generation: int) -> None:
        """Give an index other content; its copies follow later."""
        copies = [self.caught_up(deployment) for deployment in self._of(index.name)]
        old, index.content = index.content, generation
        self._store.resources.put(index)
        for deployment in copies:
            deployment.content = self.generation(deployment, otherwise=old)
            deployment.coming, deployment.follows_at = generation, time.time() + self._seconds
            self._store.deployments.put(deployment)
        self._release(index.name, old)

    def take(self, deployment: Deployment) -> None:
        """Let a new copy hold what its index holds now."""
        index = self._store.resources.get(deployment.index)
        deployment.content = 0 if index is None else index.content

    def caught_up(self, deployment: Deployment) -> Deployment:
        """A copy as it is now."""
        if not deployment.follows_at or time.time() < deployment.follows_at:
            return deployment
        with self._store.transaction():
            current = self._store.deployments.get(deployment.id)
            if current is None or not current.follows_at:  # another thread was faster
                return current or deployment
            message = DeployedIndex.FromString(current.message)
            message.index_sync_time.FromNanoseconds(int(current.follows_at * 1e9))
            old, current.content, current.follows_at = current.content, current.coming, 0.0
            current.message = message.SerializeToString()
            self._store.deployments.put(current)
            self._release(current.index, old)
            return current

    def read_again(self, deployment: Deployment) -> Deployment:
        """A copy as it is now; as it was if it was undeployed meanwhile."""
        return self._store.deployments.get(deployment.id) or deployment

    def remove(self, deployment: Deployment) -> None:
        """Forget a copy that is undeployed, and what only it held."""
        self._store.deployments.delete(deployment.id)
        for generation in (deployment.content, deployment.coming):
            self._release(deployment.index, generation)

    def generation(self, deployment: Deployment, otherwise: int | None = None) -> int:
        """The generation that a copy holds; one from a folder of before copies had their own holds its index's."""
        if deployment.content >= 0:
            return deployment.content
        if otherwise is not None:
            return otherwise
        index = self._store.resources.get(deployment.index)
        return 0 if index is None else index.content

    def _of(self, index: str) -> list[Deployment]:
        return self._store.deployments.where('"index" = ? AND ready_at > 0', index)

    def _release(self, index: str, generation: int) -> None:
        """Discard a generation that neither the index nor a copy holds any longer, or is to hold."""
        copies, resource = self._of(index), self._store.resources.get(index)
        held = {self.generation(each) for each in copies} | {
            each.coming for each in copies if each.follows_at
        }
        if resource is not None and generation not in {*held, resource.content} and generation >= 0:
            self._contents.discard(index, generation)
