"""The engines that hold passages by dense embeddings alone, each as tests look at it."""

from __future__ import annotations

from collections import Counter

from sandbox import write_log
from sandbox.model_server.options import ModelServerOptions
from tasks.databricks.endpoints import own_endpoint
from tasks.databricks.passages.specs import DESCRIPTION
from tasks.databricks.specs import index_name, version_of
from tasks.vertex.imports.passage_files import list_files, read_file, write_file
from tasks.vertex.operations.adoption import list_ours
from tasks.vertex.passages.reading import read_descriptions, read_knowledge_base, read_texts
from tasks.vertex.passages.specs import text_file
from tasks.vertex.passages.writing import read_vectors
from tasks.vertex.queries.queries import read_datapoints
from tasks.vertex.resources.indexes import INDEXES, by_version
from tests.flows.databricks.conftest import DatabricksStandIn
from tests.flows.vertex.conftest import VertexStandIn


def embedded_texts(service):
    """How often the model server embedded each text, by its hash."""
    paid = (write for write in write_log.read(service.state) if write.method == "CreateEmbedding")
    return Counter(text for write in paid for text in write.resource.split())


class OnDatabricks(DatabricksStandIn):
    """Databricks and the model server in one sandbox."""

    beside = (ModelServerOptions(),)
    engine = "databricks"

    def served(self, name):
        """The version that is searched."""
        return own_endpoint(self.settings, name).serves

    def versions(self, name):
        """The versions that are there."""
        if not self.endpoint(name):
            return set()
        there = self.clients.indexes.list_indexes(name)
        return {version_of(each.name, self.settings.catalog_schema, name) for each in there}

    def passages(self, name, version=None):
        """The passages of a version, by id; of the served one by default."""
        found = self.rows_of(name, version or self.served(name))
        return {id_: row for id_, row in found.items() if id_ != DESCRIPTION}

    def arrived(self, name):
        """How many passages the one version holds."""
        online = [version for version in self.versions(name) if self._answers(name, version)]
        return sum(len(self.passages(name, version)) for version in online)

    def lose(self, name, id_):
        """Remove one passage from what is served."""
        full_name = index_name(self.settings.catalog_schema, name, self.served(name))
        self.clients.indexes.delete_data_vector_index(full_name, [id_])

    def rows_of(self, name, version):
        return self.rows(f"{name}_{version}")

    def _answers(self, name, version):
        status = self.clients.indexes.get_index(
            index_name(self.settings.catalog_schema, name, version)
        ).status
        return status.ready


class OnVertex(VertexStandIn):
    """Vertex AI and the model server in one sandbox."""

    beside = (ModelServerOptions(),)
    engine = "vertex"

    def served(self, name):
        """The version that is searched."""
        return read_knowledge_base.fn(self.settings, name).index

    def versions(self, name):
        """The versions that have an index."""
        contents = {one.content for one in by_version(list_ours(self.settings, INDEXES, name)).values()}
        described = read_descriptions.fn(self.settings, name)
        return {one.version for content, one in described.items() if content in contents}

    def passages(self, name, version=None):
        """The passages of a version, by id; of the served one by default, where the index must have them too."""
        texts = {
            chunk.id: {"document": chunk.document}
            for chunk in read_texts.fn(self.settings, name, version or self.served(name))
        }
        if version:
            return texts
        served = read_knowledge_base.fn(self.settings, name).handle
        there = {one.id for one in read_datapoints.fn(self.settings, served, sorted(texts))}
        return {id_: text for id_, text in texts.items() if id_ in there}

    def arrived(self, name):
        """How many embeddings the bucket has, of every version."""
        folders = {path.partition("/")[0] for path in list_files(self.settings, name)}
        return sum(len(read_vectors(self.settings, name, folder)) for folder in folders)

    def lose(self, name, id_):
        """Remove one passage from what is served."""
        base = read_knowledge_base.fn(self.settings, name)
        path = f"{base.index}/{text_file(id_, base.text_files)}"
        lines = read_file(self.settings, name, path).splitlines(keepends=True)
        write_file(self.settings, name, path, b"".join(line for line in lines if id_.encode() not in line))
