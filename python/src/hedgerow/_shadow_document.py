"""What shadows are made of, and what becomes of them, as Python has it."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from ._errors import ProtocolError
from ._shadow_errors import InvalidShadowError
from ._wire import moment
from .shadow.v1 import shadow_pb2

__all__ = [
    "KEEP",
    "Keep",
    "ShadowDocument",
    "ShadowEvent",
    "ShadowEventKind",
    "ShadowUpdate",
    "update_text",
    "wire_kind",
]

ShadowEventKind = Literal["current", "accepted", "rejected", "delta", "documents", "deleted", "skipped"]
"""Kinds of events, named as the reserved topics are."""

_PREFIX: Final = "SHADOW_EVENT_KIND_"


class Keep(enum.Enum):
    """The type of :data:`KEEP`."""

    KEEP = "KEEP"
    """The section stays as it is."""


KEEP: Final = Keep.KEEP
"""Leaves a section of a shadow as it is, as against None, which removes it."""

Section = Mapping[str, Any] | None | Keep
"""What to change of a section."""


@dataclass(frozen=True, slots=True)
class ShadowDocument:
    """A shadow as it was when it was read. The values are those of JSON: dict, list, str, int, float, bool."""

    thing: str
    """Name of the thing."""
    name: str
    """Name of the shadow; empty for the classic one."""
    version: int
    """Its version."""
    desired: dict[str, Any]
    """What the thing is to be; empty where nothing is desired."""
    reported: dict[str, Any]
    """What the thing is; empty where nothing was reported."""
    delta: dict[str, Any]
    """What is desired and not reported so; empty where nothing differs."""
    metadata: dict[str, Any]
    """``{"desired": …, "reported": …}``: when each leaf was changed, ``{"timestamp": SECONDS}``."""
    update_time: datetime
    """When it was changed last (UTC)."""

    @classmethod
    def from_wire(cls, thing: str, name: str, response: shadow_pb2.GetShadowResponse) -> ShadowDocument:
        """Reads the answer as the protocol has it."""
        document = parsed(response.document)
        state = _members(document, "state")
        return cls(
            thing=thing,
            name=name,
            version=response.version,
            desired=_members(state, "desired"),
            reported=_members(state, "reported"),
            delta=_members(state, "delta"),
            metadata=_members(document, "metadata"),
            update_time=moment(response.update_time),
        )


@dataclass(frozen=True, slots=True)
class ShadowUpdate:
    """An update that was accepted, and is on the disk."""

    version: int
    """The version that the shadow has now."""
    delta: dict[str, Any]
    """What is desired and not reported so now; empty where nothing differs."""

    @classmethod
    def from_wire(cls, response: shadow_pb2.UpdateShadowResponse) -> ShadowUpdate:
        """Reads the answer as the protocol has it."""
        delta = _members(parsed(response.delta), "state") if response.delta else {}
        return cls(version=response.version, delta=delta)


@dataclass(frozen=True, slots=True)
class ShadowEvent:
    """Something that happened to a shadow."""

    thing: str
    """Name of the thing."""
    name: str
    """Name of the shadow; empty for the classic one."""
    kind: ShadowEventKind
    """What it is. ``current`` is the document as it is, at the beginning and after ``skipped``: events that are not
    kept any more."""
    version: int
    """The version of the shadow after it; 0 for ``rejected``."""
    document: dict[str, Any]
    """The document of the kind, as on the reserved topic of its name."""
    position: str
    """Names the event: a watch with ``after`` goes on behind it. Empty for ``rejected``."""

    @property
    def state(self) -> dict[str, Any]:
        """The sections that the document has; with ``delta`` what differs, with ``documents`` the newer ones."""
        document = _members(self.document, "current") if self.kind == "documents" else self.document
        return _members(document, "state")

    @property
    def delta(self) -> dict[str, Any]:
        """What was desired and not reported so then, of ``delta`` and ``current``; empty where nothing differed."""
        return self.state if self.kind == "delta" else _members(self.state, "delta") if self.kind == "current" else {}

    @classmethod
    def from_wire(cls, response: shadow_pb2.WatchShadowResponse) -> ShadowEvent | None:
        """Reads a response as the protocol has it; None for a kind that this package is too old for."""
        value = shadow_pb2.ShadowEventKind.DESCRIPTOR.values_by_number.get(response.kind)
        kind: Any = value.name.removeprefix(_PREFIX).lower() if value is not None else ""
        if kind not in get_args(ShadowEventKind):
            return None
        document = parsed(response.document) if response.document else {}
        return cls(
            thing=response.thing,
            name=response.name,
            kind=kind,
            version=response.version,
            document=document,
            position=response.position,
        )


def wire_kind(kind: ShadowEventKind) -> str:
    """A kind as the protocol has it.

    :raises InvalidShadowError: There is no such kind.
    """
    if kind not in get_args(ShadowEventKind):
        names = ", ".join(get_args(ShadowEventKind))
        raise InvalidShadowError(f"{kind!r} is no kind of event of a shadow; there are {names}.")
    return _PREFIX + kind.upper()


def update_text(desired: Section, reported: Section, version: int | None, client_token: str) -> str:
    """The document of an update.

    :raises InvalidShadowError: A value is none of JSON's.
    """
    sections = (("desired", desired), ("reported", reported))
    document: dict[str, Any] = {"state": {name: value for name, value in sections if value is not KEEP}}
    if version is not None:
        document["version"] = version
    if client_token:
        document["clientToken"] = client_token
    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidShadowError(
            f"The state is no JSON: {error}. Give numbers, texts, truth values, None, lists and dicts of them."
        ) from error


def parsed(text: str) -> dict[str, Any]:
    """A document as Python has it.

    :raises ProtocolError: It is none.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"The server sent a shadow's document that is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ProtocolError("The server sent a shadow's document that is no JSON object.")
    return document


def _members(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}
