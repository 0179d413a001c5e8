"""Messages that come to a subscriber, and what it still has to acknowledge."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import grpc

from . import _topics as topics
from ._backoff import Backoff
from ._errors import ClosedError, HedgerowError, InvalidConfigurationError, InvalidMessageError, ProtocolError
from ._publisher import _copy, _Deadline
from ._records import Record
from ._wire import Telemetry
from .telemetry.v1 import telemetry_pb2
from .type.v1 import message_pb2

__all__ = ["Subscription", "SubscriptionBuffer"]

_log = logging.getLogger("hedgerow")

_Key = tuple[str, bytes, int, str, int]


@dataclass(slots=True, eq=False)
class Item:
    """A message between the server and its handler."""

    record: Record
    key: _Key | None
    """Which message it is, wherever it comes from; None without an identity (QoS 0)."""
    delivery_id: int
    """Its id in the session that delivered it last, 0 where there is nothing to acknowledge."""
    session: int
    """The number of that session; in another one the id means nothing."""


class SubscriptionBuffer:
    """What a subscription holds: a state machine without input, output or lock.

    The server never has more credit than there is room, so the buffer is bounded whatever it does. The same message
    delivered again (after a reconnect, by another core) is acknowledged and not handed out twice, as far back as
    ``remembered`` messages.
    """

    def __init__(self, capacity: int, remembered: int = 4_096) -> None:
        self._capacity = capacity
        self._remembered = remembered
        self._pending: deque[Item] = deque()
        # What is pending or in a handler's hands.
        self._open: dict[_Key, Item] = {}
        # What is done with, the oldest first.
        self._done: dict[_Key, None] = {}
        self._outstanding = 0
        self._acknowledgements: list[int] = []
        self._live = False
        self._session = 0

    def begin_session(self) -> None:
        """A stream begins: delivery ids of the one before mean nothing any more."""
        self.end_session()
        self._live = True
        self._session += 1

    def end_session(self) -> None:
        """The stream has ended."""
        self._live = False
        self._outstanding = 0
        self._acknowledgements = []

    def receive(self, delivery: telemetry_pb2.Delivery) -> None:
        """Takes a delivery.

        :raises ProtocolError: The server had no credit for it.
        """
        if self._outstanding <= 0:
            raise ProtocolError("The server delivered more messages than it had credit for.")
        self._outstanding -= 1
        key = _key(delivery.record.origin) if delivery.delivery_id else None
        if key is not None and key in self._done:
            self._acknowledgements.append(delivery.delivery_id)
        elif key is not None and key in self._open:
            self._open[key].delivery_id = delivery.delivery_id
            self._open[key].session = self._session
        else:
            item = Item(Record.from_wire(delivery.record), key, delivery.delivery_id, self._session)
            if key is not None:
                self._open[key] = item
            self._pending.append(item)

    def take(self) -> Item | None:
        """The next message for the handler."""
        return self._pending.popleft() if self._pending else None

    def finish(self, item: Item) -> None:
        """The handler is done with a message."""
        if self._live and item.delivery_id and item.session == self._session:
            self._acknowledgements.append(item.delivery_id)
        if item.key is None:
            return
        self._open.pop(item.key, None)
        self._done[item.key] = None
        if len(self._done) > self._remembered:
            del self._done[next(iter(self._done))]

    def answer(self) -> tuple[int, list[int]]:
        """Credit and acknowledgements to tell the server now. Credit is given in halves of the capacity."""
        if not self._live:
            return 0, []
        free = self._capacity - len(self._pending) - self._outstanding
        credit = free if free >= max(1, self._capacity // 2) else 0
        self._outstanding += credit
        acknowledgements, self._acknowledgements = self._acknowledgements, []
        return credit, acknowledgements


class Subscription(Iterator[Record]):
    """Messages in the order of their arrival: ``for record in subscription``.

    With QoS 1 a message is acknowledged when the next one is asked for, so the body of the loop is the handler, and a
    message whose handler raised, or never came to its end, is delivered again. :meth:`acknowledge` does it sooner.
    One thread uses a subscription at a time. The loop ends when the subscription or its owner is closed.
    """

    def __init__(
        self,
        filters: Sequence[str],
        qos: int,
        capacity: int,
        *,
        thing: str = "",
        on_missed: Callable[[int], None] | None = None,
        on_problem: Callable[[str], None] | None = None,
        on_closed: Callable[[Subscription], None] | None = None,
    ) -> None:
        if isinstance(filters, str) or not 1 <= len(filters) <= 100:
            raise InvalidMessageError("A subscription needs 1 to 100 topic filters.")
        for text in filters:
            topics.check_filter(text)
        if qos not in (0, 1):
            raise InvalidMessageError(f"The quality of service is 0 or 1, not {qos!r}.")
        if not 1 <= capacity <= 10_000:
            raise InvalidConfigurationError(f"A subscription holds 1 to 10,000 messages, not {capacity}.")
        self.filters: tuple[str, ...] = tuple(filters)
        """The topic filters."""
        self.qos: int = qos
        """0 or 1."""
        self.missed: int = 0
        """Messages that fell out of a server's queue before they could be delivered."""
        self._thing = thing
        self._on_missed = on_missed
        self._on_problem = on_problem
        self._on_closed = on_closed
        self._changed = threading.Condition()
        self._buffer = SubscriptionBuffer(capacity)
        self._in_hand: Item | None = None
        self._closed = False
        self._ended: HedgerowError | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Record:
        try:
            record = self.get()
        except ClosedError:
            raise StopIteration from None
        if record is None:
            raise StopIteration
        return record

    def get(self, timeout: float | None = None) -> Record | None:
        """Acknowledges the message before, and waits for the next one.

        :param timeout: Seconds; for as long as it takes where it is None, not at all where it is 0.
        :returns: None when the time is over.
        :raises ClosedError: The subscription was closed.
        :raises HedgerowError: Whatever ended its owner.
        """
        deadline = _Deadline(timeout)
        with self._changed:
            self._finish()
            while True:
                item = self._buffer.take()
                if item is not None:
                    self._in_hand = item
                    self._changed.notify_all()
                    return item.record
                if self._closed:
                    raise _copy(self._ended) if self._ended else ClosedError("The subscription is closed.")
                if not deadline.wait(self._changed):
                    return None

    def acknowledge(self) -> None:
        """Acknowledges the message that was handed out last, without asking for the next one."""
        with self._changed:
            self._finish()

    def close(self) -> None:
        """Ends the subscription. A message in hand that was not acknowledged is delivered again to the next one."""
        self.end(None)
        if self._on_closed is not None:
            self._on_closed(self)
        self.join(2)

    # The owner's side

    @property
    def is_closed(self) -> bool:
        """Whether it was closed, or its owner has ended."""
        with self._changed:
            return self._closed

    def end(self, error: HedgerowError | None) -> None:
        """Nothing more comes; with an error, whoever asks gets it after what is pending."""
        with self._changed:
            if not self._closed:
                self._closed, self._ended = True, error
            self._changed.notify_all()

    def start(self, telemetry: Telemetry, scope: Scope, backoff: Backoff) -> None:
        """Keeps the subscription at a server, on a thread of its own, until it is closed or the scope ends."""
        name = f"hedgerow-subscription-{self.filters[0]}"
        self._thread = threading.Thread(target=self._serve, args=(telemetry, scope, backoff), name=name, daemon=True)
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Waits until its thread has ended, so that no two streams of it live at once."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _serve(self, telemetry: Telemetry, scope: Scope, backoff: Backoff) -> None:
        waits = backoff.waits()
        while not scope.has_ended and not self.is_closed:
            try:
                self.session(telemetry, scope)
                problem = "the server ended it"
            except HedgerowError as error:
                problem = str(error)
            if scope.has_ended or self.is_closed:
                return
            text = f"The subscription to {', '.join(self.filters)} ended and is tried again: {problem}"
            _log.warning("%s", text)
            if self._on_problem is not None:
                self._on_problem(text)
            scope.wait(next(waits))

    def session(self, telemetry: Telemetry, scope: Scope, on_response: Callable[[], None] | None = None) -> None:
        """One stream, until it ends.

        :raises HedgerowError: Why it ended, unless the subscription was closed or the scope is over.
        """
        with self._changed:
            self._buffer.begin_session()
        over = threading.Event()
        call = telemetry.subscribe(self._requests(over))
        # Whoever closes the subscription or the scope ends the stream; what was handled is told first.
        watcher = threading.Thread(target=self._watch, args=(call, over), daemon=True)
        watcher.start()
        scope.add(call)
        try:
            for response in call:
                if on_response is not None:
                    on_response()
                self._receive(response)
        except grpc.RpcError as error:
            if not (self.is_closed or scope.has_ended):
                raise HedgerowError.from_rpc(error) from error
        finally:
            call.cancel()
            scope.remove(call)
            over.set()
            with self._changed:
                self._buffer.end_session()
                self._changed.notify_all()

    def _receive(self, response: telemetry_pb2.SubscribeResponse) -> None:
        with self._changed:
            for delivery in response.deliveries:
                self._buffer.receive(delivery)
            self.missed += response.dropped
            # A repeat gives its credit back without a handler having done anything, so writers wake up too.
            self._changed.notify_all()
        if response.dropped and self._on_missed is not None:
            self._on_missed(response.dropped)

    def _requests(self, over: threading.Event) -> Iterator[telemetry_pb2.SubscribeRequest]:
        request = telemetry_pb2.SubscribeRequest()
        request.start.topic_filters.extend(self.filters)
        request.start.at_least_once = self.qos == 1
        request.start.thing = self._thing
        first = True
        while True:
            with self._changed:
                while True:
                    credit, acknowledged = self._buffer.answer()
                    if first or credit or acknowledged or self._closed or over.is_set():
                        break
                    self._changed.wait()
                last = self._closed or over.is_set()
            if first or credit or acknowledged:
                request.add_credit = credit
                request.acknowledged_delivery_ids.extend(acknowledged)
                yield request
                request = telemetry_pb2.SubscribeRequest()
                first = False
            if last:
                return

    def _watch(self, call: Cancellable, over: threading.Event) -> None:
        with self._changed:
            while not self._closed and not over.is_set():
                self._changed.wait()
        # The last acknowledgements are on their way: servers do not confirm them, so they get a moment.
        over.wait(0.25)
        call.cancel()

    def _finish(self) -> None:
        if self._in_hand is not None:
            self._buffer.finish(self._in_hand)
            self._in_hand = None
            self._changed.notify_all()


class Cancellable(Protocol):
    """A call."""

    def cancel(self) -> object:
        """Ends it."""


class Scope:
    """The life of one connection: its calls end with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._calls: list[Cancellable] = []

    @property
    def has_ended(self) -> bool:
        """Whether it is over."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits, but not beyond the end; returns whether it is over."""
        return self._ended.wait(seconds)

    def add(self, call: Cancellable) -> None:
        """Takes a call; cancels it at once where the scope is over."""
        with self._lock:
            self._calls.append(call)
            ended = self._ended.is_set()
        if ended:
            call.cancel()

    def remove(self, call: Cancellable) -> None:
        """Forgets a call that has ended."""
        with self._lock:
            if call in self._calls:
                self._calls.remove(call)

    def end(self) -> None:
        """Ends it and cancels every call."""
        self._ended.set()
        with self._lock:
            calls = list(self._calls)
        for call in calls:
            call.cancel()


def _key(origin: message_pb2.Origin) -> _Key | None:
    if origin.last_sequence == 0:
        return None
    return origin.thing, origin.epoch, origin.last_sequence, origin.component_instance, origin.output_index
