"""grpc.health.v1 with the client of PyPI's grpcio-health-checking."""

from __future__ import annotations

import queue
import threading

import grpc
import pytest
from fleet import Fleet, eventually
from grpc_health.v1 import health_pb2, health_pb2_grpc

import hedgerow
from hedgerow._wire import dial

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.mark.parametrize("server", ["core-1", "cloud"])
def test_health_is_told_once_and_to_those_who_watch(own_fleet: Fleet, server: str) -> None:
    own_fleet.build(cores=["core-1"], things=["thing-1"])
    target, identity = own_fleet.server(server, "thing-1")
    with dial(target, identity) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=10).status == SERVING
        telemetry = health_pb2.HealthCheckRequest(service="hedgerow.telemetry.v1.TelemetryService")
        assert health.Check(telemetry, timeout=10).status == SERVING
        every = health.List(health_pb2.HealthListRequest(), timeout=10).statuses
        assert {"", telemetry.service} <= set(every) and {every[name].status for name in every} == {SERVING}
        with pytest.raises(grpc.RpcError) as failed:
            health.Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=10)
        assert hedgerow.HedgerowError.from_rpc(failed.value).code is grpc.StatusCode.NOT_FOUND

        seen: queue.Queue[int] = queue.Queue()

        def watch() -> None:
            try:
                for answer in health.Watch(health_pb2.HealthCheckRequest(), timeout=60):
                    seen.put(answer.status)
            except grpc.RpcError:
                pass

        watcher = threading.Thread(target=watch)
        watcher.start()
        assert seen.get(timeout=30) == SERVING
        own_fleet.stop(server)
        assert seen.get(timeout=30) == NOT_SERVING
        watcher.join(30)
        assert not watcher.is_alive()

        own_fleet.start_cloud() if server == "cloud" else own_fleet.start_core(server)

        def serves() -> bool:
            try:
                return bool(health.Check(health_pb2.HealthCheckRequest(), timeout=5).status == SERVING)
            except grpc.RpcError:
                return False

        eventually("it serves again", serves)
        first = next(iter(health.Watch(health_pb2.HealthCheckRequest(service="nobody"), timeout=10)))
        assert first.status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
