"""The models that Elastic packages, which a cluster downloads by name: ELSER, E5 and a reranker, and which model answers for each here.

A model's prefixes are those of its config (`prefix_strings`): they stand in front of every text that is stored or looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.elastic.ml.relevance import relevance
from sandbox.models.e5 import Purpose, load_e5
from sandbox.models.embedding import Embedding
from sandbox.models.splade import FILES, load_splade

TaskType = Literal["sparse_embedding", "text_embedding", "rerank"]
TYPE_OF_TASK: dict[str, TaskType] = {
    "text_expansion": "sparse_embedding",
    "text_embedding": "text_embedding",
    "text_similarity": "rerank",
}
"""By the task in a model's `inference_config`: what endpoints call it."""
RERANKER = ".rerank-v1"
_SPARSE_SHA256 = next(iter(FILES.values()))
"""Of the model that answers here: the real package's hash is not known."""
_TOKENIZATION = {"with_special_tokens": True, "max_sequence_length": 512, "truncate": "first", "span": -1}
_QUERY, _PASSAGE = "query: ", "passage: "
DIMENSIONS = 384
"""Of the vectors that every dense model answers here."""


@dataclass(frozen=True)
class Package:
    """One packaged model."""

    id: str
    size: int
    """Of the definition, in bytes."""
    sha256: str
    description: str
    task_type: TaskType
    platform: str = ""
    """`platform_architecture`; empty for one that runs everywhere."""

    @property
    def is_elser(self) -> bool:
        """Whether it is a generation of ELSER."""
        return self.task_type == "sparse_embedding"

    @property
    def prefixes(self) -> dict[str, str]:
        """`prefix_strings`: what stands in front of texts that are stored (`ingest`) and looked for (`search`)."""
        return {"ingest": _PASSAGE, "search": _QUERY} if self.task_type == "text_embedding" else {}

    def config(self) -> dict[str, Any]:
        """What its config has beside that of every model."""
        name = self.id.removeprefix(".")
        package = {
            "packaged_model_id": name,
            "model_repository": "https://ml-models.elastic.co",
            "minimum_version": "11.0.0" if self.is_elser else "12.0.0",
            "size": self.size,
            "sha256": self.sha256,
            "metadata": {},
            "tags": [],
            "vocabulary_file": f"{name.removesuffix('_linux-x86_64')}.vocab.json",
        }
        shown: dict[str, Any] = {"model_package": package, "description": self.description}
        if self.platform:
            shown["platform_architecture"] = self.platform
        return shown | ({"prefix_strings": self.prefixes} if self.prefixes else {})

    def inference_config(self, weights: str) -> dict[str, Any]:
        """Its `inference_config`; the vocabulary is in the index `weights`."""
        vocabulary = {"vocabulary": {"index": weights}}
        if self.is_elser:
            bert = {"do_lower_case": True, **_TOKENIZATION}
            return {"text_expansion": {**vocabulary, "tokenization": {"bert": bert}}}
        if self.task_type == "rerank":
            deberta = {"do_lower_case": False, **_TOKENIZATION, "truncate": "balanced"}
            return {"text_similarity": {**vocabulary, "tokenization": {"deberta_v2": deberta}}}
        roberta = {"do_lower_case": False, **_TOKENIZATION}
        return {
            "text_embedding": {
                **vocabulary,
                "tokenization": {"xlm_roberta": roberta},
                "embedding_size": DIMENSIONS,
            }
        }


PACKAGES = {
    package.id: package
    for package in (
        Package(  # its size and hash are not known: the size is that of its successor
            ".elser_model_1",
            438123914,
            "0" * 64,
            "Elastic Learned Sparse EncodeR v1 (Tech Preview)",
            "sparse_embedding",
        ),
        Package(
            ".elser_model_2",
            438123914,
            "2e0450a1c598221a919917cbb05d8672aed6c613c028008fedcd696462c81af0",
            "Elastic Learned Sparse EncodeR v2",
            "sparse_embedding",
        ),
        Package(
            ".elser_model_2_linux-x86_64",
            274756282,
            _SPARSE_SHA256,
            "Elastic Learned Sparse EncodeR v2, optimized for linux-x86_64",
            "sparse_embedding",
            "linux-x86_64",
        ),
        # Sizes and hashes of E5's packages are not known: these are about the sizes of its weights.
        Package(".multilingual-e5-small", 470_000_000, "0" * 64, "E5 small multilingual", "text_embedding"),
        Package(
            ".multilingual-e5-small_linux-x86_64",
            120_000_000,
            "0" * 64,
            "E5 small multilingual, optimized for linux-x86_64",
            "text_embedding",
            "linux-x86_64",
        ),
        # Neither is known of this one: 184 million parameters in 4 bytes each.
        Package(RERANKER, 736_000_000, "0" * 64, "Elastic Rerank v1", "rerank"),
    )
}
"""By id."""


def load(task_type: TaskType) -> None:
    """Load what answers for models of a task.

    Raises:
        ModelMissing: it cannot run here.
    """
    load_splade() if task_type == "sparse_embedding" else load_e5()


def embed(task_type: TaskType, texts: Sequence[str]) -> list[Embedding]:
    """The answers for texts with the model's prefix, of a reranker for pairs; E5 reads a text without a prefix as a passage.

    Raises:
        ModelMissing: it cannot run here.
    """
    if task_type == "sparse_embedding":
        return load_splade().embed(texts)
    if task_type == "rerank":
        return relevance(texts)
    found: dict[int, Embedding] = {}
    queries = [number for number, text in enumerate(texts) if text.startswith(_QUERY)]
    passages = [number for number, text in enumerate(texts) if not text.startswith(_QUERY)]
    halves: tuple[tuple[str, Purpose, list[int]], ...] = (
        (_QUERY, "query", queries),
        (_PASSAGE, "passage", passages),
    )
    for prefix, purpose, mine in halves:
        answers = load_e5().answers([texts[number].removeprefix(prefix) for number in mine], purpose)
        found |= dict(zip(mine, answers, strict=True))
    return [found[number] for number in range(len(texts))]
