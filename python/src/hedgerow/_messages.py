"""Messages on their way out, checked where they are made so that nothing malformed is ever buffered."""

from __future__ import annotations

import math
import numbers
import time as clock
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from ._errors import InvalidMessageError
from ._topics import check_topic
from ._tracing import checked

__all__ = ["Content", "OutgoingMessage", "Shape", "Time", "Value", "failure", "outgoing", "payload", "reading"]

Value = float | int | bool | str
"""What a field of a reading may be. numpy's scalars are taken too."""
Content = Mapping[str, Value] | bytes | bytearray | memoryview
"""What a message says: the named values of a reading, or opaque bytes."""
Time = datetime | float | int
"""A moment: a datetime with a time zone, or seconds since 1970-01-01T00:00:00Z."""

MAXIMUM_BYTES: Final = 1 << 20
MAXIMUM_FIELDS: Final = 256
MAXIMUM_FIELD_NAME_BYTES: Final = 128
MAXIMUM_UNIT_BYTES: Final = 64
MAXIMUM_TEXT_BYTES: Final = 64 << 10
MAXIMUM_CONTENT_TYPE_BYTES: Final = 256
MAXIMUM_STATUS_REASON_BYTES: Final = 256
# What framing, time and sequence take of a message, generously.
_OVERHEAD: Final = 48

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# 0001-01-01 and 9999-12-31, what a Timestamp holds.
_EARLIEST_US: Final = -62_135_596_800 * 1_000_000
_LATEST_US: Final = 253_402_300_800 * 1_000_000 - 1


class Shape(NamedTuple):
    """What readings of one kind have in common. Readings of one topic and one shape share a batch."""

    names: tuple[str, ...]
    """Field names, sorted, so that equal readings have equal shapes."""
    units: tuple[str, ...]
    """One unit a field, empty where it has none."""
    kinds: tuple[type[Value], ...]
    """One of float, int, bool and str a field."""


class OutgoingMessage:
    """A message of one of three forms: a reading, a reading that failed, opaque bytes."""

    __slots__ = (
        "content_type",
        "cost",
        "data",
        "reason",
        "shape",
        "time_doubtful",
        "time_us",
        "topic",
        "traceparent",
        "values",
    )

    def __init__(self, topic: str, time_us: int, cost: int, traceparent: str = "") -> None:
        self.topic = topic
        self.time_us = time_us
        self.traceparent = traceparent
        """W3C ``traceparent`` of a sampled message, empty otherwise."""
        self.cost = cost + len(topic.encode()) + _OVERHEAD + (len(traceparent) + 8 if traceparent else 0)
        """Bytes that it counts for in the buffer: an upper estimate of its packed form."""
        self.time_doubtful = False
        self.shape: Shape | None = None
        self.values: tuple[Value, ...] = ()
        self.reason: str | None = None
        self.data: bytes | None = None
        self.content_type = ""
        if self.cost > MAXIMUM_BYTES:
            raise InvalidMessageError(
                f"The message for {topic!r} has about {self.cost} bytes; at most {MAXIMUM_BYTES} (1 MiB) are allowed. "
                "Send larger things in parts."
            )

    def fits(self, other: OutgoingMessage) -> bool:
        """Whether the two may share a batch, times and sizes aside."""
        return (
            self.topic == other.topic
            and self.time_doubtful == other.time_doubtful
            and self.reason is None
            and other.reason is None
            and self.shape == other.shape
            and (self.data is None) == (other.data is None)
            and self.content_type == other.content_type
        )


def outgoing(
    topic: str,
    content: Content,
    units: Mapping[str, str] | None,
    time: Time | None,
    content_type: str,
    traceparent: str | None = None,
) -> OutgoingMessage:
    """Makes a reading or opaque bytes, whichever the content is.

    :raises InvalidMessageError: Something breaks a limit of docs/reference/limits.md; the sentence says what.
    """
    if isinstance(content, Mapping):
        return reading(topic, content, units, time, traceparent)
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise InvalidMessageError(f"A message is a mapping of values or bytes, not {type(content).__name__}.")
    if units:
        raise InvalidMessageError("Units belong to a reading; opaque bytes have a content type.")
    return payload(topic, bytes(content), content_type, time, traceparent)


def reading(
    topic: str,
    values: Mapping[str, Value],
    units: Mapping[str, str] | None,
    time: Time | None,
    traceparent: str | None = None,
) -> OutgoingMessage:
    """Makes a reading: named values sampled at one instant.

    :raises InvalidMessageError: Something breaks a limit of docs/reference/limits.md; the sentence says what.
    """
    check_topic(topic)
    if not values:
        raise InvalidMessageError("A reading needs at least one value.")
    if len(values) > MAXIMUM_FIELDS:
        raise InvalidMessageError(f"A reading has {len(values)} fields; at most {MAXIMUM_FIELDS} are allowed.")
    for name in units or ():
        if name not in values:
            raise InvalidMessageError(f"A unit is given for {name!r}, which the reading does not have.")
    names = tuple(sorted(map(_checked_name, values)))
    ordered: list[Value] = []
    labels: list[str] = []
    cost = 0
    for name in names:
        value = _checked_value(name, values[name])
        unit = _checked_unit(name, units.get(name, "") if units else "")
        ordered.append(value)
        labels.append(unit)
        cost += len(name.encode()) + 6 + len(unit.encode()) + _cost(value)
    message = OutgoingMessage(topic, microseconds(time), cost, checked(traceparent))
    message.shape = Shape(names, tuple(labels), tuple(type(value) for value in ordered))
    message.values = tuple(ordered)
    return message


def failure(topic: str, reason: str, time: Time | None, traceparent: str | None = None) -> OutgoingMessage:
    """Makes a sample that could not be taken; the reason is cut at 256 bytes."""
    check_topic(topic)
    text = reason.encode(errors="replace")[:MAXIMUM_STATUS_REASON_BYTES].decode(errors="ignore")
    message = OutgoingMessage(topic, microseconds(time), len(text.encode()) + 8, checked(traceparent))
    message.reason = text
    return message


def payload(
    topic: str, data: bytes, content_type: str, time: Time | None, traceparent: str | None = None
) -> OutgoingMessage:
    """Makes a message of opaque bytes."""
    check_topic(topic)
    size = len(content_type.encode())
    if size > MAXIMUM_CONTENT_TYPE_BYTES:
        raise InvalidMessageError(
            f"The content type of a message for {topic!r} has {size} bytes; at most {MAXIMUM_CONTENT_TYPE_BYTES} are "
            "allowed."
        )
    message = OutgoingMessage(topic, microseconds(time), len(data) + size + 6, checked(traceparent))
    message.data = data
    message.content_type = content_type
    return message


def microseconds(time: Time | None) -> int:
    """A moment as microseconds since 1970; now where it is None.

    :raises InvalidMessageError: It has no time zone, is no number, or lies outside the years 1 to 9999.
    """
    if time is None:
        return clock.time_ns() // 1000
    if isinstance(time, datetime):
        if time.utcoffset() is None:
            raise InvalidMessageError(
                f"The time {time} has no time zone; write datetime.now(timezone.utc) or time.astimezone()."
            )
        return (time - _EPOCH) // _MICROSECOND
    if isinstance(time, bool) or not isinstance(time, (int, float)):
        raise InvalidMessageError(f"A time is a datetime or seconds since 1970, not {type(time).__name__}.")
    if not math.isfinite(time) or not _EARLIEST_US <= time * 1_000_000 <= _LATEST_US:
        raise InvalidMessageError(f"The time {time} lies outside the years 1 to 9999.")
    return round(time * 1_000_000)


def _checked_name(name: object) -> str:
    if not isinstance(name, str):
        raise InvalidMessageError(f"A field's name is a str, not {type(name).__name__}.")
    size = _size(name, f"The field name {name[:40]!a}")
    if not 1 <= size <= MAXIMUM_FIELD_NAME_BYTES:
        raise InvalidMessageError(
            f"The field name {name[:40]!r} has {size} bytes; a name has 1 to {MAXIMUM_FIELD_NAME_BYTES}."
        )
    return name


def _checked_unit(name: str, unit: object) -> str:
    if not isinstance(unit, str):
        raise InvalidMessageError(f"The unit of field {name!r} is a str, not {type(unit).__name__}.")
    size = _size(unit, f"The unit of field {name!r}")
    if size > MAXIMUM_UNIT_BYTES:
        raise InvalidMessageError(
            f"The unit of field {name!r} has {size} bytes; at most {MAXIMUM_UNIT_BYTES} are allowed."
        )
    return unit


def _checked_value(name: str, value: object) -> Value:
    # numpy's scalars: a float64 is a float already, a bool_ is no bool and an int64 no int.
    if not isinstance(value, (bool, int, float, str)) and callable(item := getattr(value, "item", None)):
        value = item()
    match value:
        case bool():
            return bool(value)
        case str():
            size = _size(value, f"The text of field {name!r}")
            if size > MAXIMUM_TEXT_BYTES:
                raise InvalidMessageError(
                    f"The text of field {name!r} has {size} bytes; at most {MAXIMUM_TEXT_BYTES} are allowed."
                )
            return str(value)
        case numbers.Integral():
            number = int(value)
            if not -(1 << 63) <= number < 1 << 63:
                raise InvalidMessageError(f"The integer of field {name!r} does not fit into 64 bits.")
            return number
        case numbers.Real():
            return float(value)
    raise InvalidMessageError(
        f"The value of field {name!r} is of type {type(value).__name__}; float, int, bool and str are allowed. Leave a "
        "field without a value out."
    )


def _size(text: str, what: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidMessageError(f"{what} is not valid Unicode.") from None


def _cost(value: Value) -> int:
    if isinstance(value, str):
        return len(value.encode()) + 4
    return 1 if isinstance(value, bool) else 10
