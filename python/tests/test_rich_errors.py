"""The details of errors (google.rpc), read with nothing but PyPI's grpcio-status, from real servers."""

from __future__ import annotations

from typing import Any, TypeVar

import grpc
import pytest
from fleet import Fleet
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from hedgerow._wire import dial
from hedgerow.registry.v1 import registry_pb2, registry_pb2_grpc
from hedgerow.telemetry.v1 import telemetry_pb2, telemetry_pb2_grpc

_D = TypeVar("_D", bound=Message)


def status_of(error: grpc.RpcError) -> status_pb2.Status:
    """The status in the trailers, which says the same as the call's."""
    assert isinstance(error, grpc.Call)
    status = rpc_status.from_call(error)
    assert status is not None
    assert status.code == error.code().value[0] and status.message == error.details()
    return status


def detail(status: status_pb2.Status, kind: type[_D]) -> _D:
    """The one detail of a kind."""
    found = []
    for entry in status.details:
        message = kind()
        if entry.Unpack(message):
            found.append(message)
    [one] = found
    return one


def reason_of(status: status_pb2.Status) -> str:
    """The reason; there is exactly one, of ours."""
    info = detail(status, error_details_pb2.ErrorInfo)
    assert info.domain == "hedgerow"
    return str(info.reason)


@pytest.mark.parametrize("server", ["core-1", "cloud"])
def test_what_is_not_allowed_carries_its_reason_and_facts(fleet: Fleet, server: str) -> None:
    target, identity = fleet.server(server, "prober-errors")
    with dial(target, identity) as channel, pytest.raises(grpc.RpcError) as failed:
        telemetry_pb2_grpc.TelemetryServiceStub(channel).Query(telemetry_pb2.QueryRequest(), timeout=30)
    status = status_of(failed.value)
    assert status.code == code_pb2.PERMISSION_DENIED and reason_of(status) == "ROLE_NOT_ALLOWED"
    info = detail(status, error_details_pb2.ErrorInfo)
    assert dict(info.metadata) == {"method": "hedgerow.telemetry.v1.TelemetryService/Query"}


def test_a_field_that_is_wrong_is_named(fleet: Fleet) -> None:
    with fleet.channel() as channel, pytest.raises(grpc.RpcError) as failed:
        request = telemetry_pb2.QueryRequest(page_size=20_000)
        telemetry_pb2_grpc.TelemetryServiceStub(channel).Query(request, timeout=30)
    status = status_of(failed.value)
    assert status.code == code_pb2.INVALID_ARGUMENT and reason_of(status) == "INVALID_FIELD"
    [violation] = detail(status, error_details_pb2.BadRequest).field_violations
    assert violation.field == "page_size" and "10000" in violation.description.replace(",", "")


def test_a_definition_names_every_place_that_is_wrong(fleet: Fleet) -> None:
    with fleet.channel() as channel, pytest.raises(grpc.RpcError) as failed:
        request = registry_pb2.ApplyGroupRequest(definition="kind: Group\nname: 'not a name'\ncores: 7\n")
        registry_pb2_grpc.RegistryServiceStub(channel).ApplyGroup(request, timeout=30)
    status = status_of(failed.value)
    assert reason_of(status) == "INVALID_DEFINITION"
    fields = [violation.field for violation in detail(status, error_details_pb2.BadRequest).field_violations]
    assert len(fields) >= 2 and all(field.partition(":")[2].isdigit() for field in fields)


def test_a_core_names_the_wrong_field_too(fleet: Fleet) -> None:
    target, identity = fleet.server("core-1", "prober-errors")
    request = telemetry_pb2.SubscribeRequest(start=telemetry_pb2.SubscribeStart(topic_filters=["a/#/b"]))
    with dial(target, identity) as channel, pytest.raises(grpc.RpcError) as failed:
        next(telemetry_pb2_grpc.TelemetryServiceStub(channel).Subscribe(iter([request]), timeout=30))
    status = status_of(failed.value)
    assert status.code == code_pb2.INVALID_ARGUMENT and reason_of(status) == "INVALID_FIELD"
    [violation] = detail(status, error_details_pb2.BadRequest).field_violations
    assert "topic_filters" in violation.field and violation.description


def test_a_server_at_its_limit_says_when_to_come_again(fleet: Fleet) -> None:
    target, identity = fleet.server("core-1", "prober-limits")
    with dial(target, identity) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        calls: list[Any] = []
        try:
            with pytest.raises(grpc.RpcError) as failed:
                for _ in range(40):
                    calls.append(health.Watch(health_pb2.HealthCheckRequest(), timeout=60))
                    next(calls[-1])
            assert len(calls) == 33, "32 may be open"
            status = status_of(failed.value)
            assert status.code == code_pb2.RESOURCE_EXHAUSTED and reason_of(status) == "TOO_MANY_CALLS"
            delay = detail(status, error_details_pb2.RetryInfo).retry_delay
            assert delay.seconds + delay.nanos / 1e9 > 0
        finally:
            for call in calls:
                call.cancel()


def test_a_server_that_ends_says_when_to_come_again(own_fleet: Fleet) -> None:
    own_fleet.build(cores=["core-1"], things=["thing-1"])
    target, identity = own_fleet.server("core-1", "thing-1")
    with dial(target, identity) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=60)
        next(watch)
        own_fleet.stop("core-1")
        with pytest.raises(grpc.RpcError) as failed:
            for _ in watch:
                pass
    status = status_of(failed.value)
    assert status.code == code_pb2.UNAVAILABLE and reason_of(status) == "SHUTTING_DOWN"
    assert detail(status, error_details_pb2.RetryInfo).retry_delay.seconds == 1
