"""What goes on beside a component's loop: signals, health, configurations, causes of failures."""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc

from ._backoff import Backoff
from ._component_parts import ComponentInfo, settings
from ._core import CoreLink, is_passing
from ._errors import ClosedError, HedgerowError
from .component.v1 import component_pb2

__all__ = ["Causes", "HealthReporter", "Watch", "stop_signals"]

_log = logging.getLogger("hedgerow")

# Causes of failures that are told apart; beyond that no traceback is printed.
_MOST_CAUSES: Final = 100
_MAXIMUM_REASON_BYTES: Final = 256


@contextlib.contextmanager
def stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Calls ``stop`` on SIGTERM while the block runs, on another thread. Only the main thread can hear signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A handler may interrupt a thread that holds a lock; only this queue may be used there.
    heard: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def pass_on() -> None:
        while heard.get():
            stop()

    previous = signal.signal(signal.SIGTERM, lambda number, frame: heard.put(True))
    threading.Thread(target=pass_on, name="hedgerow-signals", daemon=True).start()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous if previous is not None else signal.SIG_DFL)
        heard.put(False)


class Causes:
    """Prints the traceback of each distinct cause once, so that a million equal failures do not flood the log."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str, int]] = set()

    def report(self, error: Exception) -> bool:
        """Prints the traceback to standard error where the cause is new; returns whether it did.

        A cause is the exception's type and the line that raised it.
        """
        frames = traceback.extract_tb(error.__traceback__)
        place = (frames[-1].filename, frames[-1].lineno or 0) if frames else ("", 0)
        cause = (type(error).__qualname__, *place)
        if cause in self._known or len(self._known) >= _MOST_CAUSES:
            return False
        self._known.add(cause)
        traceback.print_exception(error, file=sys.stderr)
        sys.stderr.flush()
        return True


class HealthReporter:
    """Tells the core that the program is ready, and that it is well at half the interval that the core wants.

    A loop that has been busy for longer than an event may take is stuck: nothing is reported then, and the core
    restarts the program.
    """

    def __init__(self, link: CoreLink) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._state: tuple[bool, str] = (True, "")
        self._busy_since: float | None = None
        self._stopped = threading.Event()

    def start(self, info: ComponentInfo) -> None:
        """Reports at once that the program is ready, and goes on on a thread of its own where the core wants it."""
        threading.Thread(target=self._run, args=(info,), name="hedgerow-health", daemon=True).start()

    def stop(self) -> None:
        """Ends the reports."""
        self._stopped.set()

    def set_busy(self, busy: bool) -> None:
        """The loop goes to work, or waits."""
        with self._lock:
            self._busy_since = time.monotonic() if busy else None

    def report(self, ok: bool, reason: str) -> None:
        """Reports now, and the same from now on.

        :raises HedgerowError: The core refused, or does not answer.
        """
        with self._lock:
            self._state = (ok, reason.encode(errors="replace")[:_MAXIMUM_REASON_BYTES].decode(errors="ignore"))
        self._send()

    def is_stuck(self, longest: float) -> bool:
        """Whether the loop has been busy for longer than that."""
        with self._lock:
            return self._busy_since is not None and time.monotonic() - self._busy_since > longest

    def _run(self, info: ComponentInfo) -> None:
        self._try()
        if info.health_interval is None:
            return
        longest = max(info.handler_timeout, info.health_interval)
        while not self._stopped.wait(info.health_interval / 2):
            if self.is_stuck(longest):
                _log.warning("the loop has been busy for more than %g s; no health is reported meanwhile", longest)
            else:
                self._try()

    def _try(self) -> None:
        try:
            self._send()
        except ClosedError:
            self._stopped.set()
        except HedgerowError as error:
            _log.warning("the program's health could not be reported: %s", error)

    def _send(self) -> None:
        with self._lock:
            ok, reason = self._state
        self._link.call(
            self._link.stubs.report_health,
            component_pb2.ReportHealthRequest(healthy=ok, reason="" if ok else reason),
        )


class Watch:
    """Hears configurations on a thread of its own, until the link is closed or the core refuses."""

    def __init__(self, link: CoreLink, hear: Callable[[dict[str, Any]], None]) -> None:
        self._link = link
        self._hear = hear
        self._lock = threading.Lock()
        self._call: grpc.Call | None = None

    def start(self) -> None:
        """Begins."""
        threading.Thread(target=self._run, name="hedgerow-configuration", daemon=True).start()

    def stop(self) -> None:
        """Ends it; the link has to be closed."""
        with self._lock:
            if self._call is not None:
                self._call.cancel()

    def _run(self) -> None:
        waits = (backoff := Backoff(initial=0.1, maximum=2)).waits()
        while not self._link.is_closed:
            try:
                self._session()
                waits = backoff.waits()
            except ClosedError:
                return
            except HedgerowError as error:
                if not is_passing(error):
                    _log.error("changes of the configuration are not heard any more: %s", error)
                    return
            self._link.wait(next(waits))

    def _session(self) -> None:
        request = component_pb2.WatchConfigurationRequest()
        call = self._link.attempt(
            lambda: self._link.stubs.watch_configuration(request, metadata=self._link.metadata)
        )
        with self._lock:
            self._call = call
        while (response := self._link.attempt(lambda: next(call, None))) is not None:
            self._hear(settings(response.configuration))
