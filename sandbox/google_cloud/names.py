"""Names and references of Compute Engine's resources: accepted as URLs and as paths, with the project's id or number."""

from __future__ import annotations

import re

from sandbox.google_cloud import errors
from sandbox.google_cloud.project import PROJECT, PROJECT_NUMBER

BASE = "https://www.googleapis.com/compute/v1/"
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_REFERENCE = re.compile(
    rf"(?:{re.escape(BASE)}|https://compute.googleapis.com/compute/v1/)?(?:projects/([^/]+)/)?((?:global|regions/[^/]+)/.+)"
)


def check_project(project: str) -> None:
    """Refuse another project.

    Raises:
        Refusal: forbidden.
    """
    if project not in (PROJECT, PROJECT_NUMBER):
        raise errors.OTHER_PROJECT.refusal(project=project, known=f"{PROJECT} ({PROJECT_NUMBER})")


def check_name(name: object) -> str:
    """A resource's name, by RFC 1035.

    Raises:
        Refusal: it is none.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problem = f"Must be a match of regex '{_NAME.pattern}'"
        raise errors.INVALID.refusal(field="resource.name", value=name, problem=problem)
    return name


def path_of(reference: object, field: str) -> str:
    """The path below the project that a reference names: `global/networks/products`.

    Raises:
        Refusal: it is malformed, or of another project.
    """
    found = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    if found is None:
        problem = "The URL is malformed."
        raise errors.INVALID.refusal(field=field, value=reference, problem=problem)
    if found[1]:
        check_project(found[1])
    return found[2]


def full(path: str) -> str:
    """A resource's name with its project: `projects/sandbox-project/global/networks/products`."""
    return f"projects/{PROJECT}/{path}"


def url(path: str) -> str:
    """A resource's URL."""
    return BASE + full(path)
