"""grpc.reflection with the client of PyPI's grpcio-reflection: calls without generated code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import grpc
import pytest
from fleet import Fleet, eventually
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import hedgerow
from hedgerow._wire import dial

TELEMETRY = "hedgerow.telemetry.v1.TelemetryService"
EVERYWHERE = {
    TELEMETRY,
    "hedgerow.shadow.v1.ShadowService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
}
CLOUD = {
    "hedgerow.registry.v1.RegistryService",
    "hedgerow.discovery.v1.DiscoveryService",
    "hedgerow.deployment.v1.DeploymentService",
    "hedgerow.provisioning.v1.ProvisioningService",
    "hedgerow.stream.v1.StreamService",
    "hedgerow.artifact.v1.ArtifactService",
}


def call(channel: grpc.Channel, method: MethodDescriptor, request: Message) -> Message:
    """A unary call with what reflection told, and nothing else."""
    assert method.containing_service is not None
    answer = message_factory.GetMessageClass(method.output_type)
    invoke: Callable[..., Message] = channel.unary_unary(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answer.FromString,
    )
    return invoke(request, timeout=30)


@pytest.mark.parametrize("server", ["core-1", "cloud"])
def test_what_is_served_is_listed_and_described(fleet: Fleet, server: str) -> None:
    target, identity = fleet.server(server, "prober-reflection")
    with dial(target, identity) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        services = set(database.get_services())
        assert services == (EVERYWHERE | CLOUD if server == "cloud" else EVERYWHERE)
        pool = DescriptorPool(database)
        for name in services:
            service = pool.FindServiceByName(name)
            assert service.methods, name
        telemetry = pool.FindServiceByName(TELEMETRY)
        assert {method.name for method in telemetry.methods} == {"Publish", "Subscribe", "Query", "GetLedger"}
        publish = telemetry.FindMethodByName("Publish")
        assert publish.client_streaming and publish.server_streaming
        assert {field.name for field in publish.input_type.fields} >= {"session", "publications", "lost"}

        check = pool.FindServiceByName("grpc.health.v1.Health").FindMethodByName("Check")
        request = message_factory.GetMessageClass(check.input_type)(service=TELEMETRY)
        assert call(channel, check, request).status == 1  # type: ignore[attr-defined]


def test_history_is_read_without_generated_code(fleet: Fleet) -> None:
    with fleet.thing("prober-reflection") as thing:
        thing.publish("prober-reflection/readings", {"v": 1.5}, units={"v": "°C"}).wait(timeout=30)
    with fleet.client() as cloud:
        eventually("it is stored", lambda: cloud.ledger("prober-reflection").received == 1)
    with fleet.channel() as channel:
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        query = pool.FindServiceByName(TELEMETRY).FindMethodByName("Query")
        request = message_factory.GetMessageClass(query.input_type)(thing="prober-reflection", page_size=10)
        [record] = call(channel, query, request).records  # type: ignore[attr-defined]
        assert record.message.reading.values["v"].double_value == 1.5
        assert record.message.reading.units["v"] == "°C"


@pytest.mark.parametrize("server", ["core-1", "cloud"])
def test_what_is_not_there_is_not_found(fleet: Fleet, server: str) -> None:
    target, identity = fleet.server(server, "prober-reflection")
    with dial(target, identity) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        with pytest.raises(KeyError):
            database.FindFileByName("no/such.proto")
        with pytest.raises(KeyError):
            database.FindFileContainingSymbol("no.Such")
        with pytest.raises(KeyError):
            database.FindAllExtensionNumbers("no.Such")
        assert list(database.FindAllExtensionNumbers("hedgerow.telemetry.v1.QueryRequest")) == []
        if server == "core-1":
            # A core does not tell what only the cloud serves.
            with pytest.raises(KeyError):
                database.FindFileContainingSymbol("hedgerow.registry.v1.RegistryService")


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_both_names_answer_one_stream_in_order(fleet: Fleet, version: str) -> None:
    target, identity = fleet.server("core-1", "prober-reflection")
    asked = [
        reflection_pb2.ServerReflectionRequest(host="here", list_services=""),
        reflection_pb2.ServerReflectionRequest(file_by_filename="hedgerow/type/v1/message.proto"),
        reflection_pb2.ServerReflectionRequest(),
        reflection_pb2.ServerReflectionRequest(
            file_containing_extension=reflection_pb2.ExtensionRequest(
                containing_type="hedgerow.telemetry.v1.QueryRequest", extension_number=7
            )
        ),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=TELEMETRY),
    ]
    with dial(target, identity) as channel:
        # The messages of the two are the same on the wire; grpcio-reflection has those of v1alpha alone.
        ask = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        answers = list(ask(iter(asked), timeout=30))
    assert [answer.original_request for answer in answers] == asked
    assert answers[0].valid_host == "here"
    kinds = [answer.WhichOneof("message_response") for answer in answers]
    files = "file_descriptor_response"
    assert kinds == ["list_services_response", files, "error_response", "error_response", files]
    assert answers[2].error_response.error_code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert answers[3].error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


def test_nobody_without_an_identity_may_ask(fleet: Fleet) -> None:
    target, _ = fleet.server("cloud", "prober-reflection")
    door = replace(target, endpoint=hedgerow.Endpoint("127.0.0.1", fleet.port("cloud enrollment")))
    with dial(door, None) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        with pytest.raises(grpc.RpcError) as failed:
            next(stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")])))
    # Nothing of it is served there.
    assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED
