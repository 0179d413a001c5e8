"""A thing: enrols once, finds its core, stays connected, publishes, and hears commands."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self

import grpc

from . import _events as events
from . import _messages as messages
from ._backoff import Backoff
from ._buffer import Limits, Overflow
from ._errors import (
    ClosedError,
    HedgerowError,
    InvalidConfigurationError,
    SupersededError,
)
from ._identity import is_name
from ._messages import Content, OutgoingMessage, Time
from ._network import Network
from ._publisher import Publisher, Receipt, Statistics
from ._shadow import Shadow, Watches
from ._shadow_link import ConnectionLink
from ._subscription import Scope, Subscription
from ._wire import Target, Telemetry, dial
from .telemetry.v1 import telemetry_pb2

__all__ = ["Thing"]

_log = logging.getLogger("hedgerow")

# Most subscriptions of one thing; a core serves no more.
_MOST_SUBSCRIPTIONS: Final = 10
# A session that lasted so long was worth connecting for.
_USEFUL_SECONDS: Final = 5.0
# With nothing left to send, the server gets this long to end the stream in good order.
_PARTING_SECONDS: Final = 2.0
# A difference between the clocks above this makes ours doubtful.
_TOLERABLE_CLOCK_SECONDS: Final = 120.0


@dataclass(slots=True)
class _Attempt:
    """How an attempt at one address ended."""

    useful: bool = False
    """Something was acknowledged, or the session lasted: the next pause is short again."""
    gap: bool = False
    """The server told which sequence it expects; a new session resumes there."""


class Thing:
    """A thing: enrols once, finds its core, stays connected, publishes, and hears commands.

    The shortest form flushes at its end::

        with hedgerow.Thing(token="bme680-1.token") as thing:
            thing.publish("bme680-1/readings", {"temperature": 21.4}, units={"temperature": "°C"})

    Messages of QoS 1 (the default) are kept in memory until a server has them on disk, sent again after every lost
    connection, and stored exactly once. Memory is bounded by :class:`Limits`. The line being down is no error: the
    thing reconnects by itself and says so in its events and in the log ``hedgerow``.

    All methods may be called from any thread. The work is done on daemon threads of the thing's own: what is not
    acknowledged when the program ends without :meth:`close` is gone.
    """

    def __init__(
        self,
        token: str | os.PathLike[str] | None = None,
        *,
        state: str | os.PathLike[str] | None = None,
        direct: bool = False,
        stream: str = "default",
        limits: Limits | None = None,
        overflow: Overflow = "wait",
        connect_timeout: float = 5.0,
        flush_timeout: float = 30.0,
        command_buffer: int = 64,
        backoff: Backoff | None = None,
        on_event: events.EventHandler | None = None,
    ) -> None:
        """Reads token file and state directory. Nobody is asked before :meth:`open`.

        :param token: Path of the token file from ``hedgerow things create``. Needed until the thing is enrolled;
            afterwards it may go, where ``state`` names the directory.
        :param state: Directory of the identity and the last discovery answer, made with mode 0700. Default:
            ``$XDG_STATE_HOME/hedgerow/things/NAME``, ``~/.local/state`` where the variable is not set.
        :param direct: Publishes straight to the cloud instead of to a core.
        :param stream: Name of the publisher's stream. One process at a time may use one.
        :param limits: Bounds of what is kept and sent at once.
        :param overflow: What ``publish`` does at the bound: ``"wait"`` for room, or ``"drop-oldest"``, which declares
            the oldest message lost so that the ledger names it.
        :param connect_timeout: Seconds that one address may take to answer before the next one is tried.
        :param flush_timeout: Seconds that :meth:`close` and :meth:`flush` wait for what is not acknowledged yet.
        :param command_buffer: Messages that wait for a subscriber's loop, 1 to 10,000.
        :param backoff: The pauses between rounds of attempts.
        :param on_event: Called with each :data:`Event` on the thread where it happens: it returns quickly, and neither
            waits nor publishes.
        :raises InvalidConfigurationError: The settings cannot work.
        :raises StateError: The state directory cannot be read.
        """
        if not is_name(stream):
            raise InvalidConfigurationError(f"The stream's name {stream!r} is not 1 to 128 of A-Z a-z 0-9 . _ -.")
        if overflow not in ("wait", "drop-oldest"):
            raise InvalidConfigurationError(f"The overflow is 'wait' or 'drop-oldest', not {overflow!r}.")
        if connect_timeout <= 0 or flush_timeout < 0:
            raise InvalidConfigurationError("The connect time-out is above 0 s, the flush time-out at least 0 s.")
        if not 1 <= command_buffer <= 10_000:
            raise InvalidConfigurationError(f"The command buffer holds 1 to 10,000 messages, not {command_buffer}.")
        self._stream = stream
        self._overflow: Overflow = overflow
        self._connect_timeout = connect_timeout
        self._flush_timeout = flush_timeout
        self._command_buffer = command_buffer
        self._backoff = backoff or Backoff()
        self._publisher = Publisher(limits or Limits(), on_event)
        self._network = Network(token, state, direct, connect_timeout, self._publisher)
        self._lock = threading.Lock()
        self._subscriptions: list[Subscription] = []
        self._shadows = ConnectionLink()
        self._watches = Watches()
        # The live connection, which new subscriptions join.
        self._connection: tuple[Telemetry, Scope] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            # What is still buffered is given up; the caller's error counts.
            self._shut(ClosedError("The thing is closed."))
            return
        try:
            self.flush()
        except BaseException:
            self._shut(ClosedError("The thing is closed."))
            raise
        self.close()

    def __repr__(self) -> str:
        return f"<Thing {self.name}>"

    @property
    def name(self) -> str:
        """Its name."""
        return self._network.name

    @property
    def statistics(self) -> Statistics:
        """Counts so far."""
        return self._publisher.statistics

    @property
    def last_problem(self) -> str | None:
        """What failed last while there is no connection, for people; None while connected."""
        return self._publisher.last_problem

    # Publishing

    def publish(
        self,
        topic: str,
        content: Content,
        *,
        units: Mapping[str, str] | None = None,
        time: Time | None = None,
        content_type: str = "application/octet-stream",
        traceparent: str | None = None,
        qos: Literal[0, 1] = 1,
        timeout: float | None = None,
    ) -> Receipt:
        """Publishes a reading (named values), or opaque bytes.

        Returns when the message is buffered (QoS 1), or handed to the connection or dropped (QoS 0). With a full
        buffer it waits for room or drops the oldest message, as the thing was told.

        :param topic: 1 to 256 bytes of UTF-8, at most 8 levels, no wildcards, not beginning with ``$``.
        :param content: 1 to 256 named values, or bytes; at most 1 MiB together.
        :param units: Units by field name.
        :param time: When it was sampled; now where it is None. A datetime with a time zone, or seconds since 1970.
        :param content_type: Media type of the bytes.
        :param traceparent: W3C ``traceparent`` of the trace that the message goes on with. That of the active span
            where it is None and ``opentelemetry-api`` is installed; an empty one for no trace.
        :param qos: 1 for kept, sent again and stored exactly once; 0 for sent once where there is a connection.
        :param timeout: Seconds to wait for room; for as long as it takes where it is None.
        :returns: A receipt that one may wait on, or throw away.
        :raises InvalidMessageError: The message breaks a limit; nothing was buffered.
        :raises BufferFullError: There was no room in time.
        :raises ClosedError: The thing is closed.
        :raises HedgerowError: Whatever ended the thing.
        """
        return self._publish(messages.outgoing(topic, content, units, time, content_type, traceparent), qos, timeout)

    def publish_failure(
        self,
        topic: str,
        reason: str,
        *,
        time: Time | None = None,
        traceparent: str | None = None,
        qos: Literal[0, 1] = 1,
        timeout: float | None = None,
    ) -> Receipt:
        """Publishes that a sample could not be taken, and why (cut at 256 bytes); otherwise like :meth:`publish`."""
        return self._publish(messages.failure(topic, reason, time, traceparent), qos, timeout)

    def _publish(self, message: OutgoingMessage, qos: int, timeout: float | None) -> Receipt:
        return self._publisher.publish(message, qos, self._overflow, timeout)

    def flush(self, timeout: float | None = None) -> None:
        """Waits until everything published so far is acknowledged, and QoS 0 messages are on their way.

        :param timeout: Seconds; the thing's ``flush_timeout`` where it is None.
        :raises NotAcknowledgedError: The time is over; nothing is lost, and the thing goes on.
        :raises MessageRejectedError: Messages were refused for ever since the last flush, those whose receipts told so
            not counted.
        :raises HedgerowError: Whatever ended the thing.
        """
        self._publisher.flush(self._flush_timeout if timeout is None else timeout)

    def wait_connected(self, timeout: float | None = None) -> bool:
        """Waits until a server has taken the session. QoS 0 messages published earlier are dropped.

        :param timeout: Seconds; for as long as it takes where it is None.
        :returns: False when the time is over first.
        :raises HedgerowError: Whatever ended the thing.
        """
        return self._publisher.wait_connected(timeout)

    # Subscribing

    def subscribe(self, *filters: str, qos: Literal[0, 1] = 1) -> Subscription:
        """Subscribes to messages that come down to this thing: ``for command in thing.subscribe("commands/#")``.

        The subscription survives lost connections and changes of core.

        :param filters: 1 to 100 topic filters (MQTT 3.1.1).
        :param qos: With 1, messages wait for the thing while it is away, within the bound of the server's queue.
        :raises InvalidMessageError: A filter is malformed.
        :raises InvalidConfigurationError: The thing has 10 subscriptions, or one of QoS 1 already: give that one all
            the filters.
        :raises ClosedError: The thing is closed.
        """
        subscription = Subscription(
            filters,
            qos,
            self._command_buffer,
            on_missed=lambda count: self._publisher.report(events.Missed(count)),
            on_problem=lambda text: self._publisher.report(events.Problem(text)),
            on_closed=self._forget,
        )
        with self._lock:
            if self._closed:
                raise ClosedError("The thing is closed.")
            if len(self._subscriptions) >= _MOST_SUBSCRIPTIONS:
                raise InvalidConfigurationError(
                    f"A thing has at most {_MOST_SUBSCRIPTIONS} subscriptions; close one, or give one more filters."
                )
            # A message at QoS 1 has one acknowledger: servers let a newer subscription end the older one.
            if qos == 1 and any(other.qos == 1 for other in self._subscriptions):
                raise InvalidConfigurationError(
                    "A thing has one subscription of QoS 1; give that one all the filters, or close it first."
                )
            self._subscriptions.append(subscription)
            if self._connection is not None:
                subscription.start(*self._connection, self._backoff)
        return subscription

    def _forget(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)

    # Shadows

    def shadow(self, name: str = "") -> Shadow:
        """A shadow of this thing, as the server that it is connected to has it. Calls wait for a connection, up to 30 s;
        a watch goes on where it was when the connection is back.

        :param name: Name of the shadow; empty for the classic one.
        """
        return Shadow(self._shadows, self.name, name, self._watches)

    # Life

    def open(self) -> Self:
        """Starts connecting, and returns at once. What was published before is sent then. Once only.

        :raises InvalidConfigurationError: The thing was opened before.
        """
        with self._lock:
            if self._thread is not None or self._closed:
                raise InvalidConfigurationError("A thing can be opened only once; make a new one.")
            self._thread = threading.Thread(target=self._run, name=f"hedgerow-{self.name}", daemon=True)
            self._thread.start()
        return self

    def close(self, timeout: float | None = None) -> None:
        """Takes nothing new, waits until everything is acknowledged, and disconnects. Again does nothing.

        :param timeout: Seconds; the thing's ``flush_timeout`` where it is None.
        :raises NotAcknowledgedError: Not everything was acknowledged in time; what was not is gone.
        :raises HedgerowError: Whatever ended the thing before, where messages were on their way then.
        """
        with self._lock:
            if self._closed:
                return
            opened = self._thread is not None
            subscriptions = list(self._subscriptions)
        # Without a connection to come there is nothing to wait for.
        limit = 0 if not opened else self._flush_timeout if timeout is None else timeout
        self._publisher.begin_closing()
        closed = ClosedError("The thing is closed.")
        try:
            in_time = self._publisher.wait_settled(limit)
            failure: HedgerowError | None = None if in_time else self._publisher.not_acknowledged(limit)
            # So that the last acknowledgements go out before the connection ends.
            for subscription in subscriptions:
                subscription.end(None)
            for subscription in subscriptions:
                subscription.join(_PARTING_SECONDS)
            if in_time and opened and self._thread is not None and self._publisher.is_resumed:
                self._thread.join(_PARTING_SECONDS)
        except HedgerowError as error:
            failure = error
        finally:
            self._shut(closed)
        if failure is not None:
            raise failure

    def _shut(self, reason: HedgerowError) -> None:
        """Ends everything now."""
        with self._lock:
            self._closed = True
            connection, thread = self._connection, self._thread
            subscriptions = list(self._subscriptions)
        self._network.stop()
        self._publisher.end(reason)
        self._watches.end()
        self._shadows.close(reason)
        for subscription in subscriptions:
            subscription.end(None)
        if connection is not None:
            connection[1].end()
        if thread is not None and thread is not threading.current_thread():
            # An attempt under way ends by its own time-out; nobody needs to wait for that.
            thread.join(1.0)

    # The connection, on a thread of its own

    def _run(self) -> None:
        failure: HedgerowError | None = None
        try:
            self._network.prepare(self._backoff)
            if not self._network.has_stopped:
                keeper = threading.Thread(
                    target=self._network.keep_fresh, name=f"hedgerow-renewal-{self.name}", daemon=True
                )
                keeper.start()
            self._connect()
        except HedgerowError as error:
            failure = error
        except Exception as error:
            _log.exception("the thing %s ended by a fault of this package", self.name)
            failure = HedgerowError(f"The thing ended by a fault of this package: {error!r}")
        self._network.stop()
        if failure is not None:
            _log.error("the thing %s has ended: %s", self.name, failure)
        end = failure or ClosedError("The thing is closed.")
        self._publisher.end(end)
        self._shadows.close(end)
        with self._lock:
            subscriptions = list(self._subscriptions)
        for subscription in subscriptions:
            subscription.end(failure)

    def _connect(self) -> None:
        """Tries the addresses in order, goes on to the next where one fails or drops the session, asks the cloud again
        when all have failed, and backs off between the rounds."""
        waits = self._backoff.waits()
        refresh = False
        while not self._publisher.is_done:
            useful = False
            try:
                targets = self._network.targets(refresh)
            except HedgerowError as error:
                self._publisher.report(events.Problem(f"Asking the cloud for cores failed: {error}"))
                targets = []
            for target in targets:
                attempt = self._attempt(target)
                if attempt.gap and not self._publisher.is_done:
                    attempt = self._attempt(target)
                useful = useful or attempt.useful
                if self._publisher.is_done:
                    return
            if useful:
                waits = self._backoff.waits()
            # Known addresses get another round after a session that worked; the cloud may be away.
            refresh = not useful
            self._publisher.pause(next(waits))

    def _attempt(self, target: Target) -> _Attempt:
        """One session at one address.

        :raises SupersededError: Another process took the session over.
        """
        began = time.monotonic()
        acknowledged = self._publisher.statistics.last_acknowledged_sequence
        sessions = self._publisher.session_count
        identity = self._network.identity
        failure: HedgerowError | None = None
        with dial(target, identity) as channel:
            try:
                self._session(channel, target)
            except HedgerowError as error:
                failure = error
            finally:
                self._publisher.end_session()
        attempt = _Attempt()
        if self._publisher.session_count > sessions:
            progress = self._publisher.statistics.last_acknowledged_sequence > acknowledged
            attempt.useful = progress or time.monotonic() - began > _USEFUL_SECONDS
        if failure is not None and failure.reason == "SESSION_SUPERSEDED":
            raise SupersededError(
                f'Another process publishes as this thing on stream "{self._stream}" and took over; stop one of the '
                "two, or give this one a stream name of its own.",
                code=failure.code,
                reason=failure.reason,
            )
        attempt.gap = failure is not None and failure.reason == "SEQUENCE_GAP"
        if not self._publisher.is_done:
            reason = str(failure) if failure else "the server ended the session"
            self._publisher.report(events.Disconnected(target.core, reason))
        return attempt

    def _session(self, channel: grpc.Channel, target: Target) -> None:
        """Opens the stream, resumes, sends, and takes the answers until the stream ends.

        :raises HedgerowError: Why it ended, unless the thing is closed.
        """
        telemetry = Telemetry(channel)
        number, opening = self._publisher.open_session(self._stream)
        scope = Scope()
        call = telemetry.publish(self._requests(number, opening))
        scope.add(call)
        silent = threading.Event()

        def give_up() -> None:
            silent.set()
            call.cancel()

        timer = threading.Timer(self._connect_timeout, give_up)
        timer.daemon = True
        timer.start()
        resumed = False
        try:
            for response in call:
                if not resumed:
                    timer.cancel()
                    self._compare_clocks(response)
                    self._publisher.resume(response.resume_after_sequence, target.core)
                    self._publisher.report(events.Connected(target.core, str(target.endpoint)))
                    resumed = True
                    self._join(telemetry, scope)
                    self._shadows.join(channel, str(target.endpoint))
                self._publisher.handle(response)
            if not resumed:
                raise HedgerowError(f"{target.endpoint} ended the stream without a word.")
        except grpc.RpcError as error:
            if silent.is_set():
                raise HedgerowError(
                    f"{target.endpoint} gave no answer within {self._connect_timeout:g} s.",
                    code=grpc.StatusCode.DEADLINE_EXCEEDED,
                ) from error
            if not self._publisher.is_done:
                raise HedgerowError.from_rpc(error, at=str(target.endpoint)) from error
        finally:
            timer.cancel()
            self._shadows.leave()
            with self._lock:
                self._connection = None
                subscriptions = list(self._subscriptions)
            scope.end()
            for subscription in subscriptions:
                subscription.join(_PARTING_SECONDS)

    def _join(self, telemetry: Telemetry, scope: Scope) -> None:
        """The connection works: every subscription goes there, and new ones will."""
        with self._lock:
            self._connection = (telemetry, scope)
            ended = self._closed
            for subscription in self._subscriptions:
                subscription.start(telemetry, scope, self._backoff)
        if ended:
            scope.end()

    def _requests(
        self, session: int, opening: telemetry_pb2.PublishRequest
    ) -> Iterator[telemetry_pb2.PublishRequest]:
        yield opening
        while (request := self._publisher.next_request(session)) is not None:
            yield request

    def _compare_clocks(self, response: telemetry_pb2.PublishResponse) -> None:
        if not response.HasField("server_time"):
            return
        difference = time.time() - response.server_time.seconds
        doubtful = abs(difference) > _TOLERABLE_CLOCK_SECONDS
        self._publisher.set_clock_doubtful(doubtful)
        if doubtful:
            self._publisher.report(events.ClockDoubtful(difference))
