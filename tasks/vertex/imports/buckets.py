"""The bucket that holds the import files: regional, in the index's own region.

Of its content only whether it is empty is looked at, and only a bucket that we created is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.api_core import exceptions as google
from google.cloud.storage import Bucket

from tasks.calls import ServiceUnwell
from tasks.errors import CannotChangeInPlace, InvalidInput
from tasks.marks import MANAGED_BY
from tasks.outcomes import Ensured
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.connection.clients import connect
from tasks.vertex.connection.errors import SERVICE, calling
from tasks.vertex.settings import VertexSettings

STORAGE_CALL: Mapping[str, Any] = {"timeout": 60, "retry": None}
"""Of every call to Cloud Storage: the seconds that it, or a silence within a transfer, may take, and no retries of the client's own.
It would retry for two minutes without a word; the steps retry, and say so.
"""


@step("ensure bucket")
def ensure_bucket(settings: VertexSettings) -> Ensured[str]:
    """A bucket in the index's region, made and labelled when there is none. Returns its name.

    Raises:
        CannotChangeInPlace: it is in another region, or in several.
        InvalidInput: it exists, but not for these credentials, or it is another project's.
    """
    there = find_bucket(settings)
    check_region(settings, there or _make(settings))
    return Ensured(settings.bucket_name, "nothing" if there else "created")


@step("remove bucket")
def remove_bucket(settings: VertexSettings) -> tuple[str, ...]:
    """Remove the bucket if it is ours and empty. Otherwise it stays, and the log says why.

    Returns:
        Its name, or nothing when it stays or was not there.
    """
    bucket = find_bucket(settings)
    if bucket is None:
        return ()
    if not _is_ours(bucket):
        say(f"The bucket {bucket.name} stays: it does not have our label managed_by={MANAGED_BY}.")
        return ()
    if not _is_empty(bucket):
        say(f"The bucket {bucket.name} stays: it still holds files.")
        return ()
    with calling(f"remove bucket {bucket.name}"):
        try:
            bucket.delete(**STORAGE_CALL)
        except google.NotFound:
            return ()
        except (google.Conflict, google.PreconditionFailed):
            say(f"The bucket {bucket.name} stays: somebody wrote to it in the meantime.")
            return ()
    return (settings.bucket_name,)


def is_left_over(settings: VertexSettings) -> bool:
    """Whether the bucket is ours and empty, as after a removal that was interrupted. No if these credentials cannot see it."""
    try:
        bucket = find_bucket(settings)
    except InvalidInput:
        return False
    return bucket is not None and _is_ours(bucket) and _is_empty(bucket)


def _is_ours(bucket: Bucket) -> bool:
    return bucket.labels.get("managed_by") == MANAGED_BY


def _is_empty(bucket: Bucket) -> bool:
    with calling(f"list bucket {bucket.name}"):
        return not any(True for _ in bucket.list_blobs(max_results=1, **STORAGE_CALL))


def check_region(settings: VertexSettings, bucket: Bucket) -> None:
    """See that a bucket lies in the settings' region and in no other.

    Raises:
        CannotChangeInPlace: it does not.
    """
    wanted, there = settings.location.upper(), str(bucket.location).upper()
    if there != wanted:
        kind = "" if bucket.location_type in (None, "region") else f" ({bucket.location_type})"
        raise CannotChangeInPlace(
            "bucket",
            settings.bucket_name,
            field="location",
            there=there + kind,
            wanted=wanted,
            remedy="Vertex AI imports only from a bucket in the index's own region: set VERTEX_BUCKET to another name.",
        )


@step("read the bucket")
def read_bucket(settings: VertexSettings) -> Bucket | None:
    """As `find_bucket`, and tried again."""
    return find_bucket(settings)


def find_bucket(settings: VertexSettings) -> Bucket | None:
    """The bucket of these settings, or None when there is none.

    Names are global, so anybody can guess a derived name and create that bucket: such a bucket must belong to the project.
    One that VERTEX_BUCKET names is the user's choice.

    Raises:
        InvalidInput: it exists, but not for these credentials, or it is another project's.
    """
    name = settings.bucket_name
    with calling(f"read bucket {name}"):
        storage = connect(settings).storage
        try:
            bucket = storage.get_bucket(name, **STORAGE_CALL)
            if not settings.bucket:
                own = storage.list_buckets(project=settings.project, prefix=name, **STORAGE_CALL)
                if name not in (one.name for one in own):
                    raise _not_accessible(name, f"does not belong to the project {settings.project}")
        except google.NotFound:
            return None
        except google.Forbidden as error:
            raise _not_accessible(name, "is not accessible with these credentials") from error
    return bucket


def _not_accessible(name: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"The bucket {why}",
        value=name,
        source="VERTEX_BUCKET, or derived from project and location",
        remedy="Bucket names are global, so it may belong to somebody else: set VERTEX_BUCKET to a name of your own, or ask for "
        "the role roles/storage.admin on the project.",
    )


def _make(settings: VertexSettings) -> Bucket:
    name = settings.bucket_name
    bucket = connect(settings).storage.bucket(name)
    bucket.labels = {"managed_by": MANAGED_BY}
    bucket.iam_configuration.uniform_bucket_level_access_enabled = True
    with calling(f"create bucket {name}"):
        try:
            bucket.create(location=settings.location, **STORAGE_CALL)
        except google.Conflict:
            say(f"The bucket {name} was created by somebody else in the meantime.")
    made = find_bucket(settings)
    if made is None:
        raise ServiceUnwell(
            f"create bucket {name}",
            service=SERVICE,
            status="NOT_FOUND",
            said="it does not exist after its creation",
        )
    return made
