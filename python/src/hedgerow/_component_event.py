"""What comes to a component, and what it makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Self

from google.protobuf.timestamp_pb2 import Timestamp

from . import _messages as messages
from ._errors import InvalidMessageError
from ._inbox import Item
from ._messages import Content, OutgoingMessage, Time, Value
from ._packer import plain
from ._records import Record, Status
from .type.v1 import message_pb2

__all__ = ["ComponentEvent", "Finisher", "Message", "Outputs", "gathered"]


class Message:
    """A message that a component publishes, checked where it is made.

    Made by :meth:`reading`, :meth:`payload` and :meth:`failure`. As the output of an event it takes the time and the
    trace of that event where it has none of its own.
    """

    __slots__ = ("_has_trace", "_wire")

    def __init__(self, outgoing: OutgoingMessage, has_time: bool, has_trace: bool) -> None:
        """For this package; programs call the three below."""
        self._wire = plain(outgoing)
        if not has_time:
            self._wire.ClearField("time")
        self._has_trace = has_trace or bool(outgoing.traceparent)

    def __repr__(self) -> str:
        return f"<Message {self.topic}: {self._wire.WhichOneof('content')}>"

    @property
    def topic(self) -> str:
        """Its topic."""
        return str(self._wire.topic)

    @classmethod
    def reading(
        cls,
        topic: str,
        values: Mapping[str, Value],
        *,
        units: Mapping[str, str] | None = None,
        time: Time | None = None,
        traceparent: str | None = None,
    ) -> Self:
        """Makes a reading: named values sampled at one instant.

        :param topic: 1 to 256 bytes of UTF-8, at most 8 levels, no wildcards, not beginning with ``$``.
        :param values: 1 to 256 named values, at most 1 MiB together.
        :param units: Units by field name.
        :param time: When it was sampled: a datetime with a time zone, or seconds since 1970. Where it is None, that of
            the event that it is an output of, otherwise now.
        :param traceparent: W3C ``traceparent``. Where it is None, that of the active span, or of the event.
        :raises InvalidMessageError: Something breaks a limit; the sentence says what.
        """
        made = messages.reading(topic, values, units, time, traceparent)
        return cls(made, time is not None, traceparent is not None)

    @classmethod
    def payload(
        cls,
        topic: str,
        data: bytes | bytearray | memoryview,
        *,
        content_type: str = "application/octet-stream",
        time: Time | None = None,
        traceparent: str | None = None,
    ) -> Self:
        """Makes a message of opaque bytes, at most 1 MiB; otherwise like :meth:`reading`."""
        made = messages.payload(topic, bytes(data), content_type, time, traceparent)
        return cls(made, time is not None, traceparent is not None)

    @classmethod
    def failure(cls, topic: str, reason: str, *, time: Time | None = None, traceparent: str | None = None) -> Self:
        """Makes a sample that could not be taken, and why (cut at 256 bytes); otherwise like :meth:`reading`."""
        made = messages.failure(topic, reason, time, traceparent)
        return cls(made, time is not None, traceparent is not None)

    @classmethod
    def of(
        cls,
        topic: str,
        content: Content,
        units: Mapping[str, str] | None,
        time: Time | None,
        content_type: str,
        traceparent: str | None,
    ) -> Self:
        """Makes a reading or opaque bytes, whichever the content is."""
        made = messages.outgoing(topic, content, units, time, content_type, traceparent)
        return cls(made, time is not None, traceparent is not None)

    def to_wire(self, *, trace: str = "", time: Timestamp | None = None) -> message_pb2.Message:
        """The message as the protocol has it.

        :param trace: The trace to go on with where it has none of its own.
        :param time: Its time where it has none of its own.
        """
        wire = message_pb2.Message()
        wire.CopyFrom(self._wire)
        if time is not None and not wire.HasField("time"):
            wire.time.CopyFrom(time)
        if not self._has_trace:
            wire.traceparent = trace
        return wire


Outputs = Message | Iterable[Message] | None
"""What a handler may return: nothing, a message, or several."""


def gathered(outputs: Outputs) -> list[Message]:
    """The messages that a handler returned.

    :raises InvalidMessageError: It returned something else.
    """
    if outputs is None:
        return []
    if isinstance(outputs, Message):
        return [outputs]
    if isinstance(outputs, (str, bytes, Mapping)) or not isinstance(outputs, Iterable):
        raise InvalidMessageError(
            f"A handler returns None, a message or several, not {type(outputs).__name__}; "
            "component.reading() makes one."
        )
    found = list(outputs)
    for message in found:
        if not isinstance(message, Message):
            raise InvalidMessageError(
                f"A handler returned {type(message).__name__} among its messages; component.reading() makes one."
            )
    return found


Finisher = Callable[[Sequence["ComponentEvent"], list[message_pb2.Message], str], None]
"""Takes the result of events: outputs, and why they failed where they did. Only the first result of one counts."""


class ComponentEvent:
    """A message for the component, from its inbox on the core's disk."""

    __slots__ = ("_finisher", "_item", "_outputs", "is_finished", "record")

    def __init__(self, item: Item, finisher: Finisher) -> None:
        """For this package; programs get events from a :class:`Component`."""
        self._item = item
        self._finisher = finisher
        self._outputs: list[Message] = []
        self.record: Record = Record.from_wire(item.event.record)
        """Everything known about the message."""
        self.is_finished: bool = False
        """Whether it has its result."""

    def __repr__(self) -> str:
        return f"<ComponentEvent {self.topic} of {self.thing or 'nobody'}, attempt {self.attempt}>"

    @property
    def attempt(self) -> int:
        """How often the core gave it to a program before, since the core started."""
        return int(self._item.event.attempt)

    @property
    def topic(self) -> str:
        """The topic."""
        return self.record.topic

    @property
    def time(self) -> datetime | None:
        """When it was sampled (UTC); None where nobody said."""
        return self.record.time

    @property
    def receive_time(self) -> datetime | None:
        """When the core received it (UTC)."""
        return self.record.receive_time

    @property
    def thing(self) -> str:
        """The thing that published it first."""
        return self.record.thing

    @property
    def values(self) -> dict[str, Value]:
        """The values of a reading by field; empty for opaque bytes."""
        return self.record.values

    @property
    def units(self) -> dict[str, str]:
        """The units of a reading by field."""
        return self.record.units

    @property
    def status(self) -> Status:
        """Whether the sample succeeded."""
        return self.record.status

    @property
    def status_reason(self) -> str:
        """Why it did not."""
        return self.record.status_reason

    @property
    def payload(self) -> bytes | None:
        """Opaque bytes; None for a reading."""
        return self.record.payload

    @property
    def text(self) -> str | None:
        """The payload as text; None for a reading and for bytes that are no UTF-8."""
        return self.record.text

    @property
    def content_type(self) -> str:
        """Media type of the payload."""
        return self.record.content_type

    @property
    def traceparent(self) -> str:
        """W3C ``traceparent`` of a sampled message, empty otherwise. Outputs go on with it."""
        return self.record.traceparent

    def publish(
        self,
        topic: str,
        content: Content,
        *,
        units: Mapping[str, str] | None = None,
        time: Time | None = None,
        content_type: str = "application/octet-stream",
        traceparent: str | None = None,
    ) -> None:
        """Adds a message to the event's result. It is published when the event is done, and not where it fails.

        Parameters are those of :meth:`Message.reading` and :meth:`Message.payload`.

        :raises InvalidMessageError: The message breaks a limit, or the event has its result.
        """
        if self.is_finished:
            raise InvalidMessageError("The event has its result; nothing can be added to it.")
        self._outputs.append(Message.of(topic, content, units, time, content_type, traceparent))

    def done(self, *outputs: Message) -> None:
        """Ends the event well. What :meth:`publish` added and ``outputs`` are published, in this order.

        Both happen in one transaction of the core: the messages are stored and the event leaves the inbox. Needed in
        ``for event in component.events()`` only; a handler that returns is done.

        :raises InvalidMessageError: More than 1,000 messages, or more than 4 MiB; the event is not finished then.
        """
        added = [message.to_wire(trace=self.traceparent) for message in (*self._outputs, *outputs)]
        self._finisher([self], added, "")

    def fail(self, reason: str) -> None:
        """Ends the event badly: nothing is published, and it becomes a dead letter of the instance.

        :param reason: Why, for people; cut at 1,000 bytes.
        """
        self._finisher([self], [], reason or "the component gave no reason")

    # For this package

    @property
    def item(self) -> Item:
        """Its delivery."""
        return self._item

    def added(self) -> list[message_pb2.Message]:
        """What :meth:`publish` has added so far, with time and trace of the event."""
        message = self._item.event.record.message
        time = message.time if message.HasField("time") else None
        return [output.to_wire(trace=self.traceparent, time=time) for output in self._outputs]
