"""Errors: one class for everything, subclasses for what a program may want to tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

__all__ = [
    "BufferFullError",
    "ClosedError",
    "EnrollmentRefusedError",
    "HedgerowError",
    "InvalidConfigurationError",
    "InvalidMessageError",
    "MessageDroppedError",
    "MessageRejectedError",
    "NotAcknowledgedError",
    "ProtocolError",
    "StateError",
    "SupersededError",
    "Violation",
]

_DOMAIN = "hedgerow"


@dataclass(frozen=True, slots=True)
class Violation:
    """One wrong field of a request."""

    field: str
    """Where: a field's path, or ``line:column`` of a definition."""
    description: str
    """What is wrong there and what is allowed."""


class HedgerowError(Exception):
    """What went wrong, in a sentence for people and in words for programs.

    Decide by :attr:`reason` (see docs/reference/errors.md), then by :attr:`code`; never by the sentence. Errors that come
    from below Hedgerow (no connection, a deadline) have a code and no reason. Errors that never left this process have
    neither.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode | None = None,
        reason: str | None = None,
        violations: Sequence[Violation] = (),
        retry_after: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message: str = message
        """The sentence for people."""
        self.code: grpc.StatusCode | None = code
        """The gRPC code, None for what never left this process."""
        self.reason: str | None = reason
        """The reason of docs/reference/errors.md, for example ``NOT_IN_GROUP``."""
        self.violations: tuple[Violation, ...] = tuple(violations)
        """The wrong fields of the request, where there are any."""
        self.retry_after: float | None = retry_after
        """Seconds after which another attempt makes sense, where the server said so."""
        self.metadata: dict[str, str] = dict(metadata or {})
        """Further facts for programs."""

    def __str__(self) -> str:
        parts = [f"{self.reason}: {self.message}" if self.reason else self.message]
        parts += [f"{violation.field}: {violation.description}" for violation in self.violations]
        return "\n  ".join(parts)

    @property
    def is_unreachable(self) -> bool:
        """Whether nobody answered, as against an answer that refuses."""
        return self.reason is None and self.code in (
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.DEADLINE_EXCEEDED,
            grpc.StatusCode.CANCELLED,
        )

    @classmethod
    def from_rpc(cls, error: grpc.RpcError, *, at: str | None = None) -> HedgerowError:
        """Reads what a call failed with, its ``google.rpc`` details included.

        :param error: What grpcio raised.
        :param at: The address that was called; named in the sentence where the failure has no reason of ours.
        """
        if not isinstance(error, grpc.Call):
            return HedgerowError(str(error) or type(error).__name__)
        code = error.code()
        text = error.details() or code.name
        try:
            status = rpc_status.from_call(error)
        except ValueError:
            # The trailer contradicts the call's status; the status counts.
            status = None
        reason: str | None = None
        violations: list[Violation] = []
        retry_after: float | None = None
        metadata: dict[str, str] = {}
        for detail in status.details if status is not None else ():
            info = error_details_pb2.ErrorInfo()
            request = error_details_pb2.BadRequest()
            retry = error_details_pb2.RetryInfo()
            if detail.Unpack(info) and info.domain == _DOMAIN and reason is None:
                reason = info.reason
                metadata = dict(info.metadata)
            elif detail.Unpack(request):
                violations += [Violation(v.field, v.description) for v in request.field_violations]
            elif detail.Unpack(retry):
                retry_after = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
        if reason is None and at is not None:
            text = f"{at}: {code.name}: {text}"
        return HedgerowError(
            text, code=code, reason=reason, violations=violations, retry_after=retry_after, metadata=metadata
        )


class InvalidConfigurationError(HedgerowError, ValueError):
    """The settings cannot work: no token and no identity, an empty buffer, a token of another role."""


class InvalidMessageError(HedgerowError, ValueError):
    """A message or a topic filter breaks a rule. Nothing was buffered or sent."""


class StateError(HedgerowError):
    """The state directory cannot be read or written, or what it holds is damaged."""


class EnrollmentRefusedError(HedgerowError):
    """The cloud will not enrol this identity; trying again does not help."""


class SupersededError(HedgerowError):
    """Another process with this identity publishes on the same stream and took over; this one has ended."""


class ProtocolError(HedgerowError):
    """A server broke a rule of the protocol, for example acknowledged what was never sent."""


class MessageRejectedError(HedgerowError):
    """A server refused messages for ever. :attr:`~HedgerowError.reason` says why."""

    def __init__(self, reason: str, detail: str, count: int = 1) -> None:
        were = "message was" if count == 1 else "messages were"
        super().__init__(f"{count} {were} refused for ever: {detail}", reason=reason)
        self.detail: str = detail
        """Why and what to do, for people, as the server put it."""
        self.count: int = count
        """How many messages."""


class MessageDroppedError(HedgerowError):
    """The message gave way in a full buffer before a server had it. It is declared lost."""

    def __init__(self, sequence: int) -> None:
        super().__init__(
            f"Message {sequence} fell out of the full buffer before a server had it; it is declared lost."
        )
        self.sequence: int = sequence
        """Its sequence."""


class NotAcknowledgedError(HedgerowError, TimeoutError):
    """Not everything was acknowledged in time."""

    def __init__(self, count: int, timeout: float, last_problem: str | None = None) -> None:
        were = "message was" if count == 1 else "messages were"
        problem = f"; the last problem was: {last_problem}" if last_problem else ""
        super().__init__(f"{count} {were} not acknowledged within {timeout:g} s{problem}")
        self.count: int = count
        """How many messages."""
        self.last_problem: str | None = last_problem
        """What failed last, while there is no connection."""


class BufferFullError(HedgerowError, TimeoutError):
    """There was no room in the buffer within the time that ``publish`` was given."""


class ClosedError(HedgerowError):
    """The thing, the client or the subscription is closed."""
