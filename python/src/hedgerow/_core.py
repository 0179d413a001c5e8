"""A component's line to the core that runs it: a Unix domain socket and a token."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

import grpc

from ._backoff import Backoff
from ._errors import ClosedError, HedgerowError, InvalidConfigurationError
from ._wire import Components, Shadows, dial_core

__all__ = ["CoreLink", "is_passing"]

_Request = TypeVar("_Request", contravariant=True)
_Response = TypeVar("_Response", covariant=True)

# What one attempt of a short call may take.
_ATTEMPT_SECONDS: Final = 10.0
_PASSING: Final = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    # What grpcio makes of a stream that the other side's process did not live to end.
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
)


def is_passing(error: HedgerowError) -> bool:
    """Whether trying again may help, as after a restart of the core."""
    return error.code in _PASSING


class CoreLink:
    """One channel for all calls. Each call has the token with it."""

    def __init__(self, socket: str | None, token: str | None, patience: float) -> None:
        """Reads ``HEDGEROW_SOCKET`` and ``HEDGEROW_TOKEN`` where the arguments are None. Calls nobody yet.

        :raises InvalidConfigurationError: One of the two is not there.
        """
        self.socket: str = _setting("HEDGEROW_SOCKET", socket, os.environ)
        """Path of the core's socket."""
        self.patience: float = patience
        """Seconds that the core may be away before a program gives up."""
        self.metadata: tuple[tuple[str, str], ...] = (
            ("authorization", f"Bearer {_setting('HEDGEROW_TOKEN', token, os.environ)}"),
        )
        """What goes with each call."""
        self._channel = dial_core(self.socket)
        self._closed = threading.Event()
        self.stubs: Components = Components(self._channel)
        """The calls."""
        self._shadows = Shadows(self._channel)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closed.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits, but not beyond the end; returns whether it is closed."""
        return self._closed.wait(seconds)

    def close(self) -> None:
        """Ends the channel and every call on it."""
        self._closed.set()
        self._channel.close()

    def call(
        self,
        method: grpc.UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        patience: float | None = None,
    ) -> _Response:
        """Calls until there is an answer: for calls that may be repeated.

        :param patience: Seconds for all attempts together; that of the link where it is None.
        :raises HedgerowError: The core refused, or has been away for too long.
        :raises ClosedError: The component is closed.
        """
        end = time.monotonic() + (self.patience if patience is None else patience)
        waits = Backoff(initial=0.1, maximum=2).waits()
        while True:
            limit = min(max(end - time.monotonic(), 0.01), _ATTEMPT_SECONDS)
            try:
                return self.attempt(partial(method, request, timeout=limit, metadata=self.metadata))
            except HedgerowError as error:
                pause = next(waits)
                if not is_passing(error) or time.monotonic() + pause >= end or self.wait(pause):
                    raise

    # Shadows (ShadowLink)

    @property
    def watch_patience(self) -> float:
        """Seconds that a watch may be without the core."""
        return self.patience

    def ask(self, body: Callable[[Shadows], _Response]) -> _Response:
        """One attempt at a call to shadows."""
        return self.attempt(lambda: body(self._shadows))

    def read(self, body: Callable[[], _Response]) -> _Response:
        """One attempt at the next response of a call to shadows."""
        return self.attempt(body)

    # Attempts

    def attempt(self, call: Callable[[], _Response]) -> _Response:
        """One attempt at a call, its failure as ours.

        :raises HedgerowError: It failed.
        :raises ClosedError: The component is closed.
        """
        try:
            return call()
        except grpc.RpcError as error:
            if self.is_closed:
                raise ClosedError("The component is closed.") from error
            raise HedgerowError.from_rpc(error, at=self.socket) from error
        except ValueError as error:
            # What grpcio raises on a closed channel.
            if self.is_closed:
                raise ClosedError("The component is closed.") from error
            raise


def _setting(name: str, given: str | None, environment: Mapping[str, str]) -> str:
    value = given if given is not None else environment.get(name, "")
    if not value:
        raise InvalidConfigurationError(
            f"{name} is not set. A core sets it for the components that it runs: push the recipe and deploy a group "
            "that names it (docs/component-api.md)."
        )
    return value
