"""What happens to a thing's connection and messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = [
    "Acknowledged",
    "CertificateRenewed",
    "ClockDoubtful",
    "Connected",
    "Disconnected",
    "Discovered",
    "Dropped",
    "Event",
    "EventHandler",
    "Identified",
    "Missed",
    "Paused",
    "Problem",
    "Rejected",
]


@dataclass(frozen=True, slots=True)
class Identified:
    """The thing has an identity."""

    name: str
    """Its name."""
    enrolled_now: bool
    """Whether it was enrolled just now."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """It is known where to go."""

    addresses: int
    """How many addresses."""
    fresh: bool
    """False where the answer came from the disk."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A server took the session."""

    core: str
    """Name of the core, ``cloud`` for a direct thing."""
    address: str
    """``HOST:PORT``."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The session, or an attempt at one, ended. It is tried again."""

    core: str
    """Name of the core, ``cloud`` for a direct thing."""
    reason: str
    """Why, for people."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A server has these sequences for good."""

    epoch: str
    """Epoch of this process, hexadecimal."""
    first_sequence: int
    """The first one."""
    last_sequence: int
    """The last one, inclusive."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A server refused messages for ever."""

    first_sequence: int
    """The first one, 0 for QoS 0."""
    last_sequence: int
    """The last one, inclusive, 0 for QoS 0."""
    reason: str
    """Why, for programs; see docs/reference/errors.md."""
    detail: str
    """Why and what to do, for people."""


@dataclass(frozen=True, slots=True)
class Paused:
    """A server takes nothing more for now; it goes on by itself."""

    reason: str
    """Why, for programs."""
    retry_after: float | None
    """Seconds until it looks again, where it said so."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Messages were dropped: the oldest of a full buffer, or QoS 0 without a connection."""

    count: int
    """How many."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Messages for this thing fell out of a server's queue before they could be delivered."""

    count: int
    """How many."""


@dataclass(frozen=True, slots=True)
class ClockDoubtful:
    """The server's clock and ours differ so much that sample times are marked doubtful."""

    difference: float
    """Ours minus theirs, in seconds."""


@dataclass(frozen=True, slots=True)
class CertificateRenewed:
    """The certificate was renewed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something failed that is tried again by itself."""

    message: str
    """What, for people."""


Event = (
    Identified
    | Discovered
    | Connected
    | Disconnected
    | Acknowledged
    | Rejected
    | Paused
    | Dropped
    | Missed
    | ClockDoubtful
    | CertificateRenewed
    | Problem
)
"""Any of them."""

EventHandler = Callable[[Event], None]
"""Called on the thread where it happens: returns quickly, and neither waits nor publishes."""
