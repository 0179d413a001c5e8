"""Turns messages into publications: neighbours of one topic and one shape share a batch, packed by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from google.protobuf.timestamp_pb2 import Timestamp

from ._buffer import Limits, Outgoing
from ._messages import OutgoingMessage, Shape
from .telemetry.v1 import telemetry_pb2
from .type.v1 import message_pb2

__all__ = ["pack", "plain", "request", "timestamp"]

# Longest time between the first and the last sample of a batch: one hour.
_LONGEST_SPAN_US: Final = 3_600_000_000


def request(outgoing: Outgoing, limits: Limits) -> telemetry_pb2.PublishRequest:
    """Packs what a session sends next into one request."""
    result = telemetry_pb2.PublishRequest()
    if outgoing.lost is not None:
        result.lost.add(
            first_sequence=outgoing.lost[0],
            last_sequence=outgoing.lost[1],
            reason=telemetry_pb2.LOSS_REASON_OVERWRITTEN,
        )
    result.publications.extend(pack(outgoing.volatile, 0, limits))
    result.publications.extend(pack(outgoing.messages, outgoing.first_sequence, limits))
    return result


def pack(
    messages: Sequence[OutgoingMessage], first_sequence: int, limits: Limits
) -> list[telemetry_pb2.Publication]:
    """Packs consecutive messages. With a first sequence of 0, all of them are QoS 0."""
    publications: list[telemetry_pb2.Publication] = []
    start = 0
    while start < len(messages):
        end = _end_of_batch(messages, start, limits)
        publication = telemetry_pb2.Publication(sequence=first_sequence + start if first_sequence else 0)
        if messages[start].reason is not None:
            publication.message.CopyFrom(plain(messages[start]))
        else:
            publication.batch.CopyFrom(_batch(messages[start:end]))
        publications.append(publication)
        start = end
    return publications


def plain(message: OutgoingMessage) -> message_pb2.Message:
    """One message in the form that says everything by name."""
    result = message_pb2.Message(
        topic=message.topic,
        time=timestamp(message.time_us),
        traceparent=message.traceparent,
        time_doubtful=message.time_doubtful,
    )
    if message.reason is not None:
        result.reading.status = message_pb2.READING_STATUS_FAILED
        result.reading.status_reason = message.reason
    elif message.data is not None:
        result.payload.content_type = message.content_type
        result.payload.data = message.data
    else:
        shape = cast(Shape, message.shape)
        for name, unit, value in zip(shape.names, shape.units, message.values, strict=True):
            field = result.reading.values[name]
            match value:
                case bool():
                    field.bool_value = value
                case int():
                    field.integer_value = value
                case float():
                    field.double_value = value
                case str():
                    field.string_value = value
            if unit:
                result.reading.units[name] = unit
    return result


def timestamp(time_us: int) -> Timestamp:
    """Microseconds since 1970 as a Timestamp."""
    seconds, rest = divmod(time_us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=rest * 1_000)


def _end_of_batch(messages: Sequence[OutgoingMessage], start: int, limits: Limits) -> int:
    first = messages[start]
    size = first.cost
    earliest = latest = first.time_us
    end = start + 1
    while end < len(messages) and end - start < limits.batch_messages:
        message = messages[end]
        earliest, latest = min(earliest, message.time_us), max(latest, message.time_us)
        size += message.cost
        if size > limits.batch_bytes or latest - earliest > _LONGEST_SPAN_US or not first.fits(message):
            break
        end += 1
    return end


def _batch(messages: Sequence[OutgoingMessage]) -> message_pb2.Batch:
    first = messages[0]
    batch = message_pb2.Batch(
        topic=first.topic,
        base_time=timestamp(first.time_us),
        time_offsets_us=[message.time_us - first.time_us for message in messages],
        time_doubtful=first.time_doubtful,
    )
    for row, message in enumerate(messages):
        if message.traceparent:
            batch.traces.add(row=row, traceparent=message.traceparent)
    if first.shape is None:
        batch.payloads.content_type = first.content_type
        batch.payloads.data.extend(cast(bytes, message.data) for message in messages)
        return batch
    for index, (name, unit, kind) in enumerate(zip(*first.shape, strict=True)):
        values = [message.values[index] for message in messages]
        column = batch.readings.columns.add(name=name, unit=unit)
        if kind is float:
            column.double_values.extend(cast(list[float], values))
        elif kind is int:
            column.integer_values.extend(cast(list[int], values))
        elif kind is bool:
            column.bool_values.extend(cast(list[bool], values))
        else:
            column.string_values.extend(cast(list[str], values))
    return batch
