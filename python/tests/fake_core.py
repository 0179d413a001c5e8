"""A core that serves ComponentService and ShadowService over a real Unix socket, as the protocol says, for tests of programs.

It keeps its inbox over restarts of the server (:meth:`FakeCore.stop`, :meth:`FakeCore.start`), as a core's disk does.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from fake_shadows import FakeShadows
from google.protobuf import any_pb2, timestamp_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from hedgerow.component.v1 import component_pb2 as pb
from hedgerow.component.v1 import component_pb2_grpc as rpc
from hedgerow.shadow.v1 import shadow_pb2_grpc as shadow_rpc
from hedgerow.stream.v1 import stream_pb2
from hedgerow.type.v1 import message_pb2

TOKEN = "token-of-this-start"
EPOCH = bytes(range(16))


def record(sequence: int, topic: str = "a/readings", **values: float) -> message_pb2.Record:
    """A reading of bme680-1; a sequence of 0 for QoS 0."""
    made = message_pb2.Record(receive_time=timestamp_pb2.Timestamp(seconds=1_700_000_001))
    made.origin.thing = "bme680-1"
    made.origin.epoch = EPOCH
    made.origin.first_sequence = made.origin.last_sequence = sequence
    made.message.topic = topic
    made.message.time.seconds = 1_700_000_000
    for name, value in (values or {"temperature": float(sequence)}).items():
        made.message.reading.values[name].double_value = value
        made.message.reading.units[name] = "°C"
    return made


def refuse(
    context: grpc.ServicerContext, code: grpc.StatusCode, reason: str, text: str, retry: float | None = None
) -> Any:
    """Ends a call as our servers do."""
    details = [any_pb2.Any()]
    details[0].Pack(error_details_pb2.ErrorInfo(domain="hedgerow", reason=reason))
    if retry is not None:
        info = error_details_pb2.RetryInfo()
        info.retry_delay.FromMilliseconds(int(retry * 1_000))
        details.append(any_pb2.Any())
        details[1].Pack(info)
    status = status_pb2.Status(code=code.value[0], message=text, details=details)
    context.abort_with_status(rpc_status.to_status(status))


@dataclass
class Entry:
    """A message in the inbox."""

    record: message_pb2.Record
    attempts: int = 0


@dataclass
class Session:
    """One stream of Receive."""

    one_at_a_time: bool = False
    credit: int = 0
    sent: dict[int, Entry] = field(default_factory=dict)
    results: dict[int, pb.EventResult] = field(default_factory=dict)
    responses: queue.SimpleQueue[pb.ReceiveResponse | None] = field(default_factory=queue.SimpleQueue)
    superseded: bool = False


class FakeCore(rpc.ComponentServiceServicer):
    """One instance, and what it does."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "core.sock"
        self.lock = threading.RLock()
        self.inbox: list[Entry] = []
        self.info = pb.GetComponentResponse(
            instance="republish", component="republish", version="1.0.0", core="core-1", group="hall", revision=3
        )
        self.info.configuration.update({"limits": {"high": 80.5, "count": 3}, "names": ["a", 1]})
        self.info.handler_timeout.FromSeconds(3)
        self.published: list[message_pb2.Message] = []
        """Outputs of results, in the order in which they were stored."""
        self.failures: list[str] = []
        self.requests: list[list[pb.EventResult]] = []
        """Results by request."""
        self.own: dict[bytes, list[message_pb2.Message]] = {}
        """Messages of the program's own by epoch."""
        self.sequences: dict[bytes, int] = {}
        """The sequence that comes next, by epoch."""
        self.publish_requests: list[pb.PublishRequest] = []
        self.deferrals: list[pb.DeferUpdateRequest] = []
        self.health: list[pb.ReportHealthRequest] = []
        self.stream: list[stream_pb2.StreamMessage] = []
        self.configurations: list[queue.SimpleQueue[dict[str, Any] | None]] = []
        self.before_publish: Callable[[pb.PublishRequest, grpc.ServicerContext], None] = lambda request, context: (
            None
        )
        self.after_publish: Callable[[grpc.ServicerContext], None] = lambda context: None
        self.before_results: Callable[[list[pb.EventResult], grpc.ServicerContext], bool] = (
            lambda results, context: True
        )
        self.most_in_flight = 0
        self.shadows = FakeShadows(self._authenticate, refuse)
        self._session: Session | None = None
        self._ids = 0
        self._server: grpc.Server | None = None

    # Life

    def start(self) -> None:
        """Serves."""
        self._server = grpc.server(futures.ThreadPoolExecutor(16))
        rpc.add_ComponentServiceServicer_to_server(self, self._server)
        shadow_rpc.add_ShadowServiceServicer_to_server(self.shadows, self._server)
        self._server.add_insecure_port(f"unix:{self.socket}")
        self._server.start()

    def stop(self) -> None:
        """Ends all calls, as a core does that ends."""
        server, self._server = self._server, None
        with self.lock:
            if self._session is not None:
                self._session.responses.put(None)
            for configurations in self.configurations:
                configurations.put(None)
            self.configurations.clear()
        self.shadows.stop()
        if server is not None:
            server.stop(0).wait()

    def put(self, *records: message_pb2.Record) -> None:
        """Messages come to the inbox."""
        with self.lock:
            self.inbox += [Entry(message) for message in records]
            self._deliver()

    def configure(self, configuration: dict[str, Any]) -> None:
        """A revision changes the configuration."""
        with self.lock:
            self.info.configuration.Clear()
            self.info.configuration.update(configuration)
            for configurations in self.configurations:
                configurations.put(configuration)

    # The service

    def _authenticate(self, context: grpc.ServicerContext) -> None:
        if ("authorization", f"Bearer {TOKEN}") not in context.invocation_metadata():
            refuse(context, grpc.StatusCode.UNAUTHENTICATED, "NO_IDENTITY", "The token is not that of a program.")

    def GetComponent(
        self, request: pb.GetComponentRequest, context: grpc.ServicerContext
    ) -> pb.GetComponentResponse:
        self._authenticate(context)
        with self.lock:
            answer = pb.GetComponentResponse()
            answer.CopyFrom(self.info)
            return answer

    def WatchConfiguration(
        self, request: pb.WatchConfigurationRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.WatchConfigurationResponse]:
        self._authenticate(context)
        configurations: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        with self.lock:
            self.configurations.append(configurations)
            first = pb.WatchConfigurationResponse(configuration=self.info.configuration)
        context.add_callback(lambda: configurations.put(None))
        yield first
        while (configuration := configurations.get()) is not None:
            answer = pb.WatchConfigurationResponse()
            answer.configuration.update(configuration)
            yield answer

    def Receive(
        self, requests: Iterator[pb.ReceiveRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.ReceiveResponse]:
        self._authenticate(context)
        session = Session()
        with self.lock:
            older, self._session = self._session, session
            if older is not None:
                older.superseded = True
                older.responses.put(None)
        reader = threading.Thread(target=self._read, args=(session, requests, context), daemon=True)
        reader.start()
        while (response := session.responses.get()) is not None:
            yield response
        if session.superseded:
            refuse(context, grpc.StatusCode.ABORTED, "SESSION_SUPERSEDED", "A newer stream took over.")

    def _read(
        self, session: Session, requests: Iterator[pb.ReceiveRequest], context: grpc.ServicerContext
    ) -> None:
        first = True
        try:
            for request in requests:
                with self.lock:
                    assert first == request.HasField("start"), "start comes in the first request, and there only"
                    if first:
                        session.one_at_a_time = request.start.one_at_a_time
                        first = False
                    session.credit += request.add_credit
                    assert session.credit + len(session.sent) <= 1_000, "too much credit"
                    if request.results:
                        self._store(session, list(request.results), context)
                    self._deliver()
        except grpc.RpcError:
            pass
        except Exception:
            # A stream whose requests end with an exception was cancelled; an assertion is for the test to see.
            if context.is_active():
                raise
        finally:
            with self.lock:
                if self._session is session:
                    self._session = None
            session.responses.put(None)

    def _store(self, session: Session, results: list[pb.EventResult], context: grpc.ServicerContext) -> None:
        assert sum(result.ByteSize() for result in results) <= 4 << 20
        self.requests.append(results)
        if not self.before_results(results, context):
            return
        for result in results:
            if result.delivery_id in session.sent:
                session.results.setdefault(result.delivery_id, result)
        stored = []
        # In the order of the messages: a result waits for those before it.
        for delivery_id, entry in list(session.sent.items()):
            if delivery_id not in session.results:
                break
            result = session.results.pop(delivery_id)
            del session.sent[delivery_id]
            stored.append(delivery_id)
            if entry in self.inbox:
                self.inbox.remove(entry)
            if result.failure:
                assert not result.messages
                self.failures.append(result.failure)
            for message in result.messages:
                if not message.HasField("time"):
                    message.time.CopyFrom(entry.record.message.time)
                self.published.append(message)
        if stored:
            session.responses.put(pb.ReceiveResponse(stored_delivery_ids=stored))

    def _deliver(self) -> None:
        session = self._session
        if session is None:
            return
        under_way = {id(entry) for entry in session.sent.values()}
        waits = any(delivery_id not in session.results for delivery_id in session.sent)
        for entry in list(self.inbox):
            if session.credit == 0 or (session.one_at_a_time and waits):
                return
            if id(entry) in under_way:
                continue
            self._ids += 1
            session.credit -= 1
            session.sent[self._ids] = entry
            waits = True
            self.most_in_flight = max(self.most_in_flight, len(session.sent))
            event = pb.Event(delivery_id=self._ids, record=entry.record, attempt=entry.attempts)
            entry.attempts += 1
            if not entry.record.origin.last_sequence:
                self.inbox.remove(entry)
            session.responses.put(pb.ReceiveResponse(events=[event]))

    def Publish(self, request: pb.PublishRequest, context: grpc.ServicerContext) -> pb.PublishResponse:
        self._authenticate(context)
        with self.lock:
            self.publish_requests.append(request)
            self.before_publish(request, context)
            stored = self.own.setdefault(request.epoch, [])
            if request.first_sequence:
                following = self.sequences.setdefault(request.epoch, 1)
                if request.first_sequence > following:
                    text = f"{following} was expected"
                    refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "SEQUENCE_GAP", text)
                stored += request.messages[following - request.first_sequence :]
                self.sequences[request.epoch] = max(following, request.first_sequence + len(request.messages))
            else:
                stored += request.messages
            self.after_publish(context)
            unrouted = sum(message.topic.startswith("nowhere/") for message in request.messages)
            return pb.PublishResponse(unrouted=unrouted)

    def ReportHealth(
        self, request: pb.ReportHealthRequest, context: grpc.ServicerContext
    ) -> pb.ReportHealthResponse:
        self._authenticate(context)
        with self.lock:
            self.health.append(request)
        return pb.ReportHealthResponse()

    def DeferUpdate(self, request: pb.DeferUpdateRequest, context: grpc.ServicerContext) -> pb.DeferUpdateResponse:
        self._authenticate(context)
        if request.defer.seconds > 600:
            refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED", "At most 10 minutes at a time.")
        with self.lock:
            self.deferrals.append(request)
        until = timestamp_pb2.Timestamp(seconds=1_700_000_000 + request.defer.seconds)
        return pb.DeferUpdateResponse(defer_time=until, update_waiting=True)

    def GetSecret(self, request: pb.GetSecretRequest, context: grpc.ServicerContext) -> pb.GetSecretResponse:
        self._authenticate(context)
        if request.name != "weather-key":
            refuse(
                context, grpc.StatusCode.PERMISSION_DENIED, "NOT_YOUR_RESOURCE", "The recipe does not ask for it."
            )
        return pb.GetSecretResponse(value=b"s3cret")

    def ReadStream(self, request: pb.ReadStreamRequest, context: grpc.ServicerContext) -> pb.ReadStreamResponse:
        self._authenticate(context)
        if request.read.stream != "raw":
            refuse(context, grpc.StatusCode.PERMISSION_DENIED, "NOT_YOUR_RESOURCE", "No subscription leads there.")
        start = request.read.position.sequence if request.read.HasField("position") else 1
        page = [message for message in self.stream if message.position.sequence >= start][: request.read.page_size]
        following = page[-1].position.sequence + 1 if page else start
        answer = pb.ReadStreamResponse()
        answer.read.messages.extend(page)
        answer.read.next.epoch = EPOCH
        answer.read.next.sequence = following
        answer.read.end = not self.stream or following > self.stream[-1].position.sequence
        return answer
