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
# What the transform makes goes to the cloud; raw readings do only on the topics of ingest and drain.
GROUP = """\
kind: Group
name: bench
cores: [core-1]
things: [%s]
components:
  - {name: compensate-temperature, version: 1.0.0}
subscriptions:
  - {from: 'thing:*', topic: bench/readings, to: 'component:compensate-temperature'}
  - {from: 'component:compensate-temperature', topic: republish/reading, to: cloud}
  - {from: 'component:compensate-temperature', topic: '$dead-letter/compensate-temperature', to: cloud}
  - {from: 'thing:*', topic: bench/raw, to: cloud, via: bulk}
  - {from: 'thing:*', topic: bench/live, to: cloud, via: bulk}
  - {from: 'thing:*', topic: bench/urgent, to: cloud, via: urgent}
streams:
  default: {maxSize: 2GiB}
  bulk: {maxSize: 2GiB, liveShare: 0.5}
  urgent: {priority: 1}
"""


class Fleet:
    """Everything in one directory."""

    # What the group runs and how; where cores and operators are told to find the cloud.
    recipe, definition, advertised = RECIPE, GROUP, "127.0.0.1"
    # More options of the core.
    core_options = ()

    def __init__(self, programs, directory):
        self.programs = pathlib.Path(programs)
        self.path = pathlib.Path(directory)
        self.path.mkdir(parents=True)
        self.cloud_port, self.enrollment_port, self.core_port = free_port(), free_port(), free_port()
        self.environment = {"HEDGEROW_HOME": str(self.path / "operator"), "NO_COLOR": "1"}
        self.cloud = self.core = None
        self.group = ["bench-1", "live-1"]
        (self.path / "cpu_temperature").write_text(f"{CPU * 1000:.0f}\n")

    def hedgerow(self, *arguments):
        """Runs the command line."""
        return run([self.programs / "hedgerow", *arguments], self.environment)

    def bench(self, *arguments, timeout=300):
        """Runs hedgerow-bench to its end; returns what it says."""
        return run_json([self.programs / "hedgerow-bench", *arguments], timeout)

    def start_bench(self, name, *arguments):
        """Starts hedgerow-bench."""
        return Program(
            [self.programs / "hedgerow-bench", *arguments], self.path / f"{name}-{time.monotonic_ns()}.log")

    def start_cloud(self):
        """Starts the cloud and waits until it listens."""
        (self.path / "cloud/ports.json").unlink(missing_ok=True)
        self.cloud = Program(
            [self.programs / "hedgerow-cloud", "serve", "--state", self.path / "cloud", "--listen-host",
             "127.0.0.1", "--listen-port", self.cloud_port, "--enrollment-host", "127.0.0.1",
             "--enrollment-port", self.enrollment_port, "--advertise", self.advertised, "--log-level", "notice"],
            self.path / "cloud.log")
        self.cloud.wait_for("the cloud to listen", (self.path / "cloud/ports.json").exists)

    def start_core(self):
        """Starts the core; does not wait."""
        self.core = Program(
            [self.programs / "hedgerow-core", "run", "--state", self.path / "core", "--token",
             self.path / "core-1.token", "--listen-host", "127.0.0.1", "--listen-port", self.core_port,
             "--cpu-temperature-path", self.path / "cpu_temperature", "--log-level", "notice", *self.core_options],
            self.path / "core.log")

    def set_up(self, crowd=0):
        """Makes everything, up to things that are enrolled and have published one reading.

        crowd is how many more things are enrolled, by `hedgerow-bench enroll-things`, into `crowd`.
        """
        self.start_cloud()
        self.hedgerow("init", self.path / "cloud/operator.token")
        self.cloud_name = json.loads((self.path / "operator/identity.json").read_text())["cloudServerName"]
        for name, kind in (("core-1", ["--core"]), *((name, []) for name in self.group)):
            self.hedgerow("things", "create", name, *kind, "--token-file", self.path / f"{name}.token")
        if crowd:
            (self.path / "crowd").mkdir()
            self.bench("enroll-things", *self.cloud_options(), "--directory", self.path / "crowd",
                       "--count", crowd)
        members = [*self.group, *(path.name for path in sorted(self.path.glob("crowd/load-*[0-9]")))]
        (self.path / "recipe.yaml").write_text(self.recipe)
        (self.path / "group.yaml").write_text(self.definition % ", ".join(members))
        self.hedgerow("components", "push", self.path / "recipe.yaml")
        self.hedgerow("apply", "-f", self.path / "group.yaml")
        self.start_core()
        self.core.wait_for("the core to listen", (self.path / "core/ports.json").exists)
        self.hedgerow("deploy", "bench", "--wait")
        for name in self.group:
            self.hedgerow(
                "thing", "run", "--sensor", "simulated", "--token", self.path / f"{name}.token", "--state",
                self.path / name, "--topic", "bench/readings", "--count", "1", "--quiet")
        found = json.loads((self.path / "bench-1/discovery.json").read_text())["groups"][0]
        (self.path / "group.pem").write_text("\n".join(found["caCertificates"]))
        self.core_name = found["cores"][0]["serverName"]

    def restart_core(self):
        """Ends the core and starts it on its state.

        Returns the seconds from exec until it accepts connections, and until it has answered a thing.
        """
        self.core.stop()
        probe = self.start_bench("await-core", "await-core", *self.thing_options())
        probe.wait_for("the probe", probe.json_line)
        self.start_core()
        answer = probe.finish(60)
        return answer["accepted_s"] - self.core.started, answer["answered_s"] - self.core.started

    def thing_options(self, name="bench-1"):
        """Options of hedgerow-bench for speaking to the core as a thing."""
        return ["--identity", self.path / name, "--roots", self.path / "group.pem", "--to",
                f"{self.core_name}@{self.core_port}"]

    def cloud_options(self):
        """Options of hedgerow-bench for asking the cloud as the operator."""
        return ["--cloud", f"{self.cloud_name}@{self.cloud_port}", "--operator-identity",
                self.path / "operator"]

    def publish(self, batch, seconds, in_flight, chunk, topic="bench/readings", counts=True, readings=None):
        """Publishes at full speed; returns what `hedgerow-bench publish` says."""
        return self.bench(
            "publish", *self.thing_options(), "--topic", topic, "--batch", batch, "--chunk", chunk,
            "--in-flight", in_flight, "--seconds", seconds, "--flush",
            *(["--readings", readings] if readings else []), *(self.cloud_options() if counts else []))

    def publish_thing(self, seconds, tasks):
        """Publishes at full speed by the client library; returns what `hedgerow-bench publish-thing` says."""
        return self.bench(
            "publish-thing", "--state", self.path / "bench-1", "--tasks", tasks, "--seconds", seconds,
            *self.cloud_options())

    def latency(self, count, rate=20):
        """Publishes steadily; returns what `hedgerow-bench latency` says.

        A subscriber at QoS 0 that comes too late is not told of all; what is acknowledged has to be all.
        """
        result = self.bench(
            "latency", *self.thing_options(), *self.cloud_options(), "--count", count, "--rate", rate)
        if result["ack_count"] != count:
            raise Failure(f"of {count} readings {result['ack_count']:.0f} were acknowledged")
        return result

    def committed(self):
        """Readings of the thing that the cloud has."""
        return round(self.bench("committed", *self.cloud_options())["received"])

    def drain(self, before, backlog):
        """Starts the cloud, which was away, and waits until it has a backlog; returns what `drain` says."""
        probe = self.start_bench(
            "drain", "drain", *self.thing_options("live-1"), *self.cloud_options(), "--before", before,
            "--backlog", backlog)
        try:
            probe.wait_for("the drain's probe", probe.json_line)
            self.start_cloud()
            return probe.finish(200)
        finally:
            probe.kill()

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
