"""The ceiling: bare grpc-swift over mutual TLS, in the settings that are known to matter."""

import itertools
import pathlib

from certificates import make_certificates
from processes import run_json, running

KIB = 1024


class Setting:
    """How a bare stream is tuned."""

    def __init__(self, window, flush, streams, chunk, in_flight):
        self.window, self.flush, self.streams = window, flush, streams
        self.chunk, self.in_flight = chunk, in_flight

    def __str__(self):
        way = f"acknowledged, {self.in_flight} in flight" if self.in_flight else "one way"
        return (f"window {round(self.window / KIB)} KiB, {way}, coalescing {'off' if self.flush else 'on'}, "
                f"{self.streams} stream{'s' if self.streams > 1 else ''}, {self.chunk} messages a write")


def settings(batch, quick):
    """What is tried for a batch size; `measurements` in REPORT.md says why these."""
    if quick:
        return [Setting(512 * KIB, flush, streams, 64 if batch == 1 else 1, 0)
                for flush, streams in itertools.product((False, True), (1, 8))]
    windows = [65_535, 256 * KIB, 512 * KIB, 1024 * KIB]
    if batch == 1:
        return [Setting(window, flush, streams, chunk, in_flight)
                for window, flush, streams, (chunk, in_flight) in itertools.product(
                    (65_535, 512 * KIB), (False, True), (1, 8), ((1, 0), (64, 0), (64, 4096)))]
    return [Setting(window, flush, streams, chunk, in_flight)
            for window, flush, streams, (chunk, in_flight) in itertools.product(
                windows, (False, True), (1, 8), ((1, 0), (8, 0), (1, 64)))]


class Bare:
    """Bare servers and clients, with certificates of their own."""

    def __init__(self, bench, directory):
        self.bench = bench
        self.directory = pathlib.Path(directory)
        self.identity = self.directory / "bare"
        self.identity.mkdir(parents=True)
        make_certificates(self.identity)

    def server(self, window, acknowledge, flush):
        """Arguments of a bare server."""
        return [self.bench, "serve-bare", "--identity", self.identity, "--window", window,
                *(["--acknowledge"] if acknowledge else []), *(["--flush"] if flush else [])]

    def log(self, name):
        """A fresh log file."""
        path = self.directory / f"{name}.log"
        path.unlink(missing_ok=True)
        return path

    def run(self, words):
        """What a bare client says."""
        return run_json([self.bench, *words, "--identity", self.identity])

    def load(self, port, batch, setting, seconds):
        """Readings per second to a server that listens."""
        result = run_json(
            [self.bench, "publish", "--identity", self.identity, "--to", port, "--batch", batch, "--chunk",
             setting.chunk, "--streams", setting.streams, "--in-flight", setting.in_flight, "--seconds",
             seconds, *(["--flush"] if setting.flush else [])])
        return result["readings"] / result["acknowledged_s"]

    def stream(self, batch, setting, seconds):
        """Readings per second of one hop."""
        arguments = self.server(setting.window, setting.in_flight > 0, setting.flush)
        with running(arguments, self.log("bare-server")) as server:
            port = int(server.wait_for("a bare server", server.json_line)["port"])
            return self.load(port, batch, setting, seconds)

    def relay(self, batch, seconds, flush):
        """Readings per second through two hops, acknowledged end to end."""
        setting = Setting(512 * KIB, flush, 1, 1, 64)
        arguments = self.server(setting.window, True, flush)
        with running(arguments, self.log("bare-server")) as server:
            behind = int(server.wait_for("a bare server", server.json_line)["port"])
            relay = [self.bench, "relay-bare", "--identity", self.identity, "--window", setting.window,
                     "--to", behind, *(["--flush"] if flush else [])]
            with running(relay, self.log("bare-relay")) as edge:
                port = int(edge.wait_for("a bare relay", edge.json_line)["port"])
                return self.load(port, batch, setting, seconds)

    def idle_mib(self):
        """Resident memory of a bare server that has served a short stream and is idle."""
        setting = Setting(512 * KIB, False, 1, 1, 64)
        with running(self.server(setting.window, True, False), self.log("bare-server")) as server:
            port = int(server.wait_for("a bare server", server.json_line)["port"])
            self.load(port, 1, setting, 0.05)
            return server.resident_mib()

    def best(self, batch, quick, seconds, tell):
        """The two fastest settings for a batch size, the faster first."""
        found = []
        for setting in settings(batch, quick):
            rate = self.stream(batch, setting, seconds)
            tell(f"  batch {batch}: {rate:12,.0f} readings/s  {setting}")
            found.append((rate, setting))
        found.sort(key=lambda entry: -entry[0])
        return [setting for _, setting in found[:2]]
