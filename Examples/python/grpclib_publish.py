"""Publishes and subscribes with grpclib, a gRPC stack in pure Python that shares no code with grpcio.

    pip install ./python grpclib
    hedgerow thing enroll --token bme680-1.token --state state/bme680-1
    python Examples/python/grpclib_publish.py --state state/bme680-1 --topic bme680-1/readings

With ``--command FILTER`` it waits for one command afterwards, with ``--direct`` it speaks to the cloud itself. The
messages are the generated ones of the package ``hedgerow``; nothing else of it is used.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
from pathlib import Path

from grpclib.client import Channel, StreamStreamMethod, UnaryUnaryMethod
from grpclib.config import Configuration

from hedgerow.discovery.v1 import discovery_pb2
from hedgerow.telemetry.v1 import telemetry_pb2

TELEMETRY = "/hedgerow.telemetry.v1.TelemetryService"


def connect(state: Path, host: str, port: int, server_name: str, authorities: str) -> Channel:
    """A connection that is authenticated on both sides, through Python's own ssl module."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=authorities)
    context.load_cert_chain(state / "chain.pem", state / "key.pem")
    context.set_alpn_protocols(["h2"])
    return Channel(host, port, ssl=context, config=Configuration(ssl_target_name_override=server_name))


def connect_cloud(state: Path) -> Channel:
    """A connection to the cloud itself."""
    identity = json.loads((state / "identity.json").read_text())
    cloud = identity["cloud"][0]
    root = (state / "root.pem").read_text()
    return connect(state, cloud["host"], cloud["port"], identity["cloudServerName"], root)


async def find_core(state: Path) -> Channel:
    """Asks the cloud where to go."""
    identity = json.loads((state / "identity.json").read_text())
    channel = connect_cloud(state)
    try:
        discover = UnaryUnaryMethod(
            channel,
            "/hedgerow.discovery.v1.DiscoveryService/Discover",
            discovery_pb2.DiscoverRequest,
            discovery_pb2.DiscoverResponse,
        )
        answer = await discover(discovery_pb2.DiscoverRequest(thing=identity["principal"]["name"]), timeout=10)
    finally:
        channel.close()
    group = answer.groups[0]
    core = group.cores[0]
    endpoint = core.endpoints[0]
    return connect(state, endpoint.host, endpoint.port, core.server_name, "\n".join(group.ca_certificates))


async def publish(server: Channel, topic: str, count: int) -> None:
    """Publishes one batch at QoS 1, and returns when the server has it on its disk."""
    method = StreamStreamMethod(
        server, f"{TELEMETRY}/Publish", telemetry_pb2.PublishRequest, telemetry_pb2.PublishResponse
    )
    async with method.open(timeout=30) as stream:
        session = telemetry_pb2.Session(epoch=os.urandom(16), oldest_sequence=1)
        await stream.send_message(telemetry_pb2.PublishRequest(session=session))
        first = await stream.recv_message()
        assert first is not None and first.resume_after_sequence == 0
        publication = telemetry_pb2.Publication(sequence=1)
        batch = publication.batch
        batch.topic = topic
        batch.base_time.GetCurrentTime()
        batch.time_offsets_us.extend(number * 1_000 for number in range(count))
        column = batch.readings.columns.add(name="temperature", unit="°C")
        column.double_values.extend(20 + number / 10 for number in range(count))
        await stream.send_message(telemetry_pb2.PublishRequest(publications=[publication]), end=True)
        acknowledged = 0
        async for response in stream:
            for rejection in response.rejected:
                print(f"refused for ever: {rejection.detail}")
            acknowledged = response.acknowledged_sequence
    print(f"{acknowledged} acknowledged", flush=True)


async def hear(server: Channel, topic_filter: str) -> None:
    """Waits for one command, and acknowledges it."""
    method = StreamStreamMethod(
        server, f"{TELEMETRY}/Subscribe", telemetry_pb2.SubscribeRequest, telemetry_pb2.SubscribeResponse
    )
    async with method.open(timeout=60) as stream:
        start = telemetry_pb2.SubscribeStart(topic_filters=[topic_filter], at_least_once=True)
        await stream.send_message(telemetry_pb2.SubscribeRequest(start=start, add_credit=1))
        response = await stream.recv_message()
        assert response is not None
        for delivery in response.deliveries:
            message = delivery.record.message
            fields = {name: value.WhichOneof("kind") for name, value in message.reading.values.items()}
            values = {name: getattr(message.reading.values[name], kind) for name, kind in fields.items() if kind}
            print(f"command {message.topic} {json.dumps(values)}", flush=True)
            done = telemetry_pb2.SubscribeRequest(acknowledged_delivery_ids=[delivery.delivery_id])
            await stream.send_message(done)
        await stream.cancel()


async def run(arguments: argparse.Namespace) -> None:
    """Does what the command line asks for."""
    server = connect_cloud(arguments.state) if arguments.direct else await find_core(arguments.state)
    try:
        await publish(server, arguments.topic, arguments.count)
        if arguments.command:
            await hear(server, arguments.command)
    finally:
        server.close()


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Publish readings with grpclib.")
    parser.add_argument("--state", type=Path, required=True, help="state directory of the thing")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--direct", action="store_true", help="speak to the cloud instead of to a core")
    parser.add_argument("--command", help="topic filter; waits for one command")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
