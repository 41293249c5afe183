"""The user's key that encrypts an index and its endpoint. It is chosen when they are created and never changes."""

from __future__ import annotations

from google.cloud.aiplatform_v1 import EncryptionSpec

from tasks.errors import CannotChangeInPlace

_GOOGLES = "none, but Google's own key"


def encryption(kms_key: str | None) -> EncryptionSpec | None:
    """The part of a resource that names its key."""
    return EncryptionSpec(kms_key_name=kms_key) if kms_key else None


def refuse_other_key(kind: str, name: str, there: str, wanted: str | None, *, remedy: str) -> None:
    """See that what is there is encrypted by the key that is wanted.

    Raises:
        CannotChangeInPlace: it is not.
    """
    if there != (wanted or ""):
        raise CannotChangeInPlace(
            kind, name, field="kms_key", there=there or _GOOGLES, wanted=wanted or _GOOGLES, remedy=remedy
        )
