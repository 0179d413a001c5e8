"""Hedgerow from Python: publish readings so that they are stored exactly once, and read them back.

:class:`Thing` is for a program beside a sensor, :class:`Client` for a notebook or a program around the fleet. Both
speak gRPC over mutual TLS, and both are synchronous: they use threads, not asyncio.

The generated code of the protocol is in ``hedgerow.telemetry.v1`` and its neighbours, for programs that want it plain.
"""

from ._backoff import Backoff
from ._buffer import Limits, Overflow
from ._client import Client
from ._enrollment import enroll
from ._errors import (
    BufferFullError,
    ClosedError,
    EnrollmentRefusedError,
    HedgerowError,
    InvalidConfigurationError,
    InvalidMessageError,
    MessageDroppedError,
    MessageRejectedError,
    NotAcknowledgedError,
    ProtocolError,
    StateError,
    SupersededError,
    Violation,
)
from ._events import (
    Acknowledged,
    CertificateRenewed,
    ClockDoubtful,
    Connected,
    Disconnected,
    Discovered,
    Dropped,
    Event,
    EventHandler,
    Identified,
    Missed,
    Paused,
    Problem,
    Rejected,
)
from ._identity import Endpoint, Identity
from ._messages import Content, Time, Value
from ._publisher import Receipt, Statistics
from ._records import Ledger, LedgerDay, LedgerRange, Record, Status
from ._subscription import Subscription
from ._thing import Thing

__all__ = [
    "Acknowledged",
    "Backoff",
    "BufferFullError",
    "CertificateRenewed",
    "Client",
    "ClockDoubtful",
    "ClosedError",
    "Connected",
    "Content",
    "Disconnected",
    "Discovered",
    "Dropped",
    "Endpoint",
    "EnrollmentRefusedError",
    "Event",
    "EventHandler",
    "HedgerowError",
    "Identified",
    "Identity",
    "InvalidConfigurationError",
    "InvalidMessageError",
    "Ledger",
    "LedgerDay",
    "LedgerRange",
    "Limits",
    "MessageDroppedError",
    "MessageRejectedError",
    "Missed",
    "NotAcknowledgedError",
    "Overflow",
    "Paused",
    "Problem",
    "ProtocolError",
    "Receipt",
    "Record",
    "Rejected",
    "StateError",
    "Statistics",
    "Status",
    "Subscription",
    "SupersededError",
    "Thing",
    "Time",
    "Value",
    "Violation",
    "enroll",
]
