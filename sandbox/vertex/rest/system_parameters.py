"""The query parameters that every method of every Google API has (https://cloud.google.com/apis/docs/system-parameters)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.vertex import errors

_WITHOUT_EFFECT = (
    "key",
    "quotaUser",
    "access_token",
    "oauth_token",
    "$.xgafv",
    "$userProject",
    "userProject",
)
_NOT_IMITATED = ("fields", "$fields", "callback", "$callback", "uploadType", "upload_protocol")
_JSON = ("json", "json;enum-encoding=int")


@dataclass
class SystemParameters:
    """Those of one request."""

    alt: str = "json"
    pretty: bool = True
    """Google's servers indent their answers unless they are told not to."""
    unknown: list[str] = field(default_factory=list)

    @classmethod
    def taken_from(cls, query: dict[str, list[str]]) -> SystemParameters:
        """Remove them from a query; what is left is the request's."""
        found = cls()
        for name in ("alt", "$alt"):
            found.alt = query.pop(name, [found.alt])[-1]
        for name in ("prettyPrint", "$prettyPrint"):
            found.pretty = query.pop(name, [str(found.pretty)])[-1].lower() != "false"
        for name in _WITHOUT_EFFECT:
            query.pop(name, None)
        found.unknown = [name for name in _NOT_IMITATED if query.pop(name, None) is not None]
        return found

    @property
    def enum_numbers(self) -> bool:
        """Whether enums are shown as numbers, as the official clients ask for."""
        return self.alt.endswith("int")

    def check(self) -> None:
        """Refuse what the stand-in would otherwise pass over in silence.

        Raises:
            Refusal: UNIMPLEMENTED, with the name.
        """
        if self.unknown:
            raise errors.NOT_IMITATED.refusal(what=f"the parameter {self.unknown[0]}")
        if self.alt not in _JSON:
            raise errors.NOT_IMITATED.refusal(what=f"answers in another form than JSON (alt={self.alt})")
