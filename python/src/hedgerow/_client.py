"""A client of the cloud: history, live messages, publishing, and the ledger."""

from __future__ import annotations

import logging
import os
import random
import threading
import time as clock
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self, TypeVar

import grpc

from . import _enrollment as enrollment
from . import _messages as messages
from . import _packer as packer
from . import _tracing as tracing
from ._backoff import Backoff
from ._errors import (
    ClosedError,
    HedgerowError,
    InvalidConfigurationError,
    MessageRejectedError,
    NotAcknowledgedError,
)
from ._identity import Identity, IdentityDirectory, TokenFile, default_home
from ._messages import Content, Time
from ._publisher import reason_name
from ._records import Ledger, LedgerRange, Record, ledger_day, ledger_range
from ._shadow import Shadow, Watches
from ._subscription import Scope, Subscription
from ._topics import check_filter
from ._wire import Shadows, Telemetry, cloud_targets, dial
from .telemetry.v1 import telemetry_pb2

__all__ = ["Client"]

_log = logging.getLogger("hedgerow")

_T = TypeVar("_T")
# Two clients of one identity end each other's sessions under one stream name; they rarely meet under one of these, and
# try again where they do.
_STREAM_NAMES: Final = 16
# Between attempts to renew a certificate.
_RENEWAL_PAUSE_SECONDS: Final = 600.0


class Client:
    """A client of the cloud, for notebooks and programs around the fleet::

        with hedgerow.Client() as cloud:
            for record in cloud.query(thing="bme680-1", topic="+/readings"):
                print(record.time, record.values)

    It acts as the identity that it is given, and renews its certificate when that is due. For now that is an
    operator's: identities of the role ``app`` can enrol, but have no rights yet.

    All methods may be called from any thread. One connection is made when it is first needed.
    """

    def __init__(
        self,
        *,
        home: str | os.PathLike[str] | None = None,
        token: str | os.PathLike[str] | None = None,
        timeout: float = 30.0,
        connect_timeout: float = 5.0,
        backoff: Backoff | None = None,
    ) -> None:
        """Loads the identity; enrols first where a token file is given and there is none yet.

        :param home: Directory with the identity. Default: that of the command line, ``HEDGEROW_HOME`` or
            ``~/.config/hedgerow``.
        :param token: Path of a token file, for the first time.
        :param timeout: Seconds that a call may take.
        :param connect_timeout: Seconds that enrolment or renewal may take at one address.
        :param backoff: The pauses between attempts of a subscription.
        :raises InvalidConfigurationError: There is neither an identity nor a token file.
        :raises EnrollmentRefusedError: The cloud refuses the token.
        :raises StateError: The directory cannot be used.
        """
        file = TokenFile.read(token) if token is not None and not _is_spent(token, home) else None
        directory, identity = enrollment.locate(file, home if home is not None or file else default_home())
        if identity is None:
            if file is None:
                raise InvalidConfigurationError(
                    f"There is no identity in {directory.path}; enrol with `hedgerow init FILE` or give a token file."
                )
            identity = enrollment.enroll_into(file, directory, connect_timeout)
        self._identity = identity
        self._directory = directory
        self._connect_timeout = connect_timeout
        self._next_renewal = 0.0
        self._timeout = timeout
        self._backoff = backoff or Backoff()
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._address = 0
        self._closed = False
        self._scope = Scope()
        self._subscriptions: list[Subscription] = []
        self._watches = Watches()
        # One epoch for the client's life; each publication is one sequence of it.
        self._epoch = os.urandom(16)
        self._sequence = 0
        self._stream = f"python-{random.SystemRandom().randrange(_STREAM_NAMES)}"
        self._publishing = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client {self.name}>"

    @property
    def name(self) -> str:
        """Who it acts as, ``ROLE/NAME``."""
        return f"{self._identity.role}/{self._identity.name}"

    def close(self) -> None:
        """Ends subscriptions and the connection. Again does nothing."""
        with self._lock:
            self._closed = True
            channel, self._channel = self._channel, None
            subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            subscription.end(None)
        self._scope.end()
        self._watches.end()
        if channel is not None:
            channel.close()

    # History

    def query(
        self,
        *,
        thing: str = "",
        topic: str = "#",
        start: Time | None = None,
        end: Time | None = None,
        limit: int | None = None,
        page_size: int = 1_000,
    ) -> Iterator[Record]:
        """Stored messages, the newest sample first. Pages are fetched as they are needed.

        :param thing: Only messages of this thing; of all where it is empty.
        :param topic: Only topics that match this filter (MQTT 3.1.1).
        :param start: Only samples at or after this.
        :param end: Only samples before this.
        :param limit: At most so many.
        :param page_size: At most so many at a time, 1 to 10,000.
        :raises InvalidMessageError: The filter or a time is malformed.
        :raises HedgerowError: The cloud refused, or did not answer.
        """
        check_filter(topic)
        request = telemetry_pb2.QueryRequest(
            thing=thing,
            topic_filter=topic,
            page_size=page_size if limit is None else max(1, min(page_size, limit)),
        )
        if start is not None:
            request.start_time.CopyFrom(packer.timestamp(messages.microseconds(start)))
        if end is not None:
            request.end_time.CopyFrom(packer.timestamp(messages.microseconds(end)))
        return self._pages(request, limit)

    def _pages(self, request: telemetry_pb2.QueryRequest, limit: int | None) -> Iterator[Record]:
        left = limit if limit is not None else float("inf")
        while left > 0:
            page = self._call(
                lambda telemetry: telemetry.query(request, timeout=self._timeout, metadata=tracing.metadata())
            )
            for record in page.records:
                if left <= 0:
                    return
                left -= 1
                yield Record.from_wire(record)
            if not page.next_page_token:
                return
            request.page_token = _next_token(request.page_token, page.next_page_token)

    def ledger(self, thing: str) -> Ledger:
        """Whether anything of a thing was lost, exactly.

        :raises HedgerowError: There is no such thing (``NOT_FOUND``), the cloud refused, or did not answer.
        """
        request = telemetry_pb2.GetLedgerRequest(thing=thing)
        first: telemetry_pb2.GetLedgerResponse | None = None
        ranges: list[LedgerRange] = []
        while True:
            page = self._call(
                lambda telemetry: telemetry.get_ledger(request, timeout=self._timeout, metadata=tracing.metadata())
            )
            first = first or page
            ranges += [ledger_range(entry) for entry in page.ranges]
            if not page.next_page_token:
                break
            request.page_token = _next_token(request.page_token, page.next_page_token)
        return Ledger(
            thing=thing,
            received=first.received,
            lost=first.lost,
            missing=first.missing,
            days=tuple(ledger_day(day) for day in first.days),
            ranges=tuple(ranges),
        )

    # Live

    def subscribe(self, *filters: str, thing: str = "", buffer: int = 1_000) -> Subscription:
        """Messages as they arrive in the cloud, from now on (QoS 0)::

            with cloud.subscribe("+/readings") as live:
                for record in live:
                    ...

        A lost connection is made again. What was missed meanwhile, or because the loop was too slow, is in
        :meth:`query`; :attr:`Subscription.missed` counts the latter.

        :param filters: 1 to 100 topic filters (MQTT 3.1.1).
        :param thing: Only messages of this thing.
        :param buffer: Messages that wait for the loop, 1 to 10,000.
        :raises InvalidMessageError: A filter is malformed.
        :raises ClosedError: The client is closed.
        """
        subscription = Subscription(filters, 0, buffer, thing=thing, on_closed=self._forget)
        with self._lock:
            if self._closed:
                raise ClosedError("The client is closed.")
            self._subscriptions.append(subscription)
        threading.Thread(
            target=self._follow, args=(subscription,), name=f"hedgerow-subscription-{filters[0]}", daemon=True
        ).start()
        return subscription

    def _follow(self, subscription: Subscription) -> None:
        waits = self._backoff.waits()
        number = 0
        while not subscription.is_closed and not self._scope.has_ended:
            connected = threading.Event()
            identity = self._fresh_identity()
            targets = cloud_targets(identity)
            with dial(targets[number % len(targets)], identity) as channel:
                try:
                    subscription.session(Telemetry(channel), self._scope, connected.set)
                except HedgerowError as error:
                    if not error.is_unreachable and error.reason not in (None, "SHUTTING_DOWN", "STORAGE_FAILED"):
                        subscription.end(error)
                        return
            if connected.is_set():
                waits = self._backoff.waits()
            number += 1
            if not subscription.is_closed:
                self._scope.wait(next(waits))

    def _forget(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)

    # Shadows

    def shadow(self, thing: str, name: str = "") -> Shadow:
        """A shadow of a thing, as the cloud has it.

        :param thing: Name of the thing.
        :param name: Name of the shadow; empty for the classic one.
        """
        return Shadow(_ClientShadows(self), thing, name, self._watches)

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
        timeout: float | None = None,
    ) -> None:
        """Publishes one message at QoS 1 and waits until the cloud has it on disk.

        It reaches things through subscriptions of their groups: ``from: cloud, to: thing:NAME``. One that times out
        may have arrived all the same; it is not sent again later.

        :param topic: 1 to 256 bytes of UTF-8, at most 8 levels, no wildcards, not beginning with ``$``.
        :param content: 1 to 256 named values, or bytes; at most 1 MiB together.
        :param units: Units by field name.
        :param time: When it was made; now where it is None.
        :param content_type: Media type of the bytes.
        :param traceparent: W3C ``traceparent`` of the trace that the message goes on with. That of the active span
            where it is None and ``opentelemetry-api`` is installed; an empty one for no trace.
        :param timeout: Seconds; the client's where it is None.
        :raises InvalidMessageError: The message breaks a limit; nothing was sent.
        :raises MessageRejectedError: The cloud refused it for ever.
        :raises NotAcknowledgedError: The time is over.
        :raises HedgerowError: The cloud refused the call.
        """
        message = messages.outgoing(topic, content, units, time, content_type, traceparent)
        limit = self._timeout if timeout is None else timeout
        deadline = clock.monotonic() + limit
        waits = Backoff(initial=0.1, maximum=5).waits()
        problem: HedgerowError | None = None
        with self._publishing:
            self._sequence += 1
            request = telemetry_pb2.PublishRequest()
            request.session.stream = self._stream
            request.session.epoch = self._epoch
            request.session.oldest_sequence = self._sequence
            request.session.level = telemetry_pb2.ACKNOWLEDGEMENT_LEVEL_SYNCED
            request.publications.add(sequence=self._sequence, message=packer.plain(message))
            while (left := deadline - clock.monotonic()) > 0:
                try:
                    self._call(lambda telemetry: self._send(telemetry, request, left))
                    return
                except MessageRejectedError:
                    raise
                except HedgerowError as error:
                    if not error.is_unreachable and error.reason not in (
                        "SESSION_SUPERSEDED",
                        "SHUTTING_DOWN",
                        "STORAGE_FAILED",
                        "QUEUE_FULL",
                    ):
                        raise
                    problem = error
                self._scope.wait(min(next(waits), max(deadline - clock.monotonic(), 0)))
        raise NotAcknowledgedError(1, limit, str(problem) if problem else None)

    def _send(self, telemetry: Telemetry, request: telemetry_pb2.PublishRequest, timeout: float) -> None:
        sequence = request.publications[0].sequence
        answered = threading.Event()

        def requests() -> Iterator[telemetry_pb2.PublishRequest]:
            yield request
            # The request stays open until the answer is there.
            answered.wait(timeout)

        call = telemetry.publish(requests(), timeout=timeout)
        try:
            for response in call:
                for rejection in response.rejected:
                    if rejection.first_sequence <= sequence <= rejection.last_sequence:
                        raise MessageRejectedError(reason_name(rejection.reason), rejection.detail)
                if response.acknowledged_sequence >= sequence:
                    return
            raise HedgerowError(
                "The cloud ended the call without acknowledging the message.", code=grpc.StatusCode.UNAVAILABLE
            )
        finally:
            answered.set()
            call.cancel()

    # Calls

    def _fresh_identity(self) -> Identity:
        """The identity, renewed where that is due; where that fails, the one before, which may still be good."""
        with self._lock:
            identity = self._identity
            if identity.renew_time > datetime.now(UTC) or clock.monotonic() < self._next_renewal:
                return identity
            self._next_renewal = clock.monotonic() + _RENEWAL_PAUSE_SECONDS
        try:
            identity = enrollment.renew(identity, self._directory, self._connect_timeout)
        except HedgerowError as error:
            _log.warning("renewing the certificate of %s failed: %s", self.name, error)
            return identity
        with self._lock:
            # Calls that are under way go on with the certificate that they began with.
            self._identity, self._channel = identity, None
        return identity

    def _call(self, body: Callable[[Telemetry], _T]) -> _T:
        return self._call_on_channel(lambda channel: body(Telemetry(channel)))

    def _call_on_channel(self, body: Callable[[grpc.Channel], _T]) -> _T:
        """Calls the cloud; where an address does not answer, the next one."""
        identity = self._fresh_identity()
        targets = cloud_targets(identity)
        failure = HedgerowError("No address of the cloud is known; enrol again with a new token.")
        for _ in targets:
            with self._lock:
                if self._closed:
                    raise ClosedError("The client is closed.")
                target = targets[self._address % len(targets)]
                if self._channel is None:
                    self._channel = dial(target, identity)
                channel = self._channel
            try:
                return body(channel)
            except grpc.RpcError as error:
                failure = HedgerowError.from_rpc(error, at=str(target.endpoint))
            if failure.code is not grpc.StatusCode.UNAVAILABLE or failure.reason is not None:
                break
            with self._lock:
                if self._channel is channel:
                    # Not closed: calls of other threads may be under way on it, and end by themselves.
                    self._channel = None
                    self._address += 1
        raise failure


class _ClientShadows:
    """The line of a client's shadows (``ShadowLink``)."""

    # Like all calls of a client: one attempt, and whoever asks decides.
    patience: Final = 0.0
    # As subscriptions do.
    watch_patience: Final = float("inf")

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def is_closed(self) -> bool:
        return self._client._scope.has_ended

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return tracing.metadata()

    def wait(self, seconds: float) -> bool:
        return self._client._scope.wait(seconds)

    def ask(self, body: Callable[[Shadows], _T]) -> _T:
        return self._client._call_on_channel(lambda channel: body(Shadows(channel)))

    def read(self, body: Callable[[], _T]) -> _T:
        try:
            return body()
        except (grpc.RpcError, ValueError) as error:
            if self.is_closed:
                raise ClosedError("The client is closed.") from error
            if isinstance(error, grpc.RpcError):
                raise HedgerowError.from_rpc(error) from error
            raise


def _next_token(before: str, after: str) -> str:
    if before == after:
        raise HedgerowError("The cloud repeated a page token; report this as a fault of the cloud.")
    return after


def _is_spent(token: str | os.PathLike[str], home: str | os.PathLike[str] | None) -> bool:
    """Whether the token file is gone and an identity is there that does not need it any more."""
    place = home if home is not None else default_home()
    return not os.path.exists(token) and IdentityDirectory(place).load() is not None
