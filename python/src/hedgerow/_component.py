"""A component: receives messages from its inbox on the core, publishes, and asks the core for what else it needs."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time as clock
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

from ._component_event import ComponentEvent, Message, Outputs, gathered
from ._component_life import Causes, HealthReporter, Watch, stop_signals
from ._component_parts import ComponentInfo, Deferral, StreamReader, component_info, settings
from ._core import CoreLink
from ._errors import ClosedError, HedgerowError, InvalidConfigurationError, InvalidMessageError
from ._inbox import MAXIMUM_IN_FLIGHT, Inbox, Item
from ._messages import Content, Time
from ._outbox import Outbox
from ._packer import timestamp
from ._publisher import _Deadline
from ._shadow import Shadow, Watches
from .component.v1 import component_pb2
from .type.v1 import message_pb2

__all__ = ["Component", "ConfigurationHandler", "Handler"]

_log = logging.getLogger("hedgerow")

Handler = Callable[[ComponentEvent], Outputs]
"""What a component does with an event."""
ConfigurationHandler = Callable[[dict[str, Any]], None]
"""What a component does with a new configuration."""
_SomeHandler = TypeVar("_SomeHandler", bound=Handler)
_SomeConfigurationHandler = TypeVar("_SomeConfigurationHandler", bound=ConfigurationHandler)

# How long the last results may take to be stored when the program is to end.
_PARTING_SECONDS: Final = 10.0


class Component:
    """A program that a core runs, beside the messages that it is for. The shortest form::

        component = hedgerow.Component()

        @component.handler
        def handle(event):
            return component.reading("republish/reading", {**event.values, "topic": event.topic})

        component.run()

    Messages that subscriptions bring wait in the component's inbox on the core's disk. What a handler returns is stored
    in the same transaction in which its event leaves the inbox, so that nothing is lost, and nothing published twice,
    when the program or the core ends at any instant.

    All methods may be called from any thread, but events are taken by one at a time. The core restarting is no error
    for ``patience`` seconds.
    """

    def __init__(
        self,
        *,
        socket: str | None = None,
        token: str | None = None,
        automatic_health: bool = True,
        patience: float = 30.0,
    ) -> None:
        """Reads the environment that the core made. Nobody is asked before something is needed.

        :param socket: Path of the core's socket; ``HEDGEROW_SOCKET`` where it is None.
        :param token: Token of the program; ``HEDGEROW_TOKEN`` where it is None.
        :param automatic_health: Tells the core by itself that the program is ready, and, where the recipe wants
            reports, that it is well, for as long as the loop takes events. See :meth:`report_health`.
        :param patience: Seconds that the core may be away before the program gives up.
        :raises InvalidConfigurationError: Socket or token is missing: the program was not started by a core.
        """
        if patience <= 0:
            raise InvalidConfigurationError("The patience is above 0 s.")
        self._link = CoreLink(socket, token, patience)
        self._outbox = Outbox(self._link)
        self._changed = threading.Condition()
        self._info: ComponentInfo | None = None
        self._configuration: dict[str, Any] | None = None
        # The newest configuration that the loop has not given to the handler yet.
        self._new_configuration: dict[str, Any] | None = None
        self._configuration_handler: ConfigurationHandler | None = None
        self._watch: Watch | None = None
        self._watches = Watches()
        self._handler: Handler | None = None
        self._inbox: Inbox | None = None
        self._health = HealthReporter(self._link) if automatic_health else None
        self._causes = Causes()
        self._began = False
        self._stopping = False
        self._closed = False
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(stop_signals(self.stop))
            self._begin()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            self.close()

    # Who and with what

    @property
    def info(self) -> ComponentInfo:
        """What the program is, as its core sees it. Asks the core at its first use.

        :raises HedgerowError: The core does not answer, or does not know the token.
        """
        with self._changed:
            info = self._info
        if info is None:
            response = self._link.call(self._link.stubs.get_component, component_pb2.GetComponentRequest())
            info = component_info(response)
            with self._changed:
                self._info = info
                if self._configuration is None:
                    self._configuration = settings(response.configuration)
        return info

    @property
    def configuration(self) -> dict[str, Any]:
        """The recipe's configuration with what the instance changes of it. Whole numbers are of type int.

        Each event sees one configuration: a new one (:meth:`on_configuration`) comes when the loop asks for the next.
        """
        if self._configuration is None:
            _ = self.info
        assert self._configuration is not None
        return self._configuration

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of the process, without those that are the core's own (``HEDGEROW_…``)."""
        return {name: value for name, value in os.environ.items() if not name.startswith("HEDGEROW_")}

    def on_configuration(self, handler: _SomeConfigurationHandler) -> _SomeConfigurationHandler:
        """Registers, as a decorator, what is called with a configuration that changed while the program runs.

        It runs on the thread of the loop, between two events or when the program waits. Few programs need it: a
        deployment that changes the configuration restarts the program.

        :raises InvalidConfigurationError: There is one already.
        """
        with self._changed:
            if self._configuration_handler is not None:
                raise InvalidConfigurationError("A component has one function for configurations.")
            self._configuration_handler = handler
            began = self._began
        if began:
            self._start_watch()
        return handler

    def secret(self, name: str) -> bytes:
        """A secret that the recipe asks for, fresh from the core. Never log it.

        :raises HedgerowError: ``NOT_YOUR_RESOURCE``: the recipe does not ask for it. ``NOT_FOUND``: the core has none.
        """
        return self._link.call(self._link.stubs.get_secret, component_pb2.GetSecretRequest(name=name)).value

    def read_stream(self, name: str, *, place: str = "", page_size: int = 100) -> StreamReader:
        """Reads messages of a stream of this core, which stay there: those that wait for the cloud, or are kept.

        :param name: Name of the stream; a subscription of the instance has to lead there.
        :param place: Where an earlier reader was (:attr:`StreamReader.place`); at the oldest message where it is empty.
        :param page_size: Messages of one request, 1 to 1,000.
        """
        if not 1 <= page_size <= 1_000:
            raise InvalidConfigurationError(f"A page has 1 to 1,000 messages, not {page_size}.")
        return StreamReader(self._link, name, place, page_size)

    def shadow(self, thing: str, name: str = "") -> Shadow:
        """A shadow of a thing, as this core has it. The recipe has to say ``access: {shadows: read}`` or ``write``, and the
        instance ``shadows: [THING]``.

        :param thing: Name of the thing.
        :param name: Name of the shadow; empty for the classic one.
        """
        return Shadow(self._link, thing, name, self._watches)

    # Publishing

    reading = staticmethod(Message.reading)
    """See :meth:`Message.reading`."""
    payload = staticmethod(Message.payload)
    """See :meth:`Message.payload`."""
    failure = staticmethod(Message.failure)
    """See :meth:`Message.failure`."""

    def publish(
        self,
        topic: str,
        content: Content,
        *,
        units: Mapping[str, str] | None = None,
        time: Time | None = None,
        content_type: str = "application/octet-stream",
        traceparent: str | None = None,
        qos: Literal[0, 1] = 1,
        timeout: float = 30.0,
    ) -> bool:
        """Publishes a message of the component's own, that no event led to, and returns when the core has it.

        What an event leads to is published by its result, which is safe against a crash between the two.

        :param topic: 1 to 256 bytes of UTF-8, at most 8 levels, no wildcards, not beginning with ``$``.
        :param content: 1 to 256 named values, or bytes; at most 1 MiB together.
        :param units: Units by field name.
        :param time: When it was sampled; now where it is None.
        :param content_type: Media type of the bytes.
        :param traceparent: W3C ``traceparent``; that of the active span where it is None.
        :param qos: 1 for on the core's disk, once; 0 for passed on, and not stored.
        :param timeout: Seconds for all attempts together.
        :returns: Whether a subscription takes it anywhere.
        :raises InvalidMessageError: The message breaks a limit.
        :raises MessageRejectedError: The core can never accept it.
        :raises BufferFullError: A stream takes nothing new, and had no room in time; nothing was stored.
        :raises NotAcknowledgedError: No answer in time. The message goes out again before the next one.
        :raises HedgerowError: The core refused.
        """
        message = Message.of(topic, content, units, time, content_type, traceparent)
        return self.publish_all([message], qos=qos, timeout=timeout) == 0

    def publish_all(self, messages: Sequence[Message], *, qos: Literal[0, 1] = 1, timeout: float = 30.0) -> int:
        """Publishes many messages at once, up to 1,000 and 4 MiB in a request; otherwise like :meth:`publish`.

        Each request is taken or refused as a whole; with more than one, the first ones may be there when it raises.

        :returns: How many of them no subscription takes anywhere.
        """
        if self._link.is_closed:
            raise ClosedError("The component is closed.")
        now = timestamp(clock.time_ns() // 1_000)
        return self._outbox.publish([message.to_wire(time=now) for message in messages], qos, timeout)

    # Events

    def handler(self, handler: _SomeHandler) -> _SomeHandler:
        """Registers, as a decorator, what :meth:`run` calls with each event.

        It returns None, a message or several; they are published as the event's result, after what it published by
        :meth:`ComponentEvent.publish`. Where it raises, nothing is published, and the message becomes a dead letter
        with type and text of the exception; the traceback goes to standard error, once for each cause. The next event
        follows.

        :raises InvalidConfigurationError: There is one already.
        """
        if self._handler is not None:
            raise InvalidConfigurationError("A component has one handler; tell events apart by their topics.")
        self._handler = handler
        return handler

    def run(self) -> None:
        """Calls the handler with one event after the other, until the core asks the program to end (SIGTERM).

        The event in hand is finished and its result stored first. Ends the process with code 1 where the core is gone
        for good, and says why in the log.

        :raises InvalidConfigurationError: There is no handler.
        """
        handler = self._handler
        if handler is None:
            raise InvalidConfigurationError("There is no handler to run; register one with @component.handler.")
        try:
            with stop_signals(self.stop):
                self._begin()
                while (event := self._next(None, True, 1)) is not None:
                    self._handle(handler, event)
                self.close()
        except ClosedError:
            return
        except HedgerowError as error:
            _log.error("the component ends: %s", error)
            raise SystemExit(1) from error

    def events(self, *, in_flight: int = 100) -> Iterator[ComponentEvent]:
        """Gives the events to a loop of the program's own: ``for event in component.events():``.

        Each wants :meth:`ComponentEvent.done` or :meth:`ComponentEvent.fail`, in any order and at any time, or
        :meth:`finish` for several; one that the program ends without comes again. The core stores results in the order
        of the events: one waits for those before it. Ends when the core asks the program to end.

        :param in_flight: Most events without a result, 1 to 1,000. At this number nothing more comes. The first call
            says it for good.
        :raises SupersededError: Another program receives as this instance.
        :raises HedgerowError: The core is gone for good, or refused.
        """
        with stop_signals(self.stop):
            while (event := self.next_event(in_flight=in_flight)) is not None:
                yield event
            self.close()

    def next_event(self, timeout: float | None = None, *, in_flight: int = 100) -> ComponentEvent | None:
        """Waits for the next event; like :meth:`events`, for loops that also do something else.

        :param timeout: Seconds; for as long as it takes where it is None.
        :returns: None when the time is over, or the program is to end (:attr:`is_stopping`).
        """
        if not 1 <= in_flight <= MAXIMUM_IN_FLIGHT:
            raise InvalidConfigurationError(
                f"1 to {MAXIMUM_IN_FLIGHT:,} events may be in flight, not {in_flight}."
            )
        self._begin()
        return self._next(timeout, False, in_flight)

    def finish(self, events: Sequence[ComponentEvent], *outputs: Message) -> None:
        """Ends several events at once, in one transaction: for messages that many events led to, such as a mean.

        What the events published by themselves comes first. The outputs have the origin of the last event. It is one
        transaction as long as no event among them or before them is without a result: take the oldest ones.

        :raises InvalidMessageError: There is no event, or the outputs are too many or too large.
        """
        if not events:
            raise InvalidMessageError("There is no event to be finished.")
        own = [message for event in events for message in event.added()]
        self._finish(events, [*own, *(message.to_wire(trace=events[-1].traceparent) for message in outputs)], "")

    @property
    def dropped(self) -> int:
        """Events at QoS 0 that the core dropped because too many waited."""
        with self._changed:
            return self._inbox.dropped if self._inbox is not None else 0

    # Life

    @property
    def is_stopping(self) -> bool:
        """Whether the program is to end."""
        with self._changed:
            return self._stopping

    def stop(self) -> None:
        """Asks the loop to end, as SIGTERM does. The event in hand is finished first; watches of shadows end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._watches.end()

    def wait(self, seconds: float) -> bool:
        """Waits, for loops that receive nothing: ``while component.wait(10): component.publish(…)``.

        :returns: False as soon as the program is to end.
        """
        self._begin()
        deadline = _Deadline(seconds)
        while True:
            self._set_busy(False)
            with self._changed:
                while not self._stopping and self._new_configuration is None and deadline.wait(self._changed):
                    pass
                stopping = self._stopping
            self._set_busy(True)
            if stopping or not self._take_configuration():
                return not stopping

    def close(self, timeout: float = _PARTING_SECONDS) -> None:
        """Waits until the results of events are stored, and ends the line to the core. Again does nothing.

        :param timeout: Seconds; what is not stored then comes again.
        """
        with self._changed:
            if self._closed:
                return
            self._closed = self._stopping = True
            inbox, watch = self._inbox, self._watch
            self._changed.notify_all()
        if inbox is not None and not inbox.close(timeout):
            _log.warning(
                "the core did not say that all results are stored; where they are not, messages come again"
            )
        self._link.close()
        self._watches.end()
        if watch is not None:
            watch.stop()
        if self._health is not None:
            self._health.stop()

    def report_health(self, ok: bool, reason: str = "") -> None:
        """Tells the core how the program is. With ``health: {report: true}`` it restarts one that is not well.

        Automatic reports repeat this from now on.

        :param reason: Why it is not, for people; cut at 256 bytes.
        """
        (self._health or HealthReporter(self._link)).report(ok, reason)

    def defer_update(self, seconds: float, reason: str) -> Deferral:
        """Asks the core not to stop the program for an update for so long: ``with component.defer_update(60, "…"):``.

        :param seconds: At most 600, and in all since the update was ready.
        :param reason: Why, for people; cut at 256 bytes.
        :raises HedgerowError: ``QUOTA_EXCEEDED``: for longer than is allowed.
        """
        return Deferral(self._link, seconds, reason)

    # The loop

    def _begin(self) -> None:
        """Asks who the program is, and starts what runs beside it. Again does nothing."""
        with self._changed:
            if self._closed:
                raise ClosedError("The component is closed.")
            if self._began:
                return
            self._began = True
            watches = self._configuration_handler is not None
        try:
            info = self.info
        except BaseException:
            with self._changed:
                self._began = False
            raise
        if self._health is not None:
            self._health.start(info)
        if watches:
            self._start_watch()

    def _next(self, timeout: float | None, one_at_a_time: bool, in_flight: int) -> ComponentEvent | None:
        deadline = _Deadline(timeout)
        while True:
            self._set_busy(False)
            with self._changed:
                if self._closed:
                    raise ClosedError("The component is closed.")
                inbox = self._open_inbox(one_at_a_time, in_flight)
                item: Item | None = None
                while not self._stopping and self._new_configuration is None:
                    item = inbox.take()
                    if item is not None or not deadline.wait(self._changed):
                        break
                stopping = self._stopping
            self._set_busy(True)
            if item is not None:
                return ComponentEvent(item, self._finish)
            if stopping or not self._take_configuration():
                return None

    def _open_inbox(self, one_at_a_time: bool, in_flight: int) -> Inbox:
        if self._inbox is None:
            self._inbox = Inbox(self._link, self._changed, one_at_a_time, in_flight)
        elif self._inbox.one_at_a_time != one_at_a_time:
            raise InvalidConfigurationError(
                "A component either runs a handler or takes events in a loop of its own."
            )
        return self._inbox

    def _handle(self, handler: Handler, event: ComponentEvent) -> None:
        try:
            outputs = gathered(handler(event))
            if outputs and event.is_finished:
                raise InvalidMessageError("The handler returned messages for an event that has its result.")
            event.done(*outputs)
        except Exception as error:
            self._causes.report(error)
            event.fail(f"{type(error).__name__}: {error}")

    def _finish(self, events: Sequence[ComponentEvent], messages: list[message_pb2.Message], failure: str) -> None:
        with self._changed:
            open_events = [event for event in events if not event.is_finished]
            if not open_events:
                return
            if self._inbox is None or self._closed:
                raise ClosedError("The component is closed.")
            self._inbox.finish([event.item for event in open_events], messages, failure)
            for event in open_events:
                event.is_finished = True

    def _set_busy(self, busy: bool) -> None:
        if self._health is not None:
            self._health.set_busy(busy)

    # Configurations

    def _start_watch(self) -> None:
        watch = Watch(self._link, self._hear_configuration)
        with self._changed:
            self._watch = watch
        watch.start()

    def _hear_configuration(self, configuration: dict[str, Any]) -> None:
        with self._changed:
            known = self._new_configuration if self._new_configuration is not None else self._configuration
            if configuration != known:
                self._new_configuration = configuration
                self._changed.notify_all()

    def _take_configuration(self) -> bool:
        """Gives a new configuration to the handler; returns whether there was one."""
        with self._changed:
            configuration, self._new_configuration = self._new_configuration, None
            if configuration is None:
                return False
            self._configuration = configuration
            handler = self._configuration_handler
        if handler is not None:
            try:
                handler(configuration)
            except Exception as error:
                # The program goes on as it was; health reports are the way to say that this is not enough.
                self._causes.report(error)
        return True
