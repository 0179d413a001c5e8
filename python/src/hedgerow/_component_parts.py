"""What a component asks its core for besides messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from google.protobuf import json_format, struct_pb2

from ._core import CoreLink
from ._errors import InvalidConfigurationError
from ._records import Record
from ._wire import moment
from .component.v1 import component_pb2
from .stream.v1 import stream_pb2

__all__ = ["ComponentInfo", "Deferral", "StreamReader", "component_info", "settings"]


@dataclass(frozen=True, slots=True)
class ComponentInfo:
    """What the program is, as its core sees it."""

    instance: str
    """Name of the instance, which subscriptions address."""
    component: str
    """Name of the component."""
    version: str
    """Its version."""
    core: str
    """Name of the core."""
    group: str
    """Name of the group."""
    revision: int
    """Number of the group's revision that runs."""
    handler_timeout: float
    """Most seconds for one event of a handler."""
    health_interval: float | None
    """How often in seconds the core wants to hear of the program's health; None where it does not."""
    secrets: tuple[str, ...]
    """Secrets that the recipe asks for."""


def component_info(response: component_pb2.GetComponentResponse) -> ComponentInfo:
    """Reads the answer as the protocol has it."""
    interval = (
        response.health_interval.ToTimedelta().total_seconds() if response.HasField("health_interval") else None
    )
    return ComponentInfo(
        instance=response.instance,
        component=response.component,
        version=response.version,
        core=response.core,
        group=response.group,
        revision=response.revision,
        handler_timeout=response.handler_timeout.ToTimedelta().total_seconds(),
        health_interval=interval or None,
        secrets=tuple(response.secrets),
    )


def settings(configuration: struct_pb2.Struct) -> dict[str, Any]:
    """A configuration as Python has it. The protocol has one kind of number: whole ones come as int."""
    return {name: _whole(value) for name, value in json_format.MessageToDict(configuration).items()}


def _whole(value: Any) -> Any:
    match value:
        case float() if value.is_integer() and abs(value) <= 1 << 53:
            return int(value)
        case dict():
            return {name: _whole(member) for name, member in value.items()}
        case list():
            return [_whole(member) for member in value]
    return value


class Deferral:
    """Keeps the core from stopping the program for an update: ``with component.defer_update(60, "mid-print"):``.

    It counts from the moment it is made, and is over when the block is left, or :meth:`end` is called.
    """

    def __init__(self, link: CoreLink, seconds: float, reason: str) -> None:
        self._link = link
        self.until: datetime | None = None
        """Until when the program is not stopped (UTC)."""
        self.update_waiting: bool = False
        """Whether an update waits."""
        self._ask(seconds, reason)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    def extend(self, seconds: float, reason: str) -> None:
        """Defers from now on for so long, instead of until the time before.

        :raises HedgerowError: ``QUOTA_EXCEEDED``: for longer than is allowed.
        """
        self._ask(seconds, reason)

    def end(self) -> None:
        """The core may stop the program from now on."""
        self._ask(0, "")

    def _ask(self, seconds: float, reason: str) -> None:
        text = reason.encode(errors="replace")[:256].decode(errors="ignore")
        request = component_pb2.DeferUpdateRequest(reason=text)
        request.defer.FromMilliseconds(round(seconds * 1_000))
        response = self._link.call(self._link.stubs.defer_update, request)
        self.until = moment(response.defer_time) if response.HasField("defer_time") else None
        self.update_waiting = response.update_waiting


class StreamReader(Iterator[Record]):
    """Messages of a stream, the oldest first, as far as there are any: ``for record in component.read_stream("raw")``.

    They stay in the stream. A loop ends where nothing more is there; another one over the same reader goes on with
    what has come since.
    """

    def __init__(self, link: CoreLink, stream: str, start: str, page_size: int) -> None:
        self._link = link
        self._stream = stream
        self._page_size = page_size
        self._page: deque[stream_pb2.StreamMessage] = deque()
        self._next = _position(start)
        self._is_last = False
        self.place: str = start
        """Behind the message that was read last: where a new reader would go on."""
        self.clamped: bool = False
        """Whether messages at the place were gone, so that reading went on at the oldest one that is there."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Record:
        """The next message.

        :raises HedgerowError: The core refused: ``NOT_YOUR_RESOURCE`` for a stream that no subscription leads to.
        """
        while True:
            while self._page:
                message = self._page.popleft()
                place = stream_pb2.StreamPosition(
                    epoch=message.position.epoch, sequence=message.position.sequence + 1
                )
                self.place = _text(place if self._page else self._next or place)
                # Accounts of messages that are gone are for the ledger.
                if message.HasField("record"):
                    return Record.from_wire(message.record)
            if self._is_last:
                self._is_last = False
                raise StopIteration
            self._fetch()

    def _fetch(self) -> None:
        request = component_pb2.ReadStreamRequest()
        request.read.stream = self._stream
        request.read.page_size = self._page_size
        if self._next is not None:
            request.read.position.CopyFrom(self._next)
        response = self._link.call(self._link.stubs.read_stream, request).read
        self.clamped = self.clamped or response.clamped
        self._page.extend(response.messages)
        if response.HasField("next"):
            self._next = response.next
        self._is_last = response.end or not response.messages


def _position(place: str) -> stream_pb2.StreamPosition | None:
    """A place as the protocol has it; None for the oldest message.

    :raises InvalidConfigurationError: It is no place of a reader.
    """
    if not place:
        return None
    epoch, _, sequence = place.partition("/")
    try:
        return stream_pb2.StreamPosition(epoch=bytes.fromhex(epoch), sequence=int(sequence))
    except ValueError:
        raise InvalidConfigurationError(
            f"{place[:80]!r} is no place in a stream; take it from a reader."
        ) from None


def _text(position: stream_pb2.StreamPosition) -> str:
    return f"{position.epoch.hex()}/{position.sequence}"
