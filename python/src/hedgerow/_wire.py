"""Connections and calls, typed."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from .component.v1 import component_pb2
from .discovery.v1 import discovery_pb2
from .provisioning.v1 import provisioning_pb2
from .shadow.v1 import shadow_pb2
from .telemetry.v1 import telemetry_pb2

if TYPE_CHECKING:
    # Brings cryptography, which components do without.
    from ._identity import Endpoint, Identity

__all__ = [
    "Components",
    "Discovery",
    "Provisioning",
    "Shadows",
    "Target",
    "Telemetry",
    "cloud_targets",
    "dial",
    "dial_core",
    "moment",
]

CLOUD: Final = "cloud"
"""What the cloud is called where a core's name stands otherwise."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address of one server: a core, or the cloud itself."""

    core: str
    """Name of the core, or ``cloud``."""
    endpoint: Endpoint
    """Where it listens."""
    server_name: str
    """DNS name in its certificate, the same whatever the address is."""
    roots: str
    """CA certificates that may have signed it, PEM."""


def cloud_targets(identity: Identity) -> list[Target]:
    """The cloud, as an identity knows it."""
    return [
        Target(CLOUD, endpoint, identity.cloud_server_name, identity.root_pem) for endpoint in identity.cloud
    ]


def dial(target: Target, identity: Identity | None) -> grpc.Channel:
    """A channel to one address; without an identity for enrolment.

    The server has to show a certificate for its name, signed by one of the target's CAs and made for servers. Since
    those CAs belong to Hedgerow and put its own names into certificates, the name says as much as the SPIFFE ID, which
    grpcio does not show.
    """
    credentials = grpc.ssl_channel_credentials(
        root_certificates=target.roots.encode(),
        private_key=identity.key_pem.encode() if identity else None,
        certificate_chain=identity.chain_pem.encode() if identity else None,
    )
    options: list[tuple[str, str | int]] = [
        ("grpc.ssl_target_name_override", target.server_name),
        ("grpc.default_authority", target.server_name),
        # A server that is gone is noticed within 25 s. gRPC also pings to measure the line, and sends no keepalive
        # while such a ping is under way, so that one has to have the same patience (60 s otherwise).
        ("grpc.keepalive_time_ms", 15_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.ping_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        # Streams resume by themselves; what gRPC sent again would not ask where the server is.
        ("grpc.enable_retries", 0),
        # Each channel is a connection of its own, with the newest certificate and no memory of failures.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if target.endpoint.is_local:
        options.append(("grpc.enable_http_proxy", 0))
    return grpc.secure_channel(target.endpoint.target, credentials, options)


def dial_core(socket: str) -> grpc.Channel:
    """A channel to the core that runs this program, over its Unix domain socket. Without TLS: the token counts."""
    options: list[tuple[str, str | int]] = [
        ("grpc.default_authority", "localhost"),
        ("grpc.enable_http_proxy", 0),
        ("grpc.enable_retries", 0),
        # A core that starts again is found at once.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    return grpc.insecure_channel(f"unix:{socket}", options)


class Telemetry:
    """``hedgerow.telemetry.v1.TelemetryService``."""

    def __init__(self, channel: grpc.Channel) -> None:
        service = "/hedgerow.telemetry.v1.TelemetryService/"
        self.publish = channel.stream_stream(
            service + "Publish",
            request_serializer=telemetry_pb2.PublishRequest.SerializeToString,
            response_deserializer=telemetry_pb2.PublishResponse.FromString,
        )
        self.subscribe = channel.stream_stream(
            service + "Subscribe",
            request_serializer=telemetry_pb2.SubscribeRequest.SerializeToString,
            response_deserializer=telemetry_pb2.SubscribeResponse.FromString,
        )
        self.query = channel.unary_unary(
            service + "Query",
            request_serializer=telemetry_pb2.QueryRequest.SerializeToString,
            response_deserializer=telemetry_pb2.QueryResponse.FromString,
        )
        self.get_ledger = channel.unary_unary(
            service + "GetLedger",
            request_serializer=telemetry_pb2.GetLedgerRequest.SerializeToString,
            response_deserializer=telemetry_pb2.GetLedgerResponse.FromString,
        )


class Discovery:
    """``hedgerow.discovery.v1.DiscoveryService``."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.discover = channel.unary_unary(
            "/hedgerow.discovery.v1.DiscoveryService/Discover",
            request_serializer=discovery_pb2.DiscoverRequest.SerializeToString,
            response_deserializer=discovery_pb2.DiscoverResponse.FromString,
        )


class Provisioning:
    """``hedgerow.provisioning.v1.ProvisioningService``."""

    def __init__(self, channel: grpc.Channel) -> None:
        service = "/hedgerow.provisioning.v1.ProvisioningService/"
        self.enroll = channel.unary_unary(
            service + "Enroll",
            request_serializer=provisioning_pb2.EnrollRequest.SerializeToString,
            response_deserializer=provisioning_pb2.EnrollResponse.FromString,
        )
        self.renew = channel.unary_unary(
            service + "Renew",
            request_serializer=provisioning_pb2.RenewRequest.SerializeToString,
            response_deserializer=provisioning_pb2.RenewResponse.FromString,
        )


class Components:
    """``hedgerow.component.v1.ComponentService``."""

    def __init__(self, channel: grpc.Channel) -> None:
        service = "/hedgerow.component.v1.ComponentService/"
        self.get_component = channel.unary_unary(
            service + "GetComponent",
            request_serializer=component_pb2.GetComponentRequest.SerializeToString,
            response_deserializer=component_pb2.GetComponentResponse.FromString,
        )
        self.watch_configuration = channel.unary_stream(
            service + "WatchConfiguration",
            request_serializer=component_pb2.WatchConfigurationRequest.SerializeToString,
            response_deserializer=component_pb2.WatchConfigurationResponse.FromString,
        )
        self.receive = channel.stream_stream(
            service + "Receive",
            request_serializer=component_pb2.ReceiveRequest.SerializeToString,
            response_deserializer=component_pb2.ReceiveResponse.FromString,
        )
        self.publish = channel.unary_unary(
            service + "Publish",
            request_serializer=component_pb2.PublishRequest.SerializeToString,
            response_deserializer=component_pb2.PublishResponse.FromString,
        )
        self.report_health = channel.unary_unary(
            service + "ReportHealth",
            request_serializer=component_pb2.ReportHealthRequest.SerializeToString,
            response_deserializer=component_pb2.ReportHealthResponse.FromString,
        )
        self.defer_update = channel.unary_unary(
            service + "DeferUpdate",
            request_serializer=component_pb2.DeferUpdateRequest.SerializeToString,
            response_deserializer=component_pb2.DeferUpdateResponse.FromString,
        )
        self.get_secret = channel.unary_unary(
            service + "GetSecret",
            request_serializer=component_pb2.GetSecretRequest.SerializeToString,
            response_deserializer=component_pb2.GetSecretResponse.FromString,
        )
        self.read_stream = channel.unary_unary(
            service + "ReadStream",
            request_serializer=component_pb2.ReadStreamRequest.SerializeToString,
            response_deserializer=component_pb2.ReadStreamResponse.FromString,
        )


class Shadows:
    """``hedgerow.shadow.v1.ShadowService``, as far as it is for things, components and operators."""

    def __init__(self, channel: grpc.Channel) -> None:
        service = "/hedgerow.shadow.v1.ShadowService/"
        self.get = channel.unary_unary(
            service + "GetShadow",
            request_serializer=shadow_pb2.GetShadowRequest.SerializeToString,
            response_deserializer=shadow_pb2.GetShadowResponse.FromString,
        )
        self.update = channel.unary_unary(
            service + "UpdateShadow",
            request_serializer=shadow_pb2.UpdateShadowRequest.SerializeToString,
            response_deserializer=shadow_pb2.UpdateShadowResponse.FromString,
        )
        self.delete = channel.unary_unary(
            service + "DeleteShadow",
            request_serializer=shadow_pb2.DeleteShadowRequest.SerializeToString,
            response_deserializer=shadow_pb2.DeleteShadowResponse.FromString,
        )
        self.watch = channel.unary_stream(
            service + "WatchShadow",
            request_serializer=shadow_pb2.WatchShadowRequest.SerializeToString,
            response_deserializer=shadow_pb2.WatchShadowResponse.FromString,
        )


def moment(timestamp: Timestamp) -> datetime.datetime:
    """A Timestamp as a datetime in UTC, to the microsecond."""
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return epoch + datetime.timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1_000)
