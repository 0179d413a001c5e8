"""A thing's line to the shadows of whichever server it is connected to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

import grpc

from . import _tracing as tracing
from ._errors import HedgerowError
from ._publisher import _copy
from ._shadow import NotConnectedError
from ._wire import Shadows

__all__ = ["ConnectionLink"]

_T = TypeVar("_T")


class ConnectionLink:
    """A ``ShadowLink`` over connections that come and go."""

    patience: Final = 30.0
    # A thing without a connection goes on for ever, and so do its watches.
    watch_patience: Final = float("inf")

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._shadows: Shadows | None = None
        self._address = ""
        self._end: HedgerowError | None = None

    def join(self, channel: grpc.Channel, address: str) -> None:
        """There is a connection."""
        with self._changed:
            self._shadows, self._address = Shadows(channel), address
            self._changed.notify_all()

    def leave(self) -> None:
        """There is none any more."""
        with self._changed:
            self._shadows = None

    def close(self, reason: HedgerowError) -> None:
        """There will be none any more; the first reason counts."""
        with self._changed:
            self._shadows = None
            self._end = self._end or reason
            self._changed.notify_all()

    @property
    def is_closed(self) -> bool:
        """Whether there will be no connection any more."""
        with self._changed:
            return self._end is not None

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with each call."""
        return tracing.metadata()

    def wait(self, seconds: float) -> bool:
        """Waits, but not beyond the end, and no longer than until a connection comes; returns whether it is over."""
        end = time.monotonic() + seconds
        with self._changed:
            before = self._shadows
            while self._end is None and (left := end - time.monotonic()) > 0:
                if self._shadows is not None and self._shadows is not before:
                    break
                self._changed.wait(left)
            return self._end is not None

    def ask(self, body: Callable[[Shadows], _T]) -> _T:
        """One attempt at a call."""
        with self._changed:
            shadows, end = self._shadows, self._end
        if end is not None:
            raise _copy(end)
        if shadows is None:
            raise NotConnectedError("The thing has no connection.", code=grpc.StatusCode.UNAVAILABLE)
        return self.read(lambda: body(shadows))

    def read(self, body: Callable[[], _T]) -> _T:
        """One attempt at a call, or at its next response, its failure as ours."""
        try:
            return body()
        except (grpc.RpcError, ValueError) as error:
            with self._changed:
                address, end = self._address, self._end
            if end is not None:
                raise _copy(end) from error
            if isinstance(error, grpc.RpcError):
                raise HedgerowError.from_rpc(error, at=address) from error
            # What grpcio raises on a channel that was closed a moment ago.
            raise NotConnectedError(
                "The thing lost its connection.", code=grpc.StatusCode.UNAVAILABLE
            ) from error
