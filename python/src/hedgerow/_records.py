"""What comes back: messages with everything known about them, and the account of what was lost."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from google.protobuf.timestamp_pb2 import Timestamp

from ._messages import Value
from ._wire import moment
from .telemetry.v1 import telemetry_pb2
from .type.v1 import message_pb2

__all__ = ["Ledger", "LedgerDay", "LedgerRange", "Record", "Status"]

Status = Literal["ok", "failed", "not-processed"]
"""Whether a sample could be taken; ``not-processed`` marks a component's dead letter."""

_STATUSES: Final[dict[int, Status]] = {
    message_pb2.READING_STATUS_FAILED: "failed",
    message_pb2.READING_STATUS_NOT_PROCESSED: "not-processed",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One stored or delivered message."""

    topic: str
    """The topic."""
    time: datetime | None
    """When it was sampled (UTC); None where nobody said."""
    thing: str
    """Who published it first: the name of a thing, or ``operator/NAME`` and ``app/NAME``."""
    values: dict[str, Value] = field(default_factory=dict)
    """The values of a reading by field; empty for opaque bytes."""
    units: dict[str, str] = field(default_factory=dict)
    """The units of a reading by field."""
    payload: bytes | None = None
    """Opaque bytes; None for a reading."""
    content_type: str = ""
    """Media type of the payload."""
    status: Status = "ok"
    """Whether the sample succeeded."""
    status_reason: str = ""
    """Why it did not."""
    epoch: str = ""
    """Epoch of the first publisher's process, hexadecimal."""
    sequence: int = 0
    """Its sequence within the epoch; 0 with QoS 0."""
    core: str = ""
    """The core that it came through, empty for a direct thing."""
    receive_time: datetime | None = None
    """When the core (or the cloud) received it."""
    store_time: datetime | None = None
    """When the cloud stored it; None on a message that is delivered before it is stored."""
    time_doubtful: bool = False
    """Whether the clock behind ``time`` was doubtful."""
    receive_time_doubtful: bool = False
    """Whether the clock behind ``receive_time`` was doubtful."""
    component_instance: str = ""
    """The component instance that derived it, empty for the thing's own messages."""
    output_index: int = 0
    """Which output of that component."""
    component: str = ""
    """Name of the component that made it."""
    component_version: str = ""
    """Version of the component that made it."""
    traceparent: str = ""
    """W3C ``traceparent`` of a sampled message."""

    @property
    def text(self) -> str | None:
        """The payload as text; None for a reading and for bytes that are no UTF-8."""
        if self.payload is None:
            return None
        try:
            return self.payload.decode()
        except UnicodeDecodeError:
            return None

    def to_dict(self) -> dict[str, Any]:
        """Everything in one flat dict, a value under ``values.FIELD``: one row of a table."""
        row = asdict(self)
        row.update({f"values.{name}": value for name, value in row.pop("values").items()})
        row.update({f"units.{name}": unit for name, unit in row.pop("units").items()})
        return row

    @classmethod
    def from_wire(cls, record: message_pb2.Record) -> Record:
        """Reads a record as the protocol has it."""
        message, origin = record.message, record.origin
        reading = message.reading if message.HasField("reading") else message_pb2.Reading()
        payload = message.payload if message.HasField("payload") else None
        return cls(
            topic=message.topic,
            time=_optional(message, "time", message.time),
            thing=origin.thing,
            values={
                name: getattr(value, kind)
                for name, value in reading.values.items()
                if (kind := value.WhichOneof("kind")) is not None
            },
            units=dict(reading.units),
            payload=payload.data if payload is not None else None,
            content_type=payload.content_type if payload is not None else "",
            status=_STATUSES.get(reading.status, "ok"),
            status_reason=reading.status_reason,
            epoch=origin.epoch.hex(),
            sequence=origin.last_sequence,
            core=record.core,
            receive_time=_optional(record, "receive_time", record.receive_time),
            store_time=_optional(record, "store_time", record.store_time),
            time_doubtful=message.time_doubtful,
            receive_time_doubtful=record.receive_time_doubtful,
            component_instance=origin.component_instance,
            output_index=origin.output_index,
            component=record.source.component,
            component_version=record.source.version,
            traceparent=message.traceparent,
        )


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """One UTC day of one thing and stream."""

    day: str
    """``YYYY-MM-DD``."""
    stream: str
    """``PUBLISHER/STREAM``."""
    received: int
    """Messages stored."""
    duplicates: int
    """Copies dropped."""
    rejected: int
    """Messages refused for ever."""
    lost: dict[str, int]
    """Messages declared lost, by reason."""


@dataclass(frozen=True, slots=True)
class LedgerRange:
    """Consecutive sequences that did not arrive."""

    epoch: str
    """Epoch, hexadecimal."""
    first_sequence: int
    """The first one."""
    last_sequence: int
    """The last one, inclusive."""
    reason: str
    """Why they are lost, for example ``OVERWRITTEN``; empty where they are missing."""
    missing: bool
    """True where nobody has declared them lost: they may still arrive."""
    component_instance: str
    """Component instance, empty for the thing's own messages."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The account of one thing: whether anything was lost, exactly."""

    thing: str
    """The thing."""
    received: int
    """Messages stored, all time, whatever retention has deleted since."""
    lost: int
    """Messages declared lost and not received by another way."""
    missing: int
    """Messages between others that arrived, delivered by nobody and declared by nobody."""
    days: tuple[LedgerDay, ...]
    """Counts by day and stream."""
    ranges: tuple[LedgerRange, ...]
    """What was declared lost or is missing."""


def ledger_day(day: telemetry_pb2.LedgerDay) -> LedgerDay:
    """Reads a day as the protocol has it."""
    return LedgerDay(
        day=day.day,
        stream=day.stream,
        received=day.received,
        duplicates=day.duplicates,
        rejected=day.rejected,
        lost={_loss(count.reason): count.count for count in day.lost},
    )


def ledger_range(entry: telemetry_pb2.LedgerRange) -> LedgerRange:
    """Reads a range as the protocol has it."""
    return LedgerRange(
        epoch=entry.epoch.hex(),
        first_sequence=entry.first_sequence,
        last_sequence=entry.last_sequence,
        reason="" if entry.missing else _loss(entry.reason),
        missing=entry.missing,
        component_instance=entry.component_instance,
    )


def _loss(reason: int) -> str:
    value = telemetry_pb2.LossReason.DESCRIPTOR.values_by_number.get(reason)
    return value.name.removeprefix("LOSS_REASON_") if value is not None else str(reason)


def _optional(holder: Any, name: str, timestamp: Timestamp) -> datetime | None:
    return moment(timestamp) if holder.HasField(name) else None
