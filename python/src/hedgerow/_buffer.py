"""What a publisher knows about its messages: a state machine without input, output, clock or lock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal

from . import _ranges as ranges
from ._errors import InvalidConfigurationError, ProtocolError
from ._messages import OutgoingMessage

__all__ = ["Limits", "Outgoing", "Overflow", "PublisherBuffer", "Settlement"]

Overflow = Literal["wait", "drop-oldest"]
"""What ``publish`` does when the buffer is full: wait for room, or drop the oldest message and declare it lost."""

# Most bytes of one request on the wire, well below the 4 MiB that a server takes.
_REQUEST_BYTES: Final = 2 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what a thing keeps in memory and sends at once."""

    buffered_messages: int = 10_000
    """Most QoS 1 messages kept until they are acknowledged, at least 1."""
    buffered_bytes: int = 16 << 20
    """Most bytes of QoS 1 messages kept until they are acknowledged, at least 1 MiB, the largest message."""
    volatile_messages: int = 1_000
    """Most QoS 0 messages that wait for a busy stream; the oldest is dropped and counted."""
    batch_messages: int = 1_000
    """Most messages in one batch, 1 to 1,000."""
    batch_bytes: int = 32 << 10
    """Most bytes in one batch, 1 KiB to 1 MiB. A larger message goes alone. A core takes or refuses a batch as a whole;
    the default fits into the smallest stream that a group may have (64 KiB)."""

    def __post_init__(self) -> None:
        if not (
            self.buffered_messages >= 1
            and self.buffered_bytes >= 1 << 20
            and self.volatile_messages >= 1
            and 1 <= self.batch_messages <= 1_000
            and 1 << 10 <= self.batch_bytes <= 1 << 20
        ):
            raise InvalidConfigurationError(f"{self} cannot work: see the bounds of its fields.")

    @property
    def request_messages(self) -> int:
        """Most messages of one request on the wire."""
        return 4 * self.batch_messages


@dataclass(slots=True)
class Settlement:
    """What an acknowledgement settled."""

    accepted: ranges.Ranges = field(default_factory=list)
    """A server has these for good."""
    rejected: ranges.Ranges = field(default_factory=list)
    """A server refused these for ever."""
    lost: ranges.Ranges = field(default_factory=list)
    """These are declared lost, and a server knows."""


@dataclass(slots=True)
class Outgoing:
    """What a session sends next."""

    volatile: list[OutgoingMessage] = field(default_factory=list)
    """Messages of QoS 0."""
    lost: tuple[int, int] | None = None
    """To be declared lost before the messages."""
    first_sequence: int = 0
    """Sequence of the first message."""
    messages: list[OutgoingMessage] = field(default_factory=list)
    """Consecutive messages of QoS 1."""
    first_time: int = 0
    """How many of them were never sent before."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return not (self.volatile or self.lost or self.messages)


class PublisherBuffer:
    """Messages between ``publish`` and the acknowledgement.

    Every sequence from 1 up to the newest is in exactly one place, in this order::

        1 … acknowledged | acknowledged + 1 … first_held - 1 | first_held … newest
        done with        | dropped, to be accounted for      | held

    Only the oldest held message is ever dropped, so what was dropped is always one range. A session sends from
    ``send_next`` on: first the dropped range (as lost), then what is held. What a session has sent already and loses
    afterwards to a full buffer is not declared lost while that session lives: the server most likely has it and will
    acknowledge it.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held: dict[int, OutgoingMessage] = {}
        self._volatile: deque[OutgoingMessage] = deque()
        self._first_held = 1
        self._newest_sent = 0
        # Sequence that the live session sends next, None while no session may send.
        self._send_next: int | None = None
        # Declared lost, or refused by a server, and not settled yet.
        self._declared_lost: ranges.Ranges = []
        self._refused: ranges.Ranges = []
        self.acknowledged = 0
        """Everything up to here is settled."""
        self.held_bytes = 0
        """Bytes of what is held."""

    @property
    def newest(self) -> int:
        """The newest sequence given out, 0 before the first."""
        return self._first_held - 1 + len(self._held)

    @property
    def unsettled(self) -> int:
        """How many sequences are held, or dropped and still to be accounted for."""
        return self.newest - self.acknowledged

    @property
    def volatile_count(self) -> int:
        """QoS 0 messages that wait for the stream."""
        return len(self._volatile)

    @property
    def oldest_sequence(self) -> int:
        """Where a new session can begin: the oldest sequence that is held or can be accounted for."""
        return self.acknowledged + 1

    @property
    def is_resumed(self) -> bool:
        """Whether a session may send."""
        return self._send_next is not None

    @property
    def has_work(self) -> bool:
        """Whether the session has something to send."""
        return self._send_next is not None and (self._send_next <= self.newest or bool(self._volatile))

    def has_room(self, cost: int) -> bool:
        """Whether a message that counts for so many bytes finds room."""
        return (
            len(self._held) < self._limits.buffered_messages
            and self.held_bytes + cost <= self._limits.buffered_bytes
        )

    def append(self, message: OutgoingMessage, overflow: Overflow) -> tuple[int, tuple[int, int] | None] | None:
        """Keeps a QoS 1 message: its sequence, and what gave way to it. None where there is no room."""
        dropped: tuple[int, int] | None = None
        while not self.has_room(message.cost):
            if overflow != "drop-oldest" or not self._held:
                return None
            oldest = self._first_held
            self.held_bytes -= self._held.pop(oldest).cost
            dropped = (dropped[0] if dropped else oldest, oldest)
            self._first_held += 1
        previous = self._held.get(self.newest)
        if previous is not None and previous.shape == message.shape:
            # So that a buffer of equal readings holds their names once.
            message.shape = previous.shape
        sequence = self.newest + 1
        self._held[sequence] = message
        self.held_bytes += message.cost
        return sequence, dropped

    def append_volatile(self, message: OutgoingMessage) -> int:
        """Queues a QoS 0 message; returns how many were dropped, this one or the oldest before it."""
        if not self.is_resumed:
            return 1
        self._volatile.append(message)
        if len(self._volatile) <= self._limits.volatile_messages:
            return 0
        self._volatile.popleft()
        return 1

    def resume(self, after: int) -> Settlement:
        """A server answered a new session: what it has needs not be sent again.

        :raises ProtocolError: It claims to have what was never sent.
        """
        if after > self._newest_sent:
            raise ProtocolError(f"The server resumes after {after}, but only {self._newest_sent} were ever sent.")
        settlement = self._settle(after)
        self._send_next = self.acknowledged + 1
        return settlement

    def end_session(self) -> int:
        """The session ended; returns how many QoS 0 messages were waiting and are dropped."""
        dropped = len(self._volatile)
        self._volatile.clear()
        self._send_next = None
        return dropped

    def next(self) -> Outgoing:
        """Takes what the session sends next, bounded by the limits of one request."""
        outgoing = Outgoing()
        if self._send_next is None:
            return outgoing
        limits = self._limits
        size = 0
        while self._volatile and len(outgoing.volatile) < limits.request_messages and size < _REQUEST_BYTES:
            message = self._volatile.popleft()
            outgoing.volatile.append(message)
            size += message.cost
        sequence = self._send_next
        if sequence < self._first_held:
            outgoing.lost = (sequence, self._first_held - 1)
            self._declared_lost = ranges.inserting(*outgoing.lost, self._declared_lost)
            self._newest_sent = max(self._newest_sent, outgoing.lost[1])
            sequence = self._first_held
        outgoing.first_sequence = sequence
        while len(outgoing.messages) < limits.request_messages:
            held = self._held.get(sequence)
            if held is None or (size > 0 and size + held.cost > _REQUEST_BYTES):
                break
            outgoing.messages.append(held)
            size += held.cost
            if sequence > self._newest_sent:
                self._newest_sent = sequence
                outgoing.first_time += 1
            sequence += 1
        self._send_next = sequence
        return outgoing

    def refuse(self, first: int, last: int) -> int:
        """Notes that a server refused sequences for ever; the acknowledgement that covers them settles them.

        Returns how many of them were not settled before.
        """
        low, high = max(first, self.acknowledged + 1), min(last, self._newest_sent)
        if low > high:
            return 0
        self._refused = ranges.inserting(low, high, self._refused)
        return high - low + 1

    def acknowledge(self, through: int) -> Settlement:
        """A server acknowledged everything up to a sequence.

        :raises ProtocolError: That was never sent in this session.
        """
        if through <= self.acknowledged:
            return Settlement()
        if self._send_next is None or through >= self._send_next:
            sent = (self._send_next or 1) - 1
            raise ProtocolError(f"The server acknowledges {through}, but only {sent} were sent.")
        return self._settle(through)

    def _settle(self, through: int) -> Settlement:
        if through <= self.acknowledged:
            return Settlement()
        window = (self.acknowledged + 1, through)
        rejected = ranges.intersecting(self._refused, *window)
        # A refused message reached the server, so it is not lost whatever was declared before.
        lost: ranges.Ranges = []
        for low, high in ranges.intersecting(self._declared_lost, *window):
            lost += ranges.subtracting(rejected, low, high)
        settled = rejected
        for low, high in lost:
            settled = ranges.inserting(low, high, settled)
        accepted = ranges.subtracting(settled, *window)
        self._refused = ranges.dropping(through, self._refused)
        self._declared_lost = ranges.dropping(through, self._declared_lost)
        while self._first_held <= through:
            message = self._held.pop(self._first_held, None)
            if message is not None:
                self.held_bytes -= message.cost
            self._first_held += 1
        self.acknowledged = through
        if self._send_next is not None:
            self._send_next = max(self._send_next, through + 1)
        return Settlement(accepted, rejected, lost)
