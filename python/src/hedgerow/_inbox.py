"""The stream on which a component gets its messages and gives back their results."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import grpc

from ._backoff import Backoff
from ._core import CoreLink, is_passing
from ._errors import HedgerowError, InvalidMessageError, ProtocolError, SupersededError
from ._publisher import _copy, _Deadline
from ._subscription import _key, _Key
from .component.v1 import component_pb2
from .type.v1 import message_pb2

__all__ = ["MAXIMUM_IN_FLIGHT", "Inbox", "InboxBuffer", "Item"]

_log = logging.getLogger("hedgerow")

MAXIMUM_IN_FLIGHT: Final = 1_000
"""Most messages that a program may have without a result."""
MAXIMUM_RESULT_MESSAGES: Final = 1_000
MAXIMUM_FAILURE_BYTES: Final = 1_000
# What one request may have; the core takes 4 MiB, framing included.
MAXIMUM_RESULT_BYTES: Final = (4 << 20) - (64 << 10)
# A session that lasted so long worked, whether or not a message came.
_USEFUL_SECONDS: Final = 1.0


@dataclass(slots=True, eq=False)
class Item:
    """A message between the core and the program."""

    event: component_pb2.Event
    key: _Key | None
    """Which message it is, whatever stream it came on; None with QoS 0."""
    session: int
    """The number of the stream that delivered it last; in another one its delivery id means nothing."""


@dataclass(slots=True, eq=False)
class _Group:
    """Results that are stored together, or not at all."""

    messages: list[message_pb2.Message]
    failure: str
    size: int
    keys: list[_Key] = field(default_factory=list)
    """Their messages, in the order of their results. Outputs belong to the last one."""
    returned: dict[_Key, int] = field(default_factory=dict)
    """Delivery ids of those that came again."""


class InboxBuffer:
    """What a program holds: a state machine without input, output or lock.

    The core never has more credit than there is room, so the buffer is bounded. A message that comes again after a lost
    stream is not handed out twice: while the program still has it, its result goes out under the new delivery id, and
    one that the program is done with gets the same result again.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._pending: deque[Item] = deque()
        # What is pending or in the program's hands.
        self._open: dict[_Key, Item] = {}
        # What the program is done with and the core has not confirmed, the oldest first.
        self._results: dict[_Key, _Group] = {}
        self._outgoing: deque[tuple[int, list[component_pb2.EventResult]]] = deque()
        # Delivery ids of this session that wait for their confirmation.
        self._unconfirmed: dict[int, _Key | None] = {}
        self._outstanding = 0
        # Delivered in this session, without a result.
        self._held = 0
        self._live = False
        self._session = 0

    def begin_session(self) -> None:
        """A stream begins: delivery ids of the one before mean nothing any more."""
        self.end_session()
        self._live = True
        self._session += 1
        # The core delivers the others again. Of those at QoS 0 as many as fit are kept.
        volatile = [item for item in self._pending if item.key is None]
        if len(volatile) > self._capacity:
            gone = set(map(id, volatile[: -self._capacity]))
            self._pending = deque(item for item in self._pending if id(item) not in gone)

    def end_session(self) -> None:
        """The stream has ended."""
        self._live = False
        self._outstanding = self._held = 0
        self._outgoing.clear()
        self._unconfirmed.clear()
        for group in self._results.values():
            group.returned.clear()

    def receive(self, event: component_pb2.Event) -> None:
        """Takes a message.

        :raises ProtocolError: The core had no credit for it.
        """
        if self._outstanding <= 0:
            raise ProtocolError("The core delivered more messages than it had credit for.")
        self._outstanding -= 1
        self._held += 1
        key = _key(event.record.origin)
        if key is not None and (group := self._results.get(key)) is not None:
            group.returned[key] = event.delivery_id
            if len(group.returned) == len(group.keys):
                self._queue(group, [(group.returned[known], known) for known in group.keys])
        elif key is not None and key in self._open:
            item = self._open[key]
            item.event.delivery_id = event.delivery_id
            item.session = self._session
        else:
            item = Item(event, key, self._session)
            if key is not None:
                self._open[key] = item
            self._pending.append(item)

    def take(self) -> Item | None:
        """The next message for the program."""
        return self._pending.popleft() if self._pending else None

    def finish(self, items: Sequence[Item], messages: list[message_pb2.Message], failure: str) -> None:
        """The program is done with messages; their results are stored together.

        :raises InvalidMessageError: The outputs are too many or too large.
        """
        size = sum(message.ByteSize() + 8 for message in messages) + len(failure.encode())
        if len(messages) > MAXIMUM_RESULT_MESSAGES or size > MAXIMUM_RESULT_BYTES:
            raise InvalidMessageError(
                f"A result has {len(messages)} messages and {size} bytes; at most {MAXIMUM_RESULT_MESSAGES:,} messages "
                f"and {MAXIMUM_RESULT_BYTES:,} bytes are allowed. Publish the rest with other events, or in parts."
            )
        group = _Group(messages, failure, size)
        now: list[tuple[int, _Key | None]] = []
        for item in items:
            if item.key is not None:
                self._open.pop(item.key, None)
                self._results[item.key] = group
                group.keys.append(item.key)
            if self._live and item.session == self._session:
                now.append((item.event.delivery_id, item.key))
                if item.key is not None:
                    group.returned[item.key] = item.event.delivery_id
            elif item.key is None:
                # Nobody knows it any more: nothing is left to be said about a QoS 0 message of a stream that is over.
                _log.info("the result of a QoS 0 message was dropped, because the core's stream had ended")
        if now and all(key is None or key in group.returned for key in group.keys):
            self._queue(group, now)
        self._forget()

    def confirm(self, delivery_ids: Sequence[int]) -> None:
        """The core has stored results."""
        for number in delivery_ids:
            key = self._unconfirmed.pop(number, None)
            if key is not None:
                self._results.pop(key, None)

    def answer(self, want_more: bool) -> component_pb2.ReceiveRequest | None:
        """What to tell the core now: credit, and results that fit into one request."""
        if not self._live:
            return None
        request = component_pb2.ReceiveRequest()
        size = 0
        while self._outgoing:
            bytes_of_next, results = self._outgoing[0]
            full = (
                len(request.results) + len(results) > MAXIMUM_IN_FLIGHT
                or size + bytes_of_next > MAXIMUM_RESULT_BYTES
            )
            if request.results and full:
                break
            request.results.extend(results)
            size += bytes_of_next
            self._outgoing.popleft()
        free = self._capacity - self._held - self._outstanding
        # In halves, so that not each message costs a request; all of it where nothing could come otherwise.
        if want_more and free > 0 and (free >= self._capacity // 2 or self._outstanding == 0):
            request.add_credit = free
            self._outstanding += free
        return request if request.add_credit or request.results else None

    def _queue(self, group: _Group, deliveries: Sequence[tuple[int, _Key | None]]) -> None:
        results = [
            component_pb2.EventResult(delivery_id=number, failure=group.failure) for number, _ in deliveries
        ]
        results[-1].messages.extend(group.messages)
        self._outgoing.append((group.size + 16 * len(results), results))
        self._unconfirmed.update(deliveries)
        self._held = max(self._held - len(results), 0)

    def _forget(self) -> None:
        """Results whose confirmation was lost with a stream never get another; what comes again comes at once."""
        while len(self._results) > 4 * MAXIMUM_IN_FLIGHT:
            del self._results[next(iter(self._results))]


class Inbox:
    """Keeps the stream at the core, on a thread of its own, until it is closed or the core is gone."""

    def __init__(self, link: CoreLink, changed: threading.Condition, one_at_a_time: bool, in_flight: int) -> None:
        self._link = link
        self._changed = changed
        self.one_at_a_time: bool = one_at_a_time
        """Whether the core sends the next message when it has the result of the one before."""
        self._buffer = InboxBuffer(in_flight)
        self._closing = False
        self._closed = False
        self._ended: HedgerowError | None = None
        self._call: grpc.Call | None = None
        # Whether anything came on the stream.
        self._came = False
        # Whether the last stream is over, and was ended by the core with everything stored.
        self._has_ended = False
        self._in_order = False
        self.dropped: int = 0
        """Messages at QoS 0 that the core dropped because too many waited."""
        self._thread = threading.Thread(target=self._serve, name="hedgerow-inbox", daemon=True)
        self._thread.start()

    # The program's side; the condition is held.

    def take(self) -> Item | None:
        """The next message.

        :raises HedgerowError: Whatever ended the inbox.
        """
        item = self._buffer.take()
        if item is None and self._ended is not None:
            raise _copy(self._ended)
        return item

    def finish(self, items: Sequence[Item], messages: list[message_pb2.Message], failure: str) -> None:
        """Takes the result of messages, stored together.

        :raises InvalidMessageError: The outputs are too many or too large.
        """
        text = failure.encode(errors="replace")[:MAXIMUM_FAILURE_BYTES].decode(errors="ignore")
        self._buffer.finish(items, messages, text)
        self._changed.notify_all()

    # Life

    def close(self, timeout: float) -> bool:
        """Takes nothing more, tells the last results, and waits until the core has stored what it can.

        It stores results in the order of the messages: those behind one that has none come again.

        :returns: Whether the core ended the stream in good order.
        """
        deadline = _Deadline(timeout)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            while not self._has_ended and deadline.wait(self._changed):
                pass
            self._closed = True
            self._changed.notify_all()
            call = self._call
        if call is not None:
            call.cancel()
        self._thread.join(2)
        return self._in_order

    def _serve(self) -> None:
        waits = (backoff := Backoff(initial=0.1, maximum=2)).waits()
        down_since: float | None = None
        while True:
            began = time.monotonic()
            problem = HedgerowError("The core ended the stream.", code=grpc.StatusCode.UNAVAILABLE)
            self._came = False
            ended_well = True
            try:
                self._session()
            except HedgerowError as error:
                problem, ended_well = error, False
            if self._is_closing():
                with self._changed:
                    self._in_order = ended_well and not self._closed
                    self._has_ended = True
                    self._changed.notify_all()
                return
            now = time.monotonic()
            if self._came or now - began > _USEFUL_SECONDS:
                waits, down_since = backoff.waits(), now
            elif down_since is None:
                down_since = now
            if not is_passing(problem):
                self._end(problem)
                return
            if now - down_since >= self._link.patience:
                text = f"The core at {self._link.socket} has been away for {self._link.patience:g} s: {problem}"
                self._end(HedgerowError(text, code=problem.code, reason=problem.reason))
                return
            _log.warning("the stream of messages ended and is tried again: %s", problem)
            self._pause(next(waits))

    def _session(self) -> None:
        """One stream, until it ends.

        :raises HedgerowError: Why it ended, unless the inbox was closed.
        """
        over = threading.Event()
        with self._changed:
            if self._closing:
                return
            self._buffer.begin_session()
            self._call = call = self._link.stubs.receive(self._requests(over), metadata=self._link.metadata)
        try:
            for response in call:
                self._came = True
                with self._changed:
                    for event in response.events:
                        self._buffer.receive(event)
                    self._buffer.confirm(response.stored_delivery_ids)
                    self.dropped += response.dropped
                    self._changed.notify_all()
        except grpc.RpcError as error:
            if not self._is_closed():
                raise HedgerowError.from_rpc(error, at=self._link.socket) from error
        finally:
            call.cancel()
            with self._changed:
                over.set()
                self._buffer.end_session()
                self._call = None
                self._changed.notify_all()

    def _requests(self, over: threading.Event) -> Iterator[component_pb2.ReceiveRequest]:
        start = component_pb2.ReceiveStart(one_at_a_time=self.one_at_a_time)
        first = True
        while True:
            with self._changed:
                while (
                    (request := self._buffer.answer(not self._closing)) is None
                    and not first
                    and not over.is_set()
                    and not self._closing
                ):
                    self._changed.wait()
                if over.is_set():
                    return
            request = request or component_pb2.ReceiveRequest()
            if first:
                request.start.CopyFrom(start)
                first = False
            elif not (request.add_credit or request.results):
                return
            yield request

    def _pause(self, seconds: float) -> None:
        deadline = _Deadline(seconds)
        with self._changed:
            while not self._closing and deadline.wait(self._changed):
                pass

    def _is_closed(self) -> bool:
        with self._changed:
            return self._closed

    def _is_closing(self) -> bool:
        with self._changed:
            return self._closing

    def _end(self, error: HedgerowError) -> None:
        if error.reason == "SESSION_SUPERSEDED":
            error = SupersededError(
                "Another program receives as this instance and took over; a component has one that receives.",
                code=error.code,
                reason=error.reason,
            )
        with self._changed:
            self._ended = error
            self._has_ended = True
            self._changed.notify_all()
