"""What differs between releases: one row for each that can be imitated. No other module compares version numbers.

From the elasticsearch-specification repository and the release notes, unless a field says "from memory".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """One release, and how it differs from its neighbors."""

    number: str
    lucene: str
    """Lucene's version, which is only shown; from memory except for 9.1."""
    wire: str
    """`minimum_wire_compatibility_version`."""
    reads: str
    """`minimum_index_compatibility_version`."""
    media_versions: tuple[int, ...]
    """Accepted values of `compatible-with`; others are refused with media_type_header_exception."""
    queue_capacity: int = 10_000
    """Default queue capacity of a deployment; 1024 before elasticsearch#115041 (late 2024)."""
    queue_capacity_limit: int = 100_000
    """Largest queue capacity; 1,000,000 before elasticsearch#115041."""
    excludes_source_vectors: bool = False
    """Whether new indices leave vectors out of `_source`, and requests can ask for them by `exclude_vectors` (since 9.2)."""
    prunes_by_default: bool = True
    """Whether `sparse_vector` queries prune on new indices (since 8.19 and 9.1)."""
    text_expansion_deprecated: bool = True
    """Whether text_expansion and weighted_tokens return a deprecation warning (since 8.15)."""
    sparse_vector_query: bool = True
    """Whether there is a `sparse_vector` query, and `exists` on such a field (since 8.15)."""
    sparse_vector_dots: bool = True
    """Whether token names may contain dots (since 8.16)."""
    multi_valued_sparse_vectors: bool = True
    """Whether a sparse_vector field accepts several values, of which the largest weight counts (since 8.15)."""
    aliases_say_errors: bool = True
    """Whether `POST /_aliases` answers `errors: false` too (since 8.16, from memory)."""
    adaptive_allocations: bool = True
    """Whether deployments accept `adaptive_allocations` (since 8.15)."""
    download_progress: bool = True
    """Whether the download task shows how many parts have arrived (since about 8.15)."""
    download_running_status: int = 408
    """Status of a start before the download has ended; 400 with an older text up to 8.13 (the release from memory)."""
    platform_variant: bool = True
    """Whether `_ml/info` says which variant of a packaged model fits the nodes (the release from memory)."""
    reindex_management: bool = False
    """Whether `GET /_reindex` and related calls exist (since 9.5)."""

    default_endpoints: bool = True
    """Whether every cluster has inference endpoints for ELSER and E5, deployed at their first use (since 8.16)."""
    chunking_settings: bool = True
    """Whether endpoints have `chunking_settings` (since 8.16)."""
    inference_update: bool = True
    """Whether an endpoint can be updated (since 8.17)."""
    semantic_text: bool = True
    """Whether there are `semantic_text` fields and `semantic` queries (since 8.15)."""
    newer_semantic_text: bool = True
    """Whether documents keep the plain text of semantic_text fields, on which match, knn and sparse_vector queries and highlights work
    (since 8.18). Before, there is the legacy format only: the text becomes an object with its embeddings."""
    legacy_semantic_text: bool = True
    """Whether a new index may choose the legacy format by a setting (not since elasticsearch#146211, April 2026)."""
    semantic_text_options: bool = True
    """Whether the mapping of a semantic_text field takes `chunking_settings` and `index_options` (since 8.19 and 9.1)."""
    retrievers: tuple[str, ...] = ("standard", "knn", "rrf", "linear")
    """The retrievers that are imitated: standard, knn and rrf since 8.14, linear since 8.18."""
    weighted_rrf: bool = False
    """Whether a retriever of rrf may have a weight (since 9.2, from memory)."""

    @property
    def major(self) -> int:
        """8 or 9."""
        return int(self.number.split(".")[0])


_RELEASES = {
    "8.13": Release(
        "8.13.4",
        lucene="9.10.0",
        wire="7.17.0",
        reads="7.0.0",
        media_versions=(7, 8),
        queue_capacity=1024,
        queue_capacity_limit=1_000_000,
        prunes_by_default=False,
        text_expansion_deprecated=False,
        sparse_vector_query=False,
        sparse_vector_dots=False,
        multi_valued_sparse_vectors=False,
        aliases_say_errors=False,
        adaptive_allocations=False,
        download_progress=False,
        download_running_status=400,
        platform_variant=False,
        default_endpoints=False,
        chunking_settings=False,
        inference_update=False,
        semantic_text=False,
        newer_semantic_text=False,
        legacy_semantic_text=False,
        semantic_text_options=False,
        retrievers=(),
    ),
    "8.17": Release(
        "8.17.4",
        lucene="9.12.0",
        wire="7.17.0",
        reads="7.0.0",
        media_versions=(7, 8),
        prunes_by_default=False,
        newer_semantic_text=False,
        legacy_semantic_text=False,
        semantic_text_options=False,
        retrievers=("standard", "knn", "rrf"),
    ),
    "8.19": Release("8.19.3", lucene="9.12.2", wire="7.17.0", reads="7.0.0", media_versions=(7, 8)),
    "9.1": Release("9.1.0", lucene="10.2.2", wire="8.19.0", reads="8.0.0", media_versions=(8, 9)),
    "9.5": Release(
        "9.5.1",
        lucene="10.4.0",
        wire="8.19.0",
        reads="8.0.0",
        media_versions=(8, 9),
        excludes_source_vectors=True,
        reindex_management=True,
        legacy_semantic_text=False,
        weighted_rrf=True,
    ),
}


NEWEST = "9.5"
"""What Elastic Cloud Serverless has, which is always up to date."""


def release(version: str) -> Release:
    """The row of a version, named as in the options (`8.19`)."""
    return _RELEASES[version]


LEGACY_SEMANTIC_TEXT = "mapping.semantic_text.use_legacy_format"
_NEWER_SEMANTIC_TEXT_SINCE = 8_018_000


def has_legacy_semantic_text(settings: Mapping[str, str]) -> bool:
    """Whether an index has semantic_text in its legacy format: by its setting, or because a release before 8.18 created it."""
    created = int(settings.get("version.created", _NEWER_SEMANTIC_TEXT_SINCE))
    return settings.get(LEGACY_SEMANTIC_TEXT) == "true" or created < _NEWER_SEMANTIC_TEXT_SINCE
