"""Hedgerow from Python: publish readings so that they are stored exactly once, and read them back.

:class:`Thing` is for a program beside a sensor, :class:`Component` for one that a core runs, :class:`Client` for a
notebook or a program around the fleet. All are synchronous: they use threads, not asyncio. Things and clients speak
gRPC over mutual TLS, components over a socket of their core.

The generated code of the protocol is in ``hedgerow.telemetry.v1`` and its neighbours, for programs that want it plain.
"""

import importlib
from typing import TYPE_CHECKING

from ._backoff import Backoff
from ._buffer import Limits, Overflow
from ._component import Component
from ._component_event import ComponentEvent, Message
from ._component_parts import ComponentInfo, Deferral, StreamReader
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
from ._messages import Content, Time, Value
from ._publisher import Receipt, Statistics
from ._records import Ledger, LedgerDay, LedgerRange, Record, Status
from ._shadow import Shadow, ShadowWatch
from ._shadow_document import KEEP, Keep, ShadowDocument, ShadowEvent, ShadowEventKind, ShadowUpdate
from ._shadow_errors import (
    InvalidShadowError,
    ShadowAtHomeCoreError,
    ShadowConflictError,
    ShadowError,
    ShadowNotFoundError,
    ShadowTooLargeError,
)
from ._subscription import Subscription

if TYPE_CHECKING:
    from ._client import Client
    from ._enrollment import enroll
    from ._identity import Endpoint, Identity
    from ._thing import Thing
else:
    # These need cryptography. A component does not, and starts in two thirds of the time and with 10 MB less.
    _LATER = {
        "Client": "._client",
        "Endpoint": "._identity",
        "Identity": "._identity",
        "Thing": "._thing",
        "enroll": "._enrollment",
    }

    def __getattr__(name):
        """Imports what is not there yet, where somebody asks for it."""
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(importlib.import_module(_LATER[name], __name__), name)
        return found

    def __dir__():
        """Everything, whether it is imported yet or not."""
        return sorted({*globals(), *_LATER})


__all__ = [
    "KEEP",
    "Acknowledged",
    "Backoff",
    "BufferFullError",
    "CertificateRenewed",
    "Client",
    "ClockDoubtful",
    "ClosedError",
    "Component",
    "ComponentEvent",
    "ComponentInfo",
    "Connected",
    "Content",
    "Deferral",
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
    "InvalidShadowError",
    "Keep",
    "Ledger",
    "LedgerDay",
    "LedgerRange",
    "Limits",
    "Message",
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
    "Shadow",
    "ShadowAtHomeCoreError",
    "ShadowConflictError",
    "ShadowDocument",
    "ShadowError",
    "ShadowEvent",
    "ShadowEventKind",
    "ShadowNotFoundError",
    "ShadowTooLargeError",
    "ShadowUpdate",
    "ShadowWatch",
    "StateError",
    "Statistics",
    "Status",
    "StreamReader",
    "Subscription",
    "SupersededError",
    "Thing",
    "Time",
    "Value",
    "Violation",
    "enroll",
]
