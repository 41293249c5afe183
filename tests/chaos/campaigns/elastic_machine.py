"""Documents, indices and aliases of the Elasticsearch stand-in against a dictionary, with crashes and lost replies."""

from __future__ import annotations

from elastic_transport import ConnectionError as NoReply
from elasticsearch import ApiError, Elasticsearch, NotFoundError
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from sandbox import announced
from tests.chaos.campaigns.machine import Machine

_INDICES = st.sampled_from(["red", "blue"])
_IDS = st.sampled_from(["a", "b", "c"])
_VALUES = st.integers(0, 5)


class ElasticMachine(Machine):
    """The model: documents by id by index, and the indices behind the one alias."""

    errors = (ApiError, NoReply)

    def __init__(self):
        super().__init__()
        self.indices, self.alias = {}, set()
        self.connect()

    def connect(self):
        environment = announced.environment(self.world.state)
        key = environment.get("ELASTIC_API_KEY")
        self.client = Elasticsearch(environment["ELASTIC_URL"], api_key=key, max_retries=0)

    def disconnect(self):
        self.client.close()

    def is_refusal(self, error):
        return isinstance(error, ApiError) and error.status_code in (400, 404)

    @initialize(documents=st.dictionaries(_IDS, _VALUES, min_size=1))
    def begin_with_documents(self, documents):
        """Without it, most sequences would not get beyond an index that does not exist."""
        for id_, value in documents.items():
            self.client.index(index="red", id=id_, document={"value": value})
        self.indices["red"] = documents

    @rule(index=_INDICES, how=Machine.HOW)
    def create(self, index, how):
        if self.disturbed("indices.create", how, lambda: self.client.indices.create(index=index)):
            assert index not in self.indices
            self.indices[index] = {}

    @rule(index=_INDICES, how=Machine.HOW)
    def delete(self, index, how):
        if self.disturbed("indices.delete", how, lambda: self.client.indices.delete(index=index)):
            del self.indices[index]
            self.alias.discard(index)

    @precondition(lambda self: self.indices)
    @rule(data=st.data(), id_=_IDS, value=_VALUES, how=Machine.HOW)
    def store(self, data, id_, value, how):
        index = data.draw(st.sampled_from(sorted(self.indices)))
        if self.disturbed(
            "index", how, lambda: self.client.index(index=index, id=id_, document={"value": value})
        ):
            self.indices[index][id_] = value

    @precondition(lambda self: any(self.indices.values()))
    @rule(data=st.data(), how=Machine.HOW)
    def remove(self, data, how):
        stored = sorted((index, id_) for index, documents in self.indices.items() for id_ in documents)
        index, id_ = data.draw(st.sampled_from(stored))
        if self.disturbed("delete", how, lambda: self.client.delete(index=index, id=id_)):
            del self.indices[index][id_]

    @rule(index=_INDICES, how=Machine.HOW)
    def point_alias(self, index, how):
        """Move the alias at once, as a rollout does."""
        actions = [{"remove": {"index": old, "alias": "live"}} for old in self.alias if old != index]
        actions.append({"add": {"index": index, "alias": "live"}})
        if self.disturbed(
            "indices.update_aliases", how, lambda: self.client.indices.update_aliases(actions=actions)
        ):
            self.alias = {index}

    @invariant()
    def everything_is_that_of_the_model(self):
        assert set(self.client.indices.get(index="*").body) == set(self.indices)
        for index, documents in self.indices.items():
            self.client.indices.refresh(index=index)
            hits = self.client.search(index=index, size=10)["hits"]["hits"]
            assert {hit["_id"]: hit["_source"]["value"] for hit in hits} == documents
        try:
            pointed = set(self.client.indices.get_alias(name="live").body)
        except NotFoundError:
            pointed = set()
        assert pointed == self.alias
