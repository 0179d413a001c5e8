"""What one fleet gives, from its set-up to its end: a core, a cloud and a thing."""

import time

from fleet import Fleet

# Requests without acknowledgement: enough that neither side waits for the other.
IN_FLIGHT = {1: 4096, 10: 1024, 100: 256}
# Requests of one write of the publisher.
CHUNK = {1: 64, 10: 8, 100: 1}
# Tasks that call `publish` side by side.
TASKS = 4
BACKLOG = 1_000_000


class Pipeline:
    """The measurements of one run, each by what was selected."""

    def __init__(self, samples, programs, directory, seconds, quick):
        self.samples, self.seconds, self.quick = samples, seconds, quick
        self.fleet = Fleet(programs, directory)
        # Readings per second of this run: by batch size, "single" and "ingest".
        self.rates = {}

    def measure(self, parts, ceilings):
        """Takes the figures of the selected parts; ceilings are of the same run, by name."""
        try:
            self.fleet.set_up()
            if "pipeline" in parts:
                self.start_and_rest()
            if "latency" in parts:
                self.latency()
            if parts & {"pipeline", "peers", "disk"}:
                self.batches("disk" in parts)
            if "pipeline" in parts:
                self.ratio("pipeline.batch100.ratio", self.rates[100], ceilings, "ceiling.batch100")
                self.ratio(
                    "pipeline.batch100.ratio_to_relay", self.rates[100], ceilings, "ceiling.relay.batch100")
                self.samples.add(
                    "core.rss.loaded_mib", self.fleet.core.resident_mib(), "MiB", "VmRSS after the load")
            if "peers" in parts:
                self.single()
                self.offered()
            if "drain" in parts:
                self.drain()
            if parts & {"pipeline", "drain"}:
                self.ingest()
            if "pipeline" in parts:
                self.ratio("ingest.batch100.ratio", self.rates["ingest"], ceilings, "ceiling.batch100")
            if "drain" in parts:
                self.samples.add(
                    "drain.ratio_to_ingest", self.rates["drain"] / self.rates["ingest"], "",
                    "of ingest.batch100 in the same run")
        finally:
            self.fleet.stop()

    def ratio(self, name, rate, ceilings, ceiling):
        """A share of a ceiling of the same run."""
        self.samples.add(name, rate / ceilings[ceiling], "", f"of {ceiling} in the same run")

    def start_and_rest(self):
        """From exec to the first answer, and the memory of a core that does nothing."""
        _, answered = self.fleet.restart_core()
        self.samples.add(
            "core.start_ms", answered * 1000, "ms",
            "exec to the answer to a thing's first request, on the state of a deployed core")
        # Three seconds after its start a core gives back what only the start needed.
        time.sleep(6 if self.quick else 10)
        self.samples.add(
            "core.rss.idle_mib", self.fleet.core.resident_mib(), "MiB",
            "VmRSS, attached, with a deployment, idle")

    def latency(self):
        """One thing at 20 readings a second, and what its readings cost the disk."""
        count = 60 if self.quick else 400
        written = self.fleet.core.written_bytes()
        latency = self.fleet.latency(count)
        # Two seconds of readings go before those that are timed.
        written = (self.fleet.core.written_bytes() - written) / (count + 40)
        self.add_quantiles("latency", latency, f"one thing, 20 readings/s, {count} of them", ("ack", "cloud"))
        self.samples.add(
            "core.disk.bytes_per_reading.rate20", written, "bytes",
            "write_bytes of the core, one thing, 20 readings/s")

    def add_quantiles(self, prefix, result, load, hops):
        """Median and 99th percentile of each hop."""
        ends = {"ack": "on the core's disk", "cloud": "committed in the cloud and told to a subscriber"}
        for hop in hops:
            for quantile in ("p50", "p99"):
                name = f"{prefix}.{hop}.{quantile}_ms" if len(hops) > 1 else f"{prefix}.{quantile}_ms"
                untold = result["ack_count"] - result[f"{hop}_count"]
                end = ends[hop] + (f", {untold:.0f} too late to be told" if untold else "")
                self.samples.add(name, result[f"{hop}_{quantile}_ms"], "ms", f"{load}; {end}")

    def batches(self, counts_bytes):
        """Full speed at three batch sizes, until the cloud has committed all."""
        for batch in (1, 10, 100):
            written = self.fleet.core.written_bytes()
            result = self.fleet.publish(batch, self.seconds, IN_FLIGHT[batch], CHUNK[batch])
            self.rates[batch] = result["readings"] / result["committed_s"]
            share = result["acknowledged_s"] / result["committed_s"]
            self.samples.add(
                f"pipeline.batch{batch}", self.rates[batch], "readings/s",
                "until the cloud has committed all; the core had acknowledged all after "
                f"{share:.0%} of that time")
            if counts_bytes:
                # What the cloud has is deleted within moments, which is written too.
                time.sleep(0.5)
                written = (self.fleet.core.written_bytes() - written) / result["readings"]
                self.samples.add(
                    f"core.disk.bytes_per_reading.batch{batch}", written, "bytes",
                    "write_bytes of the core, log, file and deleting included, at full speed")
        self.fleet.check()

    def single(self):
        """The client library, one `publish` call a reading."""
        result = self.fleet.publish_thing(self.seconds, TASKS)
        self.rates["single"] = result["readings"] / result["committed_s"]
        self.samples.add(
            "pipeline.single", self.rates["single"], "readings/s",
            f"ThingClient, one publish call and one plain map a reading, {TASKS} tasks; until the cloud has "
            "committed all")

    def offered(self):
        """5,000 readings a second, each in a request of its own."""
        result = self.fleet.latency(10_000 if self.quick else 25_000, rate=5_000)
        self.add_quantiles(
            "pipeline.offered5000", result, "5,000 readings/s, one a request, transformed and SYNCED",
            ("cloud",))

    def drain(self):
        """The cloud away, a backlog on the core's disk, the cloud back."""
        before = self.fleet.committed()
        self.fleet.cloud.stop()
        stored = self.fleet.publish(
            100, 600, IN_FLIGHT[100], CHUNK[100], topic="bench/raw", counts=False, readings=BACKLOG)
        result = self.fleet.drain(before, round(stored["readings"]))
        self.rates["drain"] = result["readings"] / result["seconds"]
        self.samples.add(
            "drain.readings_per_second", self.rates["drain"], "readings/s",
            f"{result['readings']:,.0f} readings in batches of 100, from the first session with the cloud "
            "until it has committed all")
        for prefix, name, way in (("live", "live", "on the backlog's stream, liveShare 0.5"),
                                  ("urgent", "priority", "on a stream of priority 1")):
            for quantile in ("p50", "p99"):
                self.samples.add(
                    f"drain.{name}.{quantile}_ms", result[f"{prefix}_cloud_{quantile}_ms"], "ms",
                    f"another thing, 20 readings/s {way}; committed in the cloud and told to a "
                    f"subscriber, {result[f'{prefix}_cloud_count']:.0f} of {result[f'{prefix}_sent']:.0f}")

    def ingest(self):
        """Full speed to the core's disk, the cloud away."""
        self.fleet.cloud.stop()
        result = self.fleet.publish(
            100, self.seconds, IN_FLIGHT[100], CHUNK[100], topic="bench/raw", counts=False)
        self.rates["ingest"] = result["readings"] / result["acknowledged_s"]
        self.samples.add(
            "ingest.batch100", self.rates["ingest"], "readings/s",
            "acknowledged SYNCED by the core, the cloud away")
