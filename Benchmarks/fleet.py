"""A cloud, a core and a thing by the real programs, set up as an operator does it."""

import json
import pathlib
import shutil
import time

from processes import Failure, Program, free_port, run, run_json

# Of the processor beside the sensor, in the file that the core reads.
CPU = 45.0
# Of the last reading in a batch of 100 (`BatchTemplate` in Sources/hedgerow-bench).
LAST_TEMPERATURE = 21.375 + 99 / 64
RECIPE = """\
kind: Component
name: compensate-temperature
version: 1.0.0
description: Takes the warmth of the core's CPU out of the temperature.
transform:
  - let: {cpu: 'cpuTemperature(duration("8s"))'}
  - set: {temperature: '2.0 * reading.temperature - cpu'}
  - publish: republish/reading
access: {host: [cpu_temperature]}
"""
# What the transform makes goes to the cloud; raw readings do only on the topic of the ingest measurement.
GROUP = """\
kind: Group
name: bench
cores: [core-1]
things: [bench-1]
components:
  - {name: compensate-temperature, version: 1.0.0}
subscriptions:
  - {from: 'thing:*', topic: bench/readings, to: 'component:compensate-temperature'}
  - {from: 'component:compensate-temperature', topic: republish/reading, to: cloud}
  - {from: 'component:compensate-temperature', topic: '$dead-letter/compensate-temperature', to: cloud}
  - {from: 'thing:*', topic: bench/raw, to: cloud, via: bulk}
streams:
  default: {maxSize: 2GiB}
  bulk: {maxSize: 2GiB}
"""


class Fleet:
    """Everything in one directory."""

    def __init__(self, programs, directory):
        self.programs = pathlib.Path(programs)
        self.path = pathlib.Path(directory)
        self.path.mkdir(parents=True)
        self.cloud_port, self.enrollment_port, self.core_port = free_port(), free_port(), free_port()
        self.environment = {"HEDGEROW_HOME": str(self.path / "operator"), "NO_COLOR": "1"}
        self.cloud = self.core = None
        (self.path / "cpu_temperature").write_text(f"{CPU * 1000:.0f}\n")

    def hedgerow(self, *arguments):
        """Runs the command line."""
        return run([self.programs / "hedgerow", *arguments], self.environment)

    def start_cloud(self):
        """Starts the cloud and waits until it listens."""
        (self.path / "cloud/ports.json").unlink(missing_ok=True)
        self.cloud = Program(
            [self.programs / "hedgerow-cloud", "serve", "--state", self.path / "cloud", "--listen-host",
             "127.0.0.1", "--listen-port", self.cloud_port, "--enrollment-host", "127.0.0.1",
             "--enrollment-port", self.enrollment_port, "--advertise", "127.0.0.1", "--log-level", "notice"],
            self.path / "cloud.log")
        self.cloud.wait_for("the cloud to listen", (self.path / "cloud/ports.json").exists)

    def start_core(self):
        """Starts the core; does not wait."""
        self.core = Program(
            [self.programs / "hedgerow-core", "run", "--state", self.path / "core", "--token",
             self.path / "core-1.token", "--listen-host", "127.0.0.1", "--listen-port", self.core_port,
             "--cpu-temperature-path", self.path / "cpu_temperature", "--log-level", "notice"],
            self.path / "core.log")

    def set_up(self):
        """Makes everything, up to a thing that is enrolled and has published one reading."""
        self.start_cloud()
        self.hedgerow("init", self.path / "cloud/operator.token")
        for name, kind in (("core-1", ["--core"]), ("bench-1", [])):
            self.hedgerow("things", "create", name, *kind, "--token-file", self.path / f"{name}.token")
        (self.path / "recipe.yaml").write_text(RECIPE)
        (self.path / "group.yaml").write_text(GROUP)
        self.hedgerow("components", "push", self.path / "recipe.yaml")
        self.hedgerow("apply", "-f", self.path / "group.yaml")
        self.start_core()
        self.core.wait_for("the core to listen", (self.path / "core/ports.json").exists)
        self.hedgerow("deploy", "bench", "--wait")
        self.hedgerow(
            "thing", "run", "--sensor", "simulated", "--token", self.path / "bench-1.token", "--state",
            self.path / "thing", "--topic", "bench/readings", "--count", "1", "--quiet")
        found = json.loads((self.path / "thing/discovery.json").read_text())["groups"][0]
        (self.path / "group.pem").write_text("\n".join(found["caCertificates"]))
        self.core_name = found["cores"][0]["serverName"]
        self.cloud_name = json.loads((self.path / "operator/identity.json").read_text())["cloudServerName"]

    def restart_core(self):
        """Ends the core and starts it on its state.

        Returns the seconds from exec until it accepts connections, and until it has answered a thing.
        """
        self.core.stop()
        probe = Program(
            [self.programs / "hedgerow-bench", "await-core", *self.thing_options()],
            self.path / f"await-{time.monotonic_ns()}.log")
        probe.wait_for("the probe", probe.json_line)
        self.start_core()
        probe.process.wait(60)
        if probe.process.returncode != 0:
            raise Failure(f"the core did not answer:\n{probe.last_lines()}\n{self.core.last_lines()}")
        answer = json.loads(probe.log.read_text().splitlines()[-1])
        return answer["accepted_s"] - self.core.started, answer["answered_s"] - self.core.started

    def thing_options(self):
        """Options of hedgerow-bench for speaking to the core as the thing."""
        return ["--identity", self.path / "thing", "--roots", self.path / "group.pem", "--to",
                f"{self.core_name}@{self.core_port}"]

    def cloud_options(self):
        """Options of hedgerow-bench for asking the cloud as the operator."""
        return ["--cloud", f"{self.cloud_name}@{self.cloud_port}", "--operator-identity",
                self.path / "operator"]

    def publish(self, batch, seconds, in_flight, chunk, topic="bench/readings", counts=True):
        """Publishes at full speed; returns what `hedgerow-bench publish` says."""
        return run_json(
            [self.programs / "hedgerow-bench", "publish", *self.thing_options(), "--topic", topic, "--batch",
             batch, "--chunk", chunk, "--in-flight", in_flight, "--seconds", seconds, "--flush",
             *(self.cloud_options() if counts else [])])

    def latency(self, count):
        """Publishes 20 readings a second; returns what `hedgerow-bench latency` says."""
        return run_json(
            [self.programs / "hedgerow-bench", "latency", *self.thing_options(), *self.cloud_options(),
             "--count", count])

    def check(self):
        """The newest stored reading must be what the transform makes of the last one of a batch."""
        found = self.hedgerow(
            "history", "--thing", "bench-1", "--topic", "republish/reading", "--limit", "1", "--output",
            "json")
        (record,) = json.loads(found)
        wanted = 2 * LAST_TEMPERATURE - CPU
        if abs(record["values"]["temperature"] - wanted) > 1e-9 or record["source"]["revision"] != 1:
            raise Failure(f"the newest reading in the cloud is not the compensated {wanted} °C: {found}")

    def stop(self):
        """Ends everything and removes the directory."""
        for program in (self.core, self.cloud):
            if program is not None:
                program.stop()
        shutil.rmtree(self.path, ignore_errors=True)
