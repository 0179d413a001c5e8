"""Traces, as a receiver sees them that shares no code with Hedgerow: generated from PyPI's opentelemetry-proto."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

from fleet import Fleet, eventually

# From a thing's publishing to the cloud's disk, without and with a component in the way.
RAW = ["thing publish", "core receive", "core append", "core wait", "core forward", "cloud receive", "cloud store"]
DERIVED = [*RAW[:2], "core transform", *RAW[2:]]

TRANSFORM = """
kind: Component
name: double
version: 1.0.0
transform:
  - set: {temperature: '2.0 * reading.temperature'}
  - publish: doubled/reading
"""


@dataclass(frozen=True)
class Received:
    """A span, and the program that sent it."""

    service: str
    instance: str
    span: trace_pb2.Span


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps every span that arrives."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: dict[bytes, Received] = {}

    def Export(
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        for program in request.resource_spans:
            names = {attribute.key: attribute.value.string_value for attribute in program.resource.attributes}
            for scope in program.scope_spans:
                with self._lock:
                    for span in scope.spans:
                        received = Received(names["service.name"], names.get("service.instance.id", ""), span)
                        self._spans[span.span_id] = received
        return trace_service_pb2.ExportTraceServiceResponse()

    @property
    def spans(self) -> dict[bytes, Received]:
        """All spans so far, by their identity."""
        with self._lock:
            return dict(self._spans)

    def chains(self, last: str) -> list[list[Received]]:
        """For each span of a name the way to it, from the root of its trace; those of which a link is missing left out."""
        spans = self.spans
        found = []
        for received in spans.values():
            if received.span.name != last:
                continue
            chain = [received]
            while chain[0].span.parent_span_id and (parent := spans.get(chain[0].span.parent_span_id)):
                chain.insert(0, parent)
            if not chain[0].span.parent_span_id:
                found.append(chain)
        return found

    def wait_for(self, names: list[str], within: float = 60) -> list[Received]:
        """Waits for a whole way with these steps; returns the first one."""

        def look() -> list[Received] | None:
            ways = [chain for chain in self.chains(names[-1]) if [each.span.name for each in chain] == names]
            return ways[0] if ways else None

        return eventually(f"a trace {' > '.join(names)}; there are {self.summary()}", look, within)

    def summary(self) -> list[tuple[str, str]]:
        """What has arrived, for messages."""
        return sorted({(each.service, each.span.name) for each in self.spans.values()})


@pytest.fixture
def receiver(own_fleet: Fleet) -> Iterator[Receiver]:
    """A collector of traces, to which every program of the fleet sends."""
    receiver = Receiver()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    own_fleet.environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    yield receiver
    server.stop(None)


def build(fleet: Fleet) -> None:
    """A fleet with a transform in the way."""
    recipe = fleet.directory / "double.yaml"
    recipe.write_text(TRANSFORM)
    fleet.start_cloud()
    fleet.client().close()
    fleet.command("components", "push", str(recipe))
    fleet.register(cores=["core-1"], things=["press-1", "press-2"])
    fleet.apply(
        """
        kind: Group
        name: hall
        cores: [core-1]
        things: [press-1, press-2]
        components: [{name: double, version: 1.0.0}]
        subscriptions:
          - {from: 'thing:*', topic: '+/readings', to: cloud}
          - {from: 'thing:*', topic: '+/readings', to: 'component:double'}
          - {from: 'component:double', topic: 'doubled/#', to: cloud}
        """
    )
    fleet.start_core("core-1", wait=False)
    fleet.deploy("hall")
    fleet.wait_until_listening("core-1")


def check(chain: list[Received]) -> None:
    """One trace, three programs, each step within the one before and not before it."""
    assert len({each.span.trace_id for each in chain}) == 1
    assert {each.service for each in chain} == {"hedgerow-thing", "hedgerow-core", "hedgerow-cloud"}
    assert [each.instance for each in chain][:2] == ["press-1", "core-1"]
    for before, after in zip(chain, chain[1:], strict=False):
        assert after.span.parent_span_id == before.span.span_id
        assert after.service == before.service or after.span.start_time_unix_nano >= before.span.start_time_unix_nano
    for each in chain:
        assert each.span.end_time_unix_nano >= each.span.start_time_unix_nano > 0


def test_one_trace_leads_from_the_thing_to_the_clouds_disk(own_fleet: Fleet, receiver: Receiver) -> None:
    build(own_fleet)
    own_fleet.start_thing("press-1", "--count", "3", "--interval", "0.2")
    own_fleet.wait_until_ended("press-1")
    raw, derived = receiver.wait_for(RAW), receiver.wait_for(DERIVED)
    check(raw)
    check(derived)
    # What was made of a reading belongs to the reading's trace.

    def traces() -> bool:
        return len({chain[0].span.trace_id for chain in receiver.chains("cloud store")}) == 3

    eventually("three readings, three traces", traces)
    [transform] = [each for each in derived if each.span.name == "core transform"]
    attributes = {each.key: each.value.string_value for each in transform.span.attributes}
    assert attributes["hedgerow.component.name"] == "double"
    assert attributes["hedgerow.component.version"] == "1.0.0"


def test_a_trace_goes_on_after_the_core_was_killed_between_append_and_forward(
    own_fleet: Fleet, receiver: Receiver
) -> None:
    build(own_fleet)
    # Enrolled, and with its core known, the thing needs no cloud any more.
    own_fleet.start_thing("press-1", "--count", "1")
    own_fleet.wait_until_ended("press-1")
    earlier = receiver.wait_for(RAW)[0].span.trace_id
    own_fleet.kill("cloud")
    own_fleet.start_thing("press-1", "--count", "1")
    own_fleet.wait_until_ended("press-1")

    def appended() -> bytes | None:
        appends = [chain[0].span.trace_id for chain in receiver.chains("core append")]
        new = [trace for trace in appends if trace != earlier]
        # The raw reading and the derived one.
        return new[0] if len(new) == 2 else None

    trace = eventually("the appends of the second reading", appended)
    killed = time.time_ns()
    own_fleet.kill("core-1")

    own_fleet.start_core("core-1")
    own_fleet.start_cloud()

    def stored() -> list[list[Received]] | None:
        found = [chain for chain in receiver.chains("cloud store") if chain[0].span.trace_id == trace]
        return found if len(found) == 2 else None

    chains = sorted(eventually("both are stored, in the trace from before", stored, 60), key=len)
    assert [[each.span.name for each in chain] for chain in chains] == [RAW, DERIVED]
    for chain in chains:
        check(chain)
        [wait] = [each.span for each in chain if each.span.name == "core wait"]
        assert wait.start_time_unix_nano < killed < wait.end_time_unix_nano


def test_a_trace_that_a_foreign_client_began_goes_on(own_fleet: Fleet, receiver: Receiver) -> None:
    build(own_fleet)
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with own_fleet.thing("press-2") as thing:
        thing.publish("press-2/readings", {"temperature": 1.0}, traceparent=f"00-{trace}-{span}-01")

    def stored() -> list[Received]:
        return [each for each in receiver.spans.values() if each.span.name == "cloud store"]

    eventually("the raw and the derived reading are stored", lambda: len(stored()) == 2 or None)
    assert {each.span.trace_id.hex() for each in stored()} == {trace}

    def received() -> list[Received]:
        return [each for each in receiver.spans.values() if each.span.name == "core receive"]

    # The core exports when it likes, which may be after the cloud.
    [begun] = eventually("the core tells of the reading", received)
    assert begun.span.parent_span_id.hex() == span


def test_without_a_trace_from_the_thing_one_begins_at_the_core(own_fleet: Fleet, receiver: Receiver) -> None:
    build(own_fleet)
    with own_fleet.thing("press-2") as thing:
        thing.publish("press-2/readings", {"temperature": 1.0})
    chain = receiver.wait_for(RAW[1:])
    assert not chain[0].span.parent_span_id


def test_calls_are_traced_from_the_core_to_the_cloud(own_fleet: Fleet, receiver: Receiver) -> None:
    build(own_fleet)

    def recipe_call() -> list[Received] | None:
        name = "hedgerow.deployment.v1.DeploymentService/GetRecipe"
        calls = [each for each in receiver.spans.values() if each.span.name == name]
        kinds = {each.span.kind for each in calls}
        return calls if kinds == {trace_pb2.Span.SPAN_KIND_CLIENT, trace_pb2.Span.SPAN_KIND_SERVER} else None

    calls = eventually("both sides of a call", recipe_call)
    [server] = [each for each in calls if each.span.kind == trace_pb2.Span.SPAN_KIND_SERVER]
    [client] = [each for each in calls if each.span.kind == trace_pb2.Span.SPAN_KIND_CLIENT]
    assert server.span.parent_span_id == client.span.span_id
    assert (client.service, server.service) == ("hedgerow-core", "hedgerow-cloud")


def test_a_collector_that_goes_away_stops_nothing(own_fleet: Fleet, receiver: Receiver) -> None:
    # A port at which nobody listens, as for a collector that is not there yet.
    own_fleet.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
    own_fleet.environment["OTEL_BSP_EXPORT_TIMEOUT"] = "200"
    build(own_fleet)
    with own_fleet.thing("press-2") as thing:
        for number in range(50):
            thing.publish("press-2/readings", {"temperature": float(number)})
        thing.flush()

    def told() -> bool:
        return own_fleet.log("core-1").count("traces are dropped") == 1

    eventually("the core says once that traces are dropped", told)
    assert not receiver.spans
    with own_fleet.client() as client:
        eventually("all readings", lambda: len(list(client.query(thing="press-2"))) == 100)
