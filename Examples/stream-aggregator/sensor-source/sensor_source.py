"""Simulated sensors: 20 readings a second in all, with a small API on HTTP that turns them off and on.

curl http://127.0.0.1:8180/                  {"on": true, "published": 1234}
curl -X POST http://127.0.0.1:8180/off
curl -X POST http://127.0.0.1:8180/on
"""

from __future__ import annotations

import json
import logging
import math
import random
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hedgerow import BufferFullError, Component, NotAcknowledgedError

UNITS = {"temperature": "°C", "humidity": "%RH"}


def readings(sensors: int, generator: random.Random) -> Iterator[tuple[str, dict[str, float]]]:
    """Names of sensors and what they measure, one after the other without end. Each swings around its own value."""
    step = 0
    while True:
        for number in range(1, sensors + 1):
            swing = math.sin(step / 100 + number)
            temperature = 18 + number + 3 * swing + generator.gauss(0, 0.1)
            humidity = 45 - 5 * swing + generator.gauss(0, 0.5)
            yield f"sensor-{number}", {"temperature": round(temperature, 2), "humidity": round(humidity, 1)}
        step += 1


class Switch:
    """Whether the sensors are on, and how much they published; for the loop and the threads of the API."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_on = True
        self._published = 0

    @property
    def is_on(self) -> bool:
        """Whether they are on."""
        with self._lock:
            return self._is_on

    def turn(self, on: bool) -> None:
        """Turns them on or off."""
        with self._lock:
            self._is_on = on

    def count(self) -> None:
        """A reading was published."""
        with self._lock:
            self._published += 1

    def status(self) -> dict[str, object]:
        """What the API says."""
        with self._lock:
            return {"on": self._is_on, "published": self._published}


class Clock:
    """Says when the next of so many readings a second is due; what was missed is not made up for."""

    def __init__(self, rate: float) -> None:
        self._period = 1 / rate
        self._due = time.monotonic()

    def pause(self, now: float) -> float:
        """Seconds until the next one."""
        self._due = max(self._due + self._period, now - self._period)
        return max(self._due - now, 0)


def api(switch: Switch, address: str, port: int) -> ThreadingHTTPServer:
    """Serves the API on threads of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                self.answer(switch.status())
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def do_POST(self) -> None:
            if self.path not in ("/on", "/off"):
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            switch.turn(self.path == "/on")
            self.answer(switch.status())

        def answer(self, status: dict[str, object]) -> None:
            body = json.dumps(status).encode() + b"\n"
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """The component's log is for what matters."""

    server = ThreadingHTTPServer((address, port), Handler)
    threading.Thread(target=server.serve_forever, name="api", daemon=True).start()
    return server


def main() -> None:
    """Runs until the core asks it to end."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    with Component() as component:
        settings = component.configuration
        switch = Switch()
        server = api(switch, settings["address"], settings["port"])
        logging.info("the API listens on %s:%d", *server.server_address[:2])
        source = readings(settings["sensors"], random.Random())
        clock = Clock(settings["rate"])
        while component.wait(clock.pause(time.monotonic())):
            if not switch.is_on:
                continue
            sensor, values = next(source)
            try:
                component.publish(f"sensors/{sensor}", values, units=UNITS)
                switch.count()
            except (BufferFullError, NotAcknowledgedError) as error:
                # A sensor's newest values matter most: this one is given up.
                logging.warning("%s", error)
        server.shutdown()


if __name__ == "__main__":
    main()
