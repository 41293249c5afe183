"""One embedding from its source to its new index, for the tests of a reindex and of its repair."""

import json

from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.deployments import ensure_deployment, remove_deployment, wait_for_deployment
from tasks.elastic.data.documents import DocumentSource, read_checked_documents
from tasks.elastic.indices.indices import ensure_index, ensure_index_settings, remove_index
from tasks.elastic.indices.loading import apply_documents
from tasks.elastic.indices.pipelines import (
    FAILURE_FIELD,
    ensure_pipeline,
    inference_pipeline,
    remove_pipeline,
)
from tasks.elastic.indices.sources import read_source
from tasks.elastic.reindex.batch_plans import BatchPlan, ReindexSpec
from tasks.elastic.reindex.reindex import apply_reindex
from tasks.elastic.reindex.repair import apply_repair
from tasks.elastic.specs import DeploymentSpec, EmbeddedField, IndexSpec, embedded_properties
from tasks.elastic.verification.verification import verify_completeness
from tasks.waiting import Deadline

GLOSS = EmbeddedField(input="gloss", output="gloss_embedding")
FIELDS = (GLOSS,)
FAST = BatchPlan(size=50, slices=1, per_second=100.0, lowered=())


class Embedding:
    """A source, a deployment without a cache, a pipeline and a new index, all of one test."""

    def __init__(self, settings, name, folder):
        self.settings, self.name, self.folder = settings, name, folder
        self.deadline = Deadline.after(seconds=120)
        self.spec = ReindexSpec(
            source=f"{name}-source", dest=f"{name}-dest", pipeline=name, deployment_id=name, fields=FIELDS
        )

    def build(self, rows, *, queue=1024, allocations=2, properties=None):
        deployment = DeploymentSpec(
            id=self.name, allocations=allocations, queue_capacity=queue, cache_size="0b"
        )
        ensure_deployment.fn(self.settings, deployment, self.deadline)
        wait_for_deployment.fn(self.settings, deployment, self.deadline)
        ensure_pipeline.fn(self.settings, inference_pipeline(self.name, self.name, FIELDS))
        path = self.folder / "documents.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows))
        documents = read_checked_documents.fn(DocumentSource(path=path, id_field="id"))
        source = IndexSpec(name=self.spec.source, replicas=0)
        ensure_index.fn(self.settings, source)
        apply_documents.fn(
            self.settings, source.name, documents, self.deadline, refused_file=self.folder / "refused"
        )
        ensure_index_settings.fn(self.settings, source)
        mapping = {**embedded_properties(FIELDS, failure=FAILURE_FIELD), **(properties or {})}
        ensure_index.fn(
            self.settings,
            IndexSpec(
                name=self.spec.dest,
                properties=mapping,
                replicas=0,
                made_from={"source": source.name, "pipeline": self.name},
            ),
        )
        return self

    def reindex(self, plan=FAST):
        return apply_reindex.fn(self.settings, self.spec, plan, self.deadline)

    def repair(self, plan=FAST):
        return apply_repair.fn(self.settings, self.spec, plan, self.deadline)

    def is_complete(self):
        wanted = read_source.fn(self.settings, self.spec.source).documents
        return verify_completeness.fn(self.settings, self.spec.dest, FIELDS, wanted=wanted)

    @property
    def inferences(self):
        return read_deployment.fn(self.settings, self.name).inferences

    def remove(self):
        remove_index.fn(self.settings, self.spec.dest)
        remove_index.fn(self.settings, self.spec.source)
        remove_pipeline.fn(self.settings, self.name)
        remove_deployment.fn(self.settings, self.name, self.deadline)
