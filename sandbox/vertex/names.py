"""Resource names: accepted with the project's id or number, returned with the number, as the service does."""

from __future__ import annotations

import re
import secrets

from sandbox.google_cloud.project import PROJECT, PROJECT_NUMBER
from sandbox.vertex import errors

_PARENT = re.compile(r"projects/(?P<project>[^/]+)/locations/(?P<location>[a-z0-9-]+)")
_PROJECT = re.compile(r"projects/(?P<project>[^/]+)")
_ENDINGS = {
    "Index": "indexes",
    "IndexEndpoint": "indexEndpoints",
    "Collection": "collections",
    "CollectionIndex": "collections/*/indexes",
    "DataObject": "collections/*/dataObjects",
}


def parent(name: str) -> str:
    """The canonical `projects/NUMBER/locations/LOCATION` of a parent.

    Raises:
        Refusal: the name is malformed or of another project.
    """
    return _canonical(name, _PARENT, "projects/PROJECT/locations/LOCATION")


def project(name: str) -> str:
    """The canonical `projects/NUMBER` of a project.

    Raises:
        Refusal: the name is malformed or of another project.
    """
    return _canonical(name, _PROJECT, "projects/PROJECT")


def resource(kind: str, name: str) -> str:
    """The canonical name of a resource of this kind; `CollectionIndex` is an Index of Vector Search 2.0.

    Raises:
        Refusal: the name is malformed or of another project.
    """
    collection = _ENDINGS[kind]
    pattern = re.compile(_PARENT.pattern + "/" + collection.replace("*", "[^/]+") + "/[^/]+")
    return _canonical(name, pattern, f"projects/PROJECT/locations/LOCATION/{collection}/ID")


def location(canonical: str) -> str:
    """The parent of all that is in the same location."""
    return "/".join(canonical.split("/")[:4])


def any_resource(name: str) -> str:
    """The canonical form of a location, a resource or an operation, unchecked beyond its project."""
    pattern = re.compile(_PARENT.pattern + r"(/.*)?")
    return _canonical(name, pattern, "projects/PROJECT/locations/LOCATION/...")


def new_id() -> str:
    """A resource or operation id as the service makes them: 19 digits."""
    return str(10**18 + secrets.randbelow(9 * 10**18))


def _canonical(name: str, pattern: re.Pattern[str], form: str) -> str:
    found = pattern.fullmatch(name)
    if not found:
        raise errors.MALFORMED_NAME.refusal(name=name, form=form)
    if found["project"] not in (PROJECT, PROJECT_NUMBER):
        raise errors.OTHER_PROJECT.refusal(project=found["project"], known=f"{PROJECT} ({PROJECT_NUMBER})")
    return f"projects/{PROJECT_NUMBER}" + name[len(f"projects/{found['project']}") :]
