"""The edge function of the comparison, by paho-mqtt: parses JSON, takes the CPU's warmth out, publishes.

usage: function.py PORT DIRECTORY IN-TOPIC OUT-TOPIC CPU-TEMPERATURE-FILE

DIRECTORY has root.pem, chain.pem and key.pem. Prints {"ready": 1} when it is subscribed.
"""

import json
import pathlib
import socket
import ssl
import sys
import time

import paho.mqtt.client as mqtt


class CPUTemperature:
    """The CPU's temperature, read once a second."""

    def __init__(self, path):
        self.path, self.value, self.until = pathlib.Path(path), 0.0, 0.0

    def read(self):
        """In °C."""
        now = time.monotonic()
        if now >= self.until:
            self.value = int(self.path.read_text()) / 1000
            self.until = now + 1
        return self.value


def main():
    """Runs until it is ended."""
    port, directory, source, target, cpu_file = sys.argv[1:]
    directory = pathlib.Path(directory)
    cpu = CPUTemperature(cpu_file)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="function")
    client.tls_set(directory / "root.pem", directory / "chain.pem", directory / "key.pem",
                   cert_reqs=ssl.CERT_REQUIRED)
    # As many publications under way as the load asks for.
    client.max_inflight_messages_set(0)

    def on_connect(client, _state, _flags, _reason, _properties):
        client.subscribe(source, qos=1)

    def on_subscribe(_client, _state, _mid, _reasons, _properties):
        print(json.dumps({"ready": 1}), flush=True)

    def on_message(client, _state, message):
        reading = json.loads(message.payload)
        reading["temperature"] = 2.0 * reading["temperature"] - cpu.read()
        client.publish(target, json.dumps(reading), qos=1)

    def on_socket_open(_client, _state, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    client.on_connect, client.on_subscribe = on_connect, on_subscribe
    client.on_message, client.on_socket_open = on_message, on_socket_open
    client.connect("127.0.0.1", int(port))
    client.loop_forever()


if __name__ == "__main__":
    main()
