"""Deadlines of a client: it is told in time, and the server's call is over too.

Whether a server has forgotten a call shows at its limit of open calls: more calls time out than one caller may have
open, and then as many more are let in.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from fleet import Fleet, eventually
from grpc_health.v1 import health_pb2, health_pb2_grpc

import hedgerow
from hedgerow._wire import dial
from hedgerow.deployment.v1 import deployment_pb2, deployment_pb2_grpc
from hedgerow.telemetry.v1 import telemetry_pb2, telemetry_pb2_grpc

LIMIT = 8
DEADLINE = 0.5
Call = Callable[[float], Any]


@pytest.fixture(scope="module")
def small_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A fleet whose servers let few calls in."""
    from fleet import running

    with running(tmp_path_factory.mktemp("deadlines")) as fleet:
        fleet.options["cloud"] = ["--limits-calls-per-identity", str(LIMIT)]
        fleet.options["core-1"] = ["--limits-calls-per-thing", str(LIMIT)]
        fleet.build(cores=["core-1"], things=["thing-1", "thing-2", "thing-3"])
        yield fleet


def calls_of(channel: grpc.Channel, hold: threading.Event) -> dict[str, Call]:
    """Calls that last for as long as they are let, by name. Requests stay open until the event is set."""
    telemetry = telemetry_pb2_grpc.TelemetryServiceStub(channel)

    def publish(timeout: float) -> Any:
        def requests() -> Iterator[telemetry_pb2.PublishRequest]:
            # Streams of their own: a second session on one would end the first.
            epoch = os.urandom(16)
            session = telemetry_pb2.Session(stream=epoch.hex(), epoch=epoch, oldest_sequence=1)
            yield telemetry_pb2.PublishRequest(session=session)
            hold.wait(60)

        return telemetry.Publish(requests(), timeout=timeout)

    def subscribe(timeout: float) -> Any:
        def requests() -> Iterator[telemetry_pb2.SubscribeRequest]:
            start = telemetry_pb2.SubscribeStart(topic_filters=["none/#"])
            yield telemetry_pb2.SubscribeRequest(start=start, add_credit=1)
            hold.wait(60)

        return telemetry.Subscribe(requests(), timeout=timeout)

    def watch_health(timeout: float) -> Any:
        return health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=timeout)

    return {"Publish": publish, "Subscribe": subscribe, "Health/Watch": watch_health}


def drain(call: Any) -> grpc.StatusCode:
    """Reads a call to its end."""
    try:
        for _ in call:
            pass
    except grpc.RpcError:
        pass
    code: grpc.StatusCode = call.code()
    return code


def check(what: str, begin: Call) -> None:
    """Lets three times as many calls time out as may be open at once.

    A server that kept those that are over would soon refuse every other one. One that is a moment behind its client
    refuses some, which are begun again.
    """
    timed_out = 0

    def have_timed_out() -> bool:
        nonlocal timed_out
        calls = [begin(DEADLINE) for _ in range(LIMIT)]
        codes = [drain(call) for call in calls]
        odd = set(codes) - {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert not odd, [call.details() for call in calls]
        timed_out += codes.count(grpc.StatusCode.DEADLINE_EXCEEDED)
        return timed_out >= 3 * LIMIT

    began = time.monotonic()
    eventually(f"{3 * LIMIT} calls of {what} have been let in and have timed out", have_timed_out)
    print(f"{what}: {timed_out} calls with a deadline of {DEADLINE} s took {time.monotonic() - began:.1f} s")


@pytest.mark.parametrize("server", ["core-1", "cloud"])
@pytest.mark.parametrize("what", ["Publish", "Subscribe", "Health/Watch"])
def test_a_call_that_times_out_is_over_on_both_sides(small_fleet: Fleet, server: str, what: str) -> None:
    thing = {"Publish": "thing-1", "Subscribe": "thing-2", "Health/Watch": "thing-3"}[what]
    target, identity = small_fleet.server(server, thing)
    hold = threading.Event()
    with dial(target, identity) as channel:
        try:
            check(what, calls_of(channel, hold)[what])
            # All of the limit is free again.
            watch = calls_of(channel, hold)["Health/Watch"]

            def all_are_let_in() -> bool:
                open_calls = [watch(20) for _ in range(LIMIT)]
                try:
                    return all(next(call).status == health_pb2.HealthCheckResponse.SERVING for call in open_calls)
                except grpc.RpcError as error:
                    assert hedgerow.HedgerowError.from_rpc(error).reason == "TOO_MANY_CALLS"
                    return False
                finally:
                    for call in open_calls:
                        call.cancel()

            eventually("all of the limit is free again", all_are_let_in, within=10)
        finally:
            hold.set()


def test_watching_a_deployment_honours_its_deadline(small_fleet: Fleet) -> None:
    # A core that never comes keeps the deployment from its end.
    small_fleet.register(cores=["away"])
    small_fleet.apply("kind: Group\nname: other\ncores: [away]\n")
    with small_fleet.channel() as channel:
        service = deployment_pb2_grpc.DeploymentServiceStub(channel)
        request = deployment_pb2.CreateDeploymentRequest(request_id="away", group="other")
        deployment = service.CreateDeployment(request, timeout=30).deployment
        watching = deployment_pb2.WatchDeploymentRequest(id=deployment.id)
        check("WatchDeployment", lambda timeout: service.WatchDeployment(watching, timeout=timeout))


def test_a_query_to_a_server_that_does_not_answer_ends_at_its_deadline(small_fleet: Fleet) -> None:
    with small_fleet.channel() as channel:
        telemetry = telemetry_pb2_grpc.TelemetryServiceStub(channel)
        request = telemetry_pb2.QueryRequest(page_size=10)
        telemetry.Query(request, timeout=30)
        small_fleet.freeze("cloud", True)
        try:
            for _ in range(2 * LIMIT):
                with pytest.raises(grpc.RpcError) as failed:
                    telemetry.Query(request, timeout=0.1)
                assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        finally:
            small_fleet.freeze("cloud", False)

        def answers() -> bool:
            try:
                telemetry.Query(request, timeout=5)
            except grpc.RpcError as error:
                assert hedgerow.HedgerowError.from_rpc(error).reason in (None, "TOO_MANY_CALLS")
                return False
            return True

        eventually("the cloud answers again", answers)
