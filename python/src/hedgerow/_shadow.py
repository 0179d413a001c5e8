"""Shadows: what a thing reports and what it is to be, kept beside it, so that others need not ask the thing."""

from __future__ import annotations

import re
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

import grpc

from ._backoff import Backoff
from ._core import is_passing
from ._errors import ClosedError, HedgerowError, InvalidConfigurationError
from ._shadow_document import (
    KEEP,
    Section,
    ShadowDocument,
    ShadowEvent,
    ShadowEventKind,
    ShadowUpdate,
    update_text,
    wire_kind,
)
from ._shadow_errors import ShadowNotFoundError, shadow_error
from ._wire import Shadows
from .shadow.v1 import shadow_pb2

__all__ = ["NotConnectedError", "Shadow", "ShadowLink", "ShadowWatch", "Watches"]

_T = TypeVar("_T")

_THING: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_NAME: Final = re.compile(r"[A-Za-z0-9:_-]{0,64}")
# What one attempt of a call may take.
_ATTEMPT_SECONDS: Final = 10.0


class NotConnectedError(HedgerowError):
    """There is no connection to ask on: nothing was sent."""


class ShadowLink(Protocol):
    """A line to a server that has shadows."""

    @property
    def is_closed(self) -> bool:
        """Whether it is over."""

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with each call."""

    @property
    def patience(self) -> float:
        """Seconds for all attempts at one call together; one attempt only where it is 0."""

    @property
    def watch_patience(self) -> float:
        """Seconds that a watch may be without its server."""

    def wait(self, seconds: float) -> bool:
        """Waits, but not beyond the end, nor longer than there is no connection; returns whether it is over."""

    def ask(self, body: Callable[[Shadows], _T]) -> _T:
        """One attempt at a call.

        :raises HedgerowError: It failed.
        :raises ClosedError: The line is over.
        """

    def read(self, body: Callable[[], _T]) -> _T:
        """One attempt at the next response of a call; its errors are those of :meth:`ask`."""


class Watches:
    """The watches of one owner, which end with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = False
        self._open: weakref.WeakSet[ShadowWatch] = weakref.WeakSet()

    def add(self, watch: ShadowWatch) -> None:
        """Takes one; ends it at once where the owner has."""
        with self._lock:
            self._open.add(watch)
            ended = self._ended
        if ended:
            watch.close()

    def end(self) -> None:
        """Ends all of them, and those to come."""
        with self._lock:
            self._ended = True
            watches = list(self._open)
        for watch in watches:
            watch.close()


class Shadow:
    """One shadow of one thing: what it reported, and what it is to be::

        shadow = component.shadow("bme680-1")
        shadow.report({"temperature": 21.4})
        document = shadow.get()
        print(document.reported if document else "nothing yet")

    Calls return when the server has it on disk. A server that is away for a moment is no error; see ``patience`` of
    :class:`Component`. All methods may be called from any thread.
    """

    def __init__(self, link: ShadowLink, thing: str, name: str, watches: Watches) -> None:
        if not _THING.fullmatch(thing):
            raise InvalidConfigurationError(f"The thing's name {thing!r} is not 1 to 128 of A-Z a-z 0-9 . _ -.")
        if not _NAME.fullmatch(name):
            raise InvalidConfigurationError(f"The shadow's name {name!r} is not up to 64 of A-Z a-z 0-9 : _ -.")
        self._link = link
        self._watches = watches
        self.thing: str = thing
        """Name of the thing."""
        self.name: str = name
        """Name of the shadow; empty for the classic one."""

    def __repr__(self) -> str:
        return f"<Shadow {self.thing}{'/' if self.name else ''}{self.name}>"

    def get(self) -> ShadowDocument | None:
        """The shadow as it is; None where there is none.

        :raises HedgerowError: The server refused, or has been away for too long.
        """
        request = shadow_pb2.GetShadowRequest(thing=self.thing, name=self.name)
        try:
            response = self._ask(
                lambda shadows, limit: shadows.get(request, timeout=limit, metadata=self._link.metadata)
            )
        except ShadowNotFoundError:
            return None
        return ShadowDocument.from_wire(self.thing, self.name, response)

    def report(self, values: Mapping[str, Any]) -> ShadowUpdate:
        """Says what the thing is: only what is named changes, None removes a member. Otherwise like :meth:`update`."""
        return self.update(reported=values)

    def desire(self, values: Mapping[str, Any]) -> ShadowUpdate:
        """Says what the thing is to be: only what is named changes, None removes a member. Otherwise like
        :meth:`update`."""
        return self.update(desired=values)

    def update(
        self,
        *,
        desired: Section = KEEP,
        reported: Section = KEEP,
        version: int | None = None,
        condition: str = "",
        client_token: str = "",
    ) -> ShadowUpdate:
        """Changes the shadow, or makes it. Only what is named changes; a member that is None is removed, and so is a
        section that is None. Lists are replaced as a whole.

        :param desired: What to change of what the thing is to be.
        :param reported: What to change of what the thing is.
        :param version: Only if the shadow has this version; 1 for one that does not exist yet.
        :param condition: Only if this CEL expression is true of the shadow as it is: ``state``, ``metadata``,
            ``version``, ``exists``; for example ``state.reported.temperature < 30.0``.
        :param client_token: Comes back in the events of the update; at most 64 bytes.
        :raises ShadowConflictError: It has another version, or the condition is not true. With
            :attr:`~ShadowError.repeated`, an attempt before had no answer and may have been accepted.
        :raises ShadowTooLargeError: It would be too large.
        :raises InvalidShadowError: A value, or the condition, breaks a rule.
        :raises HedgerowError: ``NOT_YOUR_RESOURCE``: recipe or instance do not say that it may be changed. Others: the
            server refused, or has been away for too long.
        """
        request = shadow_pb2.UpdateShadowRequest(
            thing=self.thing,
            name=self.name,
            document=update_text(desired, reported, version, client_token),
            condition=condition,
        )
        response = self._ask(
            lambda shadows, limit: shadows.update(request, timeout=limit, metadata=self._link.metadata)
        )
        return ShadowUpdate.from_wire(response)

    def delete(self, *, version: int | None = None) -> None:
        """Deletes the shadow. One that is made within 48 hours goes on with the number of its version.

        :param version: Only if the shadow has this version.
        :raises ShadowNotFoundError: There is none.
        :raises ShadowConflictError: It has another version.
        :raises HedgerowError: The server refused, or has been away for too long.
        """
        request = shadow_pb2.DeleteShadowRequest(thing=self.thing, name=self.name, version=version or 0)
        try:
            self._ask(lambda shadows, limit: shadows.delete(request, timeout=limit, metadata=self._link.metadata))
        except ShadowNotFoundError as error:
            # The attempt whose answer was lost has deleted it.
            if not error.repeated:
                raise

    def watch(
        self, *, after: int | str = 0, kinds: Sequence[ShadowEventKind] = (), all_names: bool = False
    ) -> ShadowWatch:
        """What happens to the shadow, without gaps and repeats: ``for event in shadow.watch(kinds=["delta"]):``.

        It begins when the first event is asked for. A lost connection is made again, and the watch goes on where it was.
        It ends with its owner.

        :param after: Only what came after this version, or after the event of this :attr:`ShadowEvent.position`. With
            0 it begins with the shadow as it is, where there is one.
        :param kinds: Only these, beside ``current`` and ``skipped``; all where it is empty.
        :param all_names: All shadows of the thing; ``after`` is 0 or a position then.
        """
        request = shadow_pb2.WatchShadowRequest(
            thing=self.thing,
            name="" if all_names else self.name,
            all_names=all_names,
            kinds=[wire_kind(kind) for kind in kinds],
        )
        if isinstance(after, str):
            request.after_position = after
        elif after < 0 or (after and all_names):
            raise InvalidConfigurationError(
                f"A watch begins after a version of one shadow, or after a position, not {after}."
            )
        else:
            request.after_version = after
        watch = ShadowWatch(self._link, request)
        self._watches.add(watch)
        return watch

    def _ask(self, body: Callable[[Shadows, float], _T]) -> _T:
        """Calls until there is an answer."""
        patience = self._link.patience
        end = time.monotonic() + patience
        waits = Backoff(initial=0.1, maximum=2).waits()
        repeated = False
        while True:
            limit = min(max(end - time.monotonic(), 0.01), _ATTEMPT_SECONDS) if patience else _ATTEMPT_SECONDS
            try:
                return self._link.ask(lambda shadows: body(shadows, limit))
            except ClosedError:
                raise
            except HedgerowError as error:
                too_many = error.reason == "TOO_MANY_REQUESTS"
                pause = max(next(waits), error.retry_after or 0)
                may_help = is_passing(error) or too_many
                if not may_help or time.monotonic() + pause >= end or self._link.wait(pause):
                    raise shadow_error(error, repeated) from error
                # What was sent and not answered may have been done.
                repeated = repeated or not (too_many or isinstance(error, NotConnectedError))


class ShadowWatch(Iterator[ShadowEvent]):
    """Events of shadows, one after the other; made by :meth:`Shadow.watch`. It has no thread of its own: what a loop does
    not take waits at the server, and where that is too much an event ``skipped`` stands for it."""

    def __init__(self, link: ShadowLink, request: shadow_pb2.WatchShadowRequest) -> None:
        self._link = link
        self._request = request
        self._lock = threading.Lock()
        self._call: Iterator[shadow_pb2.WatchShadowResponse] | None = None
        self._closed = threading.Event()
        self.is_caught_up: bool = False
        """Whether everything was told that had happened when it began."""

    def __iter__(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def position(self) -> str:
        """Behind the event that was given out last: where another watch would go on. Empty before the first."""
        return self._request.after_position

    def close(self) -> None:
        """Ends the watch, and a loop over it. Again does nothing."""
        self._closed.set()
        with self._lock:
            call, self._call = self._call, None
        _cancel(call)

    def __next__(self) -> ShadowEvent:
        """The next event; waits for it.

        :raises StopIteration: The watch or its owner is closed.
        :raises HedgerowError: The server refused, or has been away for too long.
        """
        waits = (backoff := Backoff(initial=0.1, maximum=2)).waits()
        away_since: float | None = None
        while not self._closed.is_set():
            pause = 0.0
            try:
                response = self._receive()
            except ClosedError:
                break
            except HedgerowError as error:
                if self._closed.is_set():
                    break
                now = time.monotonic()
                away_since = now if away_since is None else away_since
                pause = max(next(waits), error.retry_after or 0)
                may_help = is_passing(error) or error.reason == "TOO_MANY_REQUESTS"
                if not may_help or now + pause - away_since >= self._link.watch_patience:
                    raise shadow_error(error) from error
            else:
                if response is None:
                    # A server that goes ends the call in good order.
                    pause = next(waits)
                else:
                    away_since, waits = None, backoff.waits()
                    event = self._take(response)
                    if event is not None:
                        return event
            if pause and self._link.wait(pause):
                break
        self.close()
        raise StopIteration

    def _receive(self) -> shadow_pb2.WatchShadowResponse | None:
        """The next response; None where the server has ended the call."""
        with self._lock:
            call = self._call
        if call is None:
            call = self._link.ask(lambda shadows: shadows.watch(self._request, metadata=self._link.metadata))
            with self._lock:
                self._call = call
            if self._closed.is_set():
                _cancel(call)
        opened = call
        try:
            response: shadow_pb2.WatchShadowResponse | None = self._link.read(lambda: next(opened, None))
        except BaseException:
            self._forget()
            raise
        if response is None:
            self._forget()
        return response

    def _take(self, response: shadow_pb2.WatchShadowResponse) -> ShadowEvent | None:
        if response.caught_up:
            self.is_caught_up = True
        if response.position:
            self._request.after_version = 0
            self._request.after_position = response.position
        if response.kind == shadow_pb2.SHADOW_EVENT_KIND_UNSPECIFIED:
            return None
        return ShadowEvent.from_wire(response)

    def _forget(self) -> None:
        with self._lock:
            call, self._call = self._call, None
        _cancel(call)


def _cancel(call: Iterator[shadow_pb2.WatchShadowResponse] | None) -> None:
    if isinstance(call, grpc.Call):
        call.cancel()
