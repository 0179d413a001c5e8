"""Publishes readings with nothing but grpcio and generated code: the protocol, step by step.

Make the code and an identity first:

    pip install grpcio grpcio-tools
    python python/build_stubs.py --out stubs
    hedgerow thing enroll --token bme680-1.token --state state/bme680-1
    PYTHONPATH=stubs python Examples/python/plain_grpcio.py --state state/bme680-1 --topic bme680-1/readings

Real programs use the package ``hedgerow`` (publish_sensor.py), which adds all that this one leaves out: enrolment and
renewal, every address instead of the first, sending again after a lost connection, batches, bounds.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
from hedgerow.discovery.v1 import discovery_pb2, discovery_pb2_grpc
from hedgerow.telemetry.v1 import telemetry_pb2, telemetry_pb2_grpc
from hedgerow.type.v1 import message_pb2


def channel(state: Path, host: str, port: int, server_name: str, authorities: bytes) -> grpc.Channel:
    """A connection that is authenticated on both sides. The server is known by its name, whatever its address is."""
    credentials = grpc.ssl_channel_credentials(
        root_certificates=authorities,
        private_key=(state / "key.pem").read_bytes(),
        certificate_chain=(state / "chain.pem").read_bytes(),
    )
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return grpc.secure_channel(address, credentials, [("grpc.ssl_target_name_override", server_name)])


def find_core(state: Path) -> grpc.Channel:
    """Asks the cloud where to go."""
    identity = json.loads((state / "identity.json").read_text())
    cloud = identity["cloud"][0]
    root = (state / "root.pem").read_bytes()
    with channel(state, cloud["host"], cloud["port"], identity["cloudServerName"], root) as connection:
        request = discovery_pb2.DiscoverRequest(thing=identity["principal"]["name"])
        answer = discovery_pb2_grpc.DiscoveryServiceStub(connection).Discover(request, timeout=10)
    group = answer.groups[0]
    core = group.cores[0]
    endpoint = core.endpoints[0]
    print(f"core {core.core} at {endpoint.host}:{endpoint.port}")
    # Cores have certificates of their group's authority, not of the root.
    authorities = "\n".join(group.ca_certificates).encode()
    return channel(state, endpoint.host, endpoint.port, core.server_name, authorities)


def reading(topic: str, temperature: float) -> message_pb2.Message:
    """One message, sampled now."""
    message = message_pb2.Message(topic=topic)
    message.time.GetCurrentTime()
    message.reading.values["temperature"].double_value = temperature
    message.reading.units["temperature"] = "°C"
    return message


def publish(core: grpc.Channel, topic: str, count: int) -> None:
    """Publishes at QoS 1, and returns when the core has all of it on its disk."""
    outbox: queue.Queue[telemetry_pb2.PublishRequest | None] = queue.Queue()

    def requests() -> Iterator[telemetry_pb2.PublishRequest]:
        while (request := outbox.get()) is not None:
            yield request

    # An epoch is 16 random bytes, drawn at every start. Sequences count from 1 within it.
    session = telemetry_pb2.Session(epoch=os.urandom(16), oldest_sequence=1)
    outbox.put(telemetry_pb2.PublishRequest(session=session))
    acknowledged = 0
    for response in telemetry_pb2_grpc.TelemetryServiceStub(core).Publish(requests(), timeout=30):
        if response.HasField("resume_after_sequence"):
            # The first response: the server is here, and has everything up to this sequence. In a new epoch: nothing.
            for sequence in range(response.resume_after_sequence + 1, count + 1):
                publication = telemetry_pb2.Publication(sequence=sequence, message=reading(topic, 20 + sequence / 10))
                outbox.put(telemetry_pb2.PublishRequest(publications=[publication]))
        for rejection in response.rejected:
            print(f"{rejection.first_sequence} is refused for ever: {rejection.detail}", file=sys.stderr)
        # Cumulative: everything up to here is safe and needs not be kept any more.
        acknowledged = response.acknowledged_sequence
        if acknowledged == count:
            outbox.put(None)
    print(f"{acknowledged} acknowledged")


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Publish readings with plain grpcio.")
    parser.add_argument("--state", type=Path, required=True, help="state directory of the thing")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--count", type=int, default=3)
    arguments = parser.parse_args()
    with find_core(arguments.state) as core:
        publish(core, arguments.topic, arguments.count)


if __name__ == "__main__":
    main()
