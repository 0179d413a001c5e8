"""The shared state behind ``publish``: the buffer, who waits for what, and the counts."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import Final

from . import _events as events
from . import _packer as packer
from . import _ranges as ranges
from ._buffer import Limits, Overflow, PublisherBuffer, Settlement
from ._errors import (
    BufferFullError,
    ClosedError,
    HedgerowError,
    InvalidMessageError,
    MessageDroppedError,
    MessageRejectedError,
    NotAcknowledgedError,
)
from ._messages import OutgoingMessage
from .telemetry.v1 import telemetry_pb2
from .type.v1 import error_pb2

__all__ = ["Publisher", "Receipt", "Statistics"]

_log = logging.getLogger("hedgerow")
_LOG_PAUSE_SECONDS: Final = 60.0


def reason_name(reason: int) -> str:
    """A reason of docs/reference/errors.md; its number where this package is older than the server."""
    name = error_pb2.ErrorReason.DESCRIPTOR.values_by_number.get(reason)
    return name.name.removeprefix("ERROR_REASON_") if name is not None else str(reason)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts since the thing was made.

    Every QoS 1 message that was published is in exactly one of ``acknowledged``, ``rejected``, ``lost`` and
    ``unsettled``.
    """

    epoch: str
    """Epoch of this process: 16 random bytes, hexadecimal."""
    published: int = 0
    """Messages taken by ``publish``, QoS 0 and 1."""
    sent: int = 0
    """Messages handed to a stream at least once, QoS 0 and 1."""
    acknowledged: int = 0
    """QoS 1 messages that a server has for good."""
    last_acknowledged_sequence: int = 0
    """The newest settled sequence; all up to it are acknowledged, rejected or lost."""
    rejected: int = 0
    """Messages that a server refused for ever, QoS 0 and 1."""
    dropped: int = 0
    """QoS 1 messages that gave way in a full buffer, and QoS 0 messages without a connection or with a busy one."""
    lost: int = 0
    """QoS 1 messages declared lost to a server."""
    unsettled: int = 0
    """QoS 1 messages that are not settled yet."""
    buffered_bytes: int = 0
    """Bytes that the buffered QoS 1 messages count for."""
    reconnects: int = 0
    """Sessions after the first one."""
    current_core: str | None = None
    """The core that the thing is connected to, ``cloud`` for a direct one, None without a connection."""


class Receipt:
    """What became of one message that was published.

    Keep it to learn the outcome, or throw it away and let :meth:`Thing.flush` tell.
    """

    __slots__ = ("_error", "_publisher", "_reported", "_settled", "epoch", "sequence")

    def __init__(self, publisher: Publisher, sequence: int) -> None:
        self._publisher = publisher
        self._settled = sequence == 0
        self._error: HedgerowError | None = None
        self._reported = False
        self.epoch: str = publisher.epoch_text
        """Epoch of this process, hexadecimal."""
        self.sequence: int = sequence
        """Its sequence; 0 with QoS 0, which is never acknowledged."""

    def __repr__(self) -> str:
        state = "unsettled" if not self._settled else repr(self._error) if self._error else "acknowledged"
        return f"<Receipt {self.sequence} of {self.epoch[:8]}: {state}>"

    @property
    def is_settled(self) -> bool:
        """Whether the outcome is known. Always true with QoS 0."""
        return self._settled

    def wait(self, timeout: float | None = None) -> None:
        """Waits until a server has the message on disk. With QoS 0 there is nothing to wait for.

        :param timeout: Seconds; for as long as it takes where it is None.
        :raises MessageRejectedError: A server refused it for ever.
        :raises MessageDroppedError: It gave way in a full buffer.
        :raises NotAcknowledgedError: The time is over; the message stays buffered.
        :raises HedgerowError: Whatever ended the thing.
        """
        self._publisher.wait_for(self, timeout)


class Publisher:
    """One lock, held for moments and never while somebody else's code runs."""

    def __init__(self, limits: Limits, on_event: events.EventHandler | None) -> None:
        self.epoch: bytes = os.urandom(16)
        self.epoch_text: str = self.epoch.hex()
        self._limits = limits
        self._on_event = on_event
        self._changed = threading.Condition()
        self._buffer = PublisherBuffer(limits)
        self._receipts: dict[int, Receipt] = {}
        self._published = self._sent = self._acknowledged = self._rejected = self._dropped = self._lost = 0
        self._sessions = 0
        # Number of the live session or attempt, 0 for none; numbers are never used again.
        self._session = 0
        self._attempts = 0
        self._current_core: str | None = None
        self._clock_doubtful = False
        self._closing = False
        self._ended: HedgerowError | None = None
        self._last_problem: str | None = None
        # When a cause may be logged again, and how often it was left out; as many as there are reasons.
        self._logged: dict[str, tuple[float, int]] = {}
        # What flush has to report: refusals that no receipt has told.
        self._unreported = 0
        self._first_refusal: MessageRejectedError | None = None

    # Publishing

    def publish(
        self, message: OutgoingMessage, qos: int, overflow: Overflow, timeout: float | None
    ) -> Receipt:
        """Buffers a message, or hands it to the connection with QoS 0."""
        if qos not in (0, 1):
            raise InvalidMessageError(f"The quality of service is 0 or 1, not {qos!r}.")
        happened: list[events.Event] = []
        deadline = _Deadline(timeout)
        with self._changed:
            if qos == 0:
                self._check_open()
                receipt = Receipt(self, 0)
                message.time_doubtful = self._clock_doubtful
                dropped = self._buffer.append_volatile(message)
            else:
                while True:
                    self._check_open()
                    message.time_doubtful = self._clock_doubtful
                    kept = self._buffer.append(message, overflow)
                    if kept is not None:
                        break
                    if not deadline.wait(self._changed):
                        problem = f"; the last problem was: {self._last_problem}" if self._last_problem else ""
                        raise BufferFullError(
                            f"The buffer holds {self._buffer.unsettled} messages that no server has acknowledged, and "
                            f"had no room for another within {deadline.timeout:g} s{problem}"
                        )
                sequence, gone = kept
                receipt = self._receipts[sequence] = Receipt(self, sequence)
                dropped = gone[1] - gone[0] + 1 if gone else 0
                for number in range(gone[0], gone[1] + 1) if gone else ():
                    self._settle_receipt(number, MessageDroppedError(number))
            self._published += 1
            self._dropped += dropped
        if dropped:
            happened.append(events.Dropped(dropped))
        self._finish(happened)
        return receipt

    def wait_for(self, receipt: Receipt, timeout: float | None) -> None:
        """Waits for one message's outcome; see :meth:`Receipt.wait`."""
        deadline = _Deadline(timeout)
        with self._changed:
            while not receipt._settled:
                if self._ended is not None:
                    raise _copy(self._ended)
                if not deadline.wait(self._changed):
                    raise NotAcknowledgedError(1, deadline.timeout, self._last_problem)
            error = receipt._error
            if isinstance(error, MessageRejectedError) and not receipt._reported:
                receipt._reported = True
                self._unreported = max(self._unreported - 1, 0)
        if error is not None:
            raise _copy(error)

    def wait_settled(self, timeout: float) -> bool:
        """Waits until everything published so far is settled, whichever way; False when the time is over first.

        :raises HedgerowError: Whatever ended the thing.
        """
        deadline = _Deadline(timeout)
        with self._changed:
            newest = self._buffer.newest
            while self._buffer.acknowledged < newest or self._buffer.volatile_count:
                if self._ended is not None:
                    raise _copy(self._ended)
                if not deadline.wait(self._changed):
                    return False
        return True

    def flush(self, timeout: float) -> None:
        """Waits as :meth:`wait_settled` does, and tells what went wrong."""
        if not self.wait_settled(timeout):
            raise self.not_acknowledged(timeout)
        with self._changed:
            count, first = self._unreported, self._first_refusal
            self._unreported, self._first_refusal = 0, None
        if count and first is not None:
            raise MessageRejectedError(first.reason or "", first.detail, count)

    def not_acknowledged(self, timeout: float) -> NotAcknowledgedError:
        """The error that says how much is not acknowledged."""
        with self._changed:
            return NotAcknowledgedError(self._buffer.unsettled, timeout, self._last_problem)

    def wait_connected(self, timeout: float | None) -> bool:
        """Waits until a server has taken the session; False when the time is over first."""
        deadline = _Deadline(timeout)
        with self._changed:
            while not self._buffer.is_resumed:
                if self._ended is not None:
                    raise _copy(self._ended)
                if not deadline.wait(self._changed):
                    return False
        return True

    # State

    @property
    def statistics(self) -> Statistics:
        """The counts."""
        with self._changed:
            return Statistics(
                epoch=self.epoch_text,
                published=self._published,
                sent=self._sent,
                acknowledged=self._acknowledged,
                last_acknowledged_sequence=self._buffer.acknowledged,
                rejected=self._rejected,
                dropped=self._dropped,
                lost=self._lost,
                unsettled=self._buffer.unsettled,
                buffered_bytes=self._buffer.held_bytes,
                reconnects=max(self._sessions - 1, 0),
                current_core=self._current_core,
            )

    @property
    def session_count(self) -> int:
        """Sessions that servers have taken so far."""
        with self._changed:
            return self._sessions

    @property
    def is_resumed(self) -> bool:
        """Whether a server has taken the session and it lives."""
        with self._changed:
            return self._buffer.is_resumed

    @property
    def ended(self) -> HedgerowError | None:
        """What ended the thing, None while it goes on."""
        with self._changed:
            return self._ended

    @property
    def last_problem(self) -> str | None:
        """What failed last, None while connected."""
        with self._changed:
            return self._last_problem

    @property
    def is_done(self) -> bool:
        """Whether the thing has ended, or is closing and nothing is left to be settled."""
        with self._changed:
            return self._is_done()

    def begin_closing(self) -> None:
        """Takes nothing new; the session ends when everything is settled."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def end(self, error: HedgerowError) -> None:
        """The thing has ended; whoever waits or comes later gets the error."""
        with self._changed:
            if self._ended is None:
                self._ended = error
            self._session = 0
            self._current_core = None
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Waits, but no longer than the thing has something to do."""
        deadline = _Deadline(seconds)
        with self._changed:
            while not self._is_done() and deadline.wait(self._changed):
                pass

    def report(self, event: events.Event) -> None:
        """Tells what happened, in the log and to the handler."""
        with self._changed:
            match event:
                case events.Problem(text) | events.Disconnected(_, text):
                    self._last_problem = text
                case events.Connected():
                    self._last_problem = None
        self._tell(event)

    # The session's side

    def open_session(self, stream: str) -> tuple[int, telemetry_pb2.PublishRequest]:
        """Begins an attempt: its number, and the first request of its stream."""
        with self._changed:
            self._attempts += 1
            self._session = number = self._attempts
            request = telemetry_pb2.PublishRequest()
            request.session.stream = stream
            request.session.epoch = self.epoch
            request.session.oldest_sequence = self._buffer.oldest_sequence
            request.session.level = telemetry_pb2.ACKNOWLEDGEMENT_LEVEL_SYNCED
            return number, request

    def next_request(self, session: int) -> telemetry_pb2.PublishRequest | None:
        """What to send next; waits while there is nothing. None when the session is over or all is done."""
        with self._changed:
            while True:
                if self._session != session or self._is_done():
                    return None
                if self._buffer.has_work:
                    break
                self._changed.wait()
            outgoing = self._buffer.next()
            self._sent += outgoing.first_time + len(outgoing.volatile)
            # Whoever waits for QoS 0 messages to be on their way.
            self._changed.notify_all()
        return packer.request(outgoing, self._limits)

    def resume(self, after: int, core: str) -> None:
        """A server took the session."""
        happened: list[events.Event] = []
        with self._changed:
            self._record(self._buffer.resume(after), happened)
            self._sessions += 1
            self._current_core = core
        self._finish(happened)

    def handle(self, response: telemetry_pb2.PublishResponse) -> None:
        """A server said something about what was sent."""
        happened: list[events.Event] = []
        with self._changed:
            for rejection in response.rejected:
                self._refuse(rejection, happened)
            self._record(self._buffer.acknowledge(response.acknowledged_sequence), happened)
        if response.HasField("paused"):
            paused = response.paused
            after = None
            if paused.HasField("retry_after"):
                after = paused.retry_after.seconds + paused.retry_after.nanos / 1e9
            happened.append(events.Paused(reason_name(paused.reason), after))
        self._finish(happened)

    def end_session(self) -> None:
        """The session ended, or never began."""
        with self._changed:
            self._session = 0
            dropped = self._buffer.end_session()
            self._current_core = None
            self._dropped += dropped
        self._finish([events.Dropped(dropped)] if dropped else [])

    def set_clock_doubtful(self, doubtful: bool) -> None:
        """Whether the sample times of messages published from now on are marked doubtful."""
        with self._changed:
            self._clock_doubtful = doubtful

    # With the lock held

    def _is_done(self) -> bool:
        drained = self._buffer.unsettled == 0 and self._buffer.volatile_count == 0
        return self._ended is not None or (self._closing and drained)

    def _check_open(self) -> None:
        if self._ended is not None:
            raise _copy(self._ended)
        if self._closing:
            raise ClosedError("The thing is closed.")

    def _refuse(self, rejection: telemetry_pb2.Rejection, happened: list[events.Event]) -> None:
        first, last = rejection.first_sequence, rejection.last_sequence
        error = MessageRejectedError(reason_name(rejection.reason), rejection.detail)
        count = self._buffer.refuse(first, last) if first > 0 else 1
        if count == 0:
            return
        for number in range(max(first, self._buffer.oldest_sequence), min(last, self._buffer.newest) + 1):
            receipt = self._receipts.get(number)
            if receipt is not None:
                receipt._error = error
        self._rejected += count
        self._unreported += count
        self._first_refusal = self._first_refusal or error
        happened.append(events.Rejected(first, last, error.reason or "", rejection.detail))

    def _record(self, settlement: Settlement, happened: list[events.Event]) -> None:
        self._acknowledged += ranges.count(settlement.accepted)
        self._lost += ranges.count(settlement.lost)
        for first, last in settlement.accepted:
            happened.append(events.Acknowledged(self.epoch_text, first, last))
            for number in range(first, last + 1):
                self._settle_receipt(number, None)
        for first, last in settlement.rejected:
            for number in range(first, last + 1):
                receipt = self._receipts.get(number)
                self._settle_receipt(number, receipt._error if receipt else None)
        for first, last in settlement.lost:
            for number in range(first, last + 1):
                self._settle_receipt(number, MessageDroppedError(number))

    def _settle_receipt(self, sequence: int, error: HedgerowError | None) -> None:
        receipt = self._receipts.pop(sequence, None)
        if receipt is not None:
            receipt._error = error
            receipt._settled = True

    # Without the lock

    def _finish(self, happened: list[events.Event]) -> None:
        """Events go out before those who wait go on: who sees an outcome finds it reported already."""
        for event in happened:
            self._tell(event)
        with self._changed:
            self._changed.notify_all()

    def _tell(self, event: events.Event) -> None:
        match event:
            case events.Rejected(reason=cause) | events.Paused(reason=cause):
                self._log_seldom(f"{type(event).__name__} {cause}", event)
            case events.Dropped() | events.Missed():
                self._log_seldom(type(event).__name__, event)
            case events.Problem() | events.Disconnected() | events.ClockDoubtful():
                _log.warning("%s", event)
            case events.Acknowledged():
                _log.debug("%s", event)
            case _:
                _log.info("%s", event)
        if self._on_event is not None:
            try:
                self._on_event(event)
            except Exception:
                _log.exception("the event handler failed on %s", event)

    def _log_seldom(self, cause: str, event: events.Event) -> None:
        """A cause is logged once a minute, whatever its pace: these come with messages."""
        now = time.monotonic()
        with self._changed:
            due, left_out = self._logged.get(cause, (0.0, 0))
            self._logged[cause] = (due, left_out + 1) if now < due else (now + _LOG_PAUSE_SECONDS, 0)
        if now >= due:
            _log.warning("%s (%d like it were left out before)", event, left_out)


class _Deadline:
    """Waits on a condition for a time that is divided over any number of waits."""

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout if timeout is not None else float("inf")
        self._end = time.monotonic() + self.timeout

    def wait(self, condition: threading.Condition) -> bool:
        """Waits for a change; False when the time is over."""
        left = self._end - time.monotonic()
        if left <= 0:
            return False
        # A wait without end is not interruptible on every platform; a long one is.
        condition.wait(min(left, 3_600))
        return True


def _copy(error: HedgerowError) -> HedgerowError:
    """The error as a new object: one that is raised on several threads would gather their tracebacks."""
    copy = error.__class__.__new__(error.__class__)
    copy.__dict__.update(error.__dict__)
    copy.args = error.args
    return copy
