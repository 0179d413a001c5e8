"""Messages of a component's own, which no event led to."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Final, cast

import grpc

from ._backoff import Backoff
from ._core import CoreLink, is_passing
from ._errors import (
    BufferFullError,
    HedgerowError,
    InvalidMessageError,
    MessageRejectedError,
    NotAcknowledgedError,
)
from .component.v1 import component_pb2
from .type.v1 import message_pb2

__all__ = ["Outbox", "requests"]

_log = logging.getLogger("hedgerow")

MAXIMUM_MESSAGES: Final = 1_000
# The core takes 4 MiB, framing included.
MAXIMUM_BYTES: Final = (4 << 20) - (64 << 10)
# How long one attempt waits for its answer, and for room where the core does not say.
_ATTEMPT_SECONDS: Final = 10.0
_FULL_SECONDS: Final = 0.5


def requests(messages: Sequence[message_pb2.Message]) -> Iterator[list[message_pb2.Message]]:
    """Divides messages into what one request may have."""
    part: list[message_pb2.Message] = []
    size = 0
    for message in messages:
        more = message.ByteSize() + 8
        if part and (len(part) == MAXIMUM_MESSAGES or size + more > MAXIMUM_BYTES):
            yield part
            part, size = [], 0
        part.append(message)
        size += more
    if part:
        yield part


class Outbox:
    """Publishes one request after the other, and each until there is an answer.

    A request without an answer keeps its sequences and goes out again before the next one, so that the core has each of
    its messages once. Nothing else is buffered.
    """

    def __init__(self, link: CoreLink) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._epoch = os.urandom(16)
        self._next_sequence = 1
        # What was sent, may be there, and was not answered.
        self._unanswered: component_pb2.PublishRequest | None = None

    def publish(self, messages: Sequence[message_pb2.Message], qos: int, timeout: float) -> int:
        """Returns when the core has the messages; how many of them no subscription takes.

        :raises BufferFullError: A stream takes nothing new; nothing of the request was stored.
        :raises MessageRejectedError: One of them can never be accepted; nothing of the request was stored.
        :raises NotAcknowledgedError: No answer came in time; the next call sends them again first.
        :raises HedgerowError: The core refused.
        """
        if qos not in (0, 1):
            raise InvalidMessageError(f"The quality of service is 0 or 1, not {qos!r}.")
        end = time.monotonic() + timeout
        if not self._lock.acquire(timeout=min(max(timeout, 0), threading.TIMEOUT_MAX)):
            raise NotAcknowledgedError(len(messages), timeout, "another thread publishes")
        try:
            if self._unanswered is not None:
                self._repeat(end, timeout)
            unrouted = 0
            for part in requests(messages):
                request = component_pb2.PublishRequest(epoch=self._epoch, messages=part)
                request.first_sequence = self._next_sequence if qos else 0
                unrouted += self._settle(request, end, timeout)
            return unrouted
        finally:
            self._lock.release()

    def _repeat(self, end: float, timeout: float) -> None:
        """What was not answered before comes first, under the same sequences."""
        try:
            self._settle(cast(component_pb2.PublishRequest, self._unanswered), end, timeout)
        except (MessageRejectedError, BufferFullError) as error:
            _log.warning("messages that were not answered before are lost: %s", error)

    def _settle(self, request: component_pb2.PublishRequest, end: float, timeout: float) -> int:
        waits = Backoff(initial=0.1, maximum=2).waits()
        renewed = False
        while True:
            # From here on the core may have it.
            self._unanswered = request if request.first_sequence else None
            left = max(end - time.monotonic(), 0.01)
            try:
                response = self._attempt(request, left)
            except HedgerowError as error:
                if error.reason == "SEQUENCE_GAP" and not renewed:
                    # The core does not know what it had of this epoch, so nothing of this request is there.
                    _log.warning("the core lost the thread, and the messages go on under a new epoch: %s", error)
                    self._epoch, self._next_sequence = os.urandom(16), 1
                    request.epoch, request.first_sequence = self._epoch, 1
                    renewed = True
                    continue
                full = error.reason == "QUEUE_FULL"
                pause = (error.retry_after or _FULL_SECONDS) if full else next(waits)
                if full or not is_passing(error):
                    self._unanswered = None
                if not full and not is_passing(error):
                    if error.code == grpc.StatusCode.INVALID_ARGUMENT and error.reason:
                        raise MessageRejectedError(error.reason, error.message, len(request.messages)) from error
                    raise
                # What is at QoS 0 goes out once, or perhaps not at all.
                once = not full and not request.first_sequence
                if once or time.monotonic() + pause >= end or self._link.wait(pause):
                    if full:
                        raise BufferFullError(error.message, code=error.code, reason=error.reason) from error
                    raise NotAcknowledgedError(len(request.messages), timeout, str(error)) from error
                continue
            self._unanswered = None
            if request.first_sequence:
                self._next_sequence = request.first_sequence + len(request.messages)
            return response.unrouted

    def _attempt(self, request: component_pb2.PublishRequest, left: float) -> component_pb2.PublishResponse:
        return self._link.attempt(
            lambda: self._link.stubs.publish(
                request, timeout=min(left, _ATTEMPT_SECONDS), metadata=self._link.metadata
            )
        )
