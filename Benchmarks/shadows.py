"""Shadows: how many updates a second, how long a reading takes into the cloud's shadow, ten thousand of them on a core, and
what a core and a cloud have to tell each other after they were parted."""

import contextlib
import json
import sqlite3
import statistics
import time

from fleet import Fleet
from link import Link
from processes import Failure

REPORT = """\
kind: Component
name: report
version: 1.0.0
description: Reports what a thing measured to its shadow.
transform:
  - shadow: {report: true}
access: {shadows: write}
"""
# Raw readings go nowhere but to the transform.
DEFINITION = """\
kind: Group
name: bench
cores: [core-1]
things: [%%s]
components:
  - {name: report, version: 1.0.0}
subscriptions:
  - {from: 'thing:*', topic: bench/readings, to: 'component:report'}
  - {from: 'component:report', topic: '$dead-letter/report', to: cloud}
shadows:
  sync: ['%s']
"""
# Things whose shadows the load writes, and shadows of each.
THINGS, NAMES = 20, 50
WRITERS = 50
ROUND = 1_000_000
# A core that lost its line asks again two minutes later at most.
PATIENCE = 300
# What comes after everything is the same, at most, before the bytes are looked at; in seconds.
SETTLE = 5


class Shadowed(Fleet):
    """A fleet with shadows, those of the things that match a pattern synced."""

    recipe = REPORT
    # Fifty writers are one thing, which usually has 32 calls.
    core_options = ("--limits-calls-per-thing", 64)

    def __init__(self, programs, directory, synced):
        super().__init__(programs, directory)
        self.definition = DEFINITION % synced

    def server(self, is_cloud):
        """Options of hedgerow-bench for shadows: of the cloud as an operator, of the core as the things themselves."""
        if is_cloud:
            return ["--to", f"{self.cloud_name}@{self.cloud_port}", "--operator-identity", self.path / "operator"]
        return ["--to", f"{self.core_name}@{self.core_port}", "--roots", self.path / "group.pem", "--directory",
                self.path / "crowd"]

    def load(self, is_cloud, *options, things=THINGS, names=NAMES):
        """Updates shadows as fast as that is acknowledged; returns what `shadow-load` says."""
        return self.bench("shadow-load", *self.server(is_cloud), "--things", things, "--names", names, *options)

    def select(self, side, statement, *values):
        """Rows of a database, "core" or "cloud", while its program runs."""
        with contextlib.closing(self.database(side, "ro")) as database:
            return database.execute(statement, values).fetchall()

    def database(self, side, mode):
        """A connection to a database."""
        return sqlite3.connect(f"file:{self.path / side / side}.sqlite?mode={mode}", uri=True, timeout=30)

    def documents(self, side):
        """What every shadow of the load is."""
        rows = self.select(side, "SELECT thing, name, state FROM shadow JOIN shadow_history USING (change) "
                                 "WHERE shadow.deleted = 0 AND thing LIKE 'load-%'")
        return {(thing, name): json.loads(state) for thing, name, state in rows}

    def wait_for_bases(self, count):
        """Waits until the core knows of so many shadows that the cloud has the same."""
        statement = ("SELECT count(*) FROM shadow JOIN shadow_base ON shadow_base.shadow = shadow.id "
                     "WHERE dirty = 0 AND thing LIKE 'load-%'")
        self.core.wait_for(f"{count} synced shadows", lambda: self.select("core", statement)[0][0] == count, PATIENCE)

    def check_same(self, count):
        """Both sides must have the same."""
        core, cloud = self.documents("core"), self.documents("cloud")
        if core != cloud or len(core) != count:
            differing = sum(cloud.get(key) != document for key, document in core.items())
            raise Failure(f"the core has {len(core)} shadows, the cloud {len(cloud)}, {count} there should be; "
                          f"{differing} are not the same")


class Parted(Shadowed):
    """A fleet whose core reaches the cloud by a line that can be cut and counts its bytes."""

    # The line is at this address, the cloud at the usual one.
    advertised = "127.0.0.2"

    def __init__(self, programs, directory):
        super().__init__(programs, directory, "load-*")
        self.link, self.enrollment = (Link(self.advertised, port) for port in (self.cloud_port, self.enrollment_port))
        for link in (self.link, self.enrollment):
            link.open()
        # Most connections that the core had at once.
        self.lines = 0

    def part(self):
        """Cuts the line."""
        self.lines = max(self.lines, len(self.link.live))
        self.link.cut()

    def join(self, last_round=None):
        """Lets core and cloud speak again.

        Returns seconds from the connection that shadows came by until the cloud has the last round of all of them, bytes of
        all connections both ways until a while later, and how many seconds the core took to make that connection.
        """
        opened = time.monotonic()
        self.link.open()
        self.core.wait_for("the core to connect", lambda: self.link.connections, PATIENCE)
        if last_round is not None:
            self.core.wait_for(
                "the cloud to have all", lambda: self.rounds("cloud", last_round) == THINGS * NAMES, PATIENCE)
        converged = time.monotonic()
        if last_round is not None:
            self.wait_for_bases(THINGS * NAMES)
        # Each has a pause of its own before it tries again.
        self.core.wait_for("all connections", lambda: len(self.link.connections) >= self.lines, PATIENCE)
        time.sleep(SETTLE)
        most = max(self.link.connections, key=lambda connection: connection.carried)
        carried = sum(connection.carried for connection in self.link.connections)
        return converged - most.accepted, carried, most.accepted - opened

    def rounds(self, side, number):
        """How many shadows a side has of a round of the load."""
        statement = ("SELECT count(*) FROM shadow JOIN shadow_history USING (change) WHERE shadow.deleted = 0 "
                     "AND json_extract(state, '$.reported.round') = ?")
        return self.select(side, statement, number)[0][0]

    def stop(self):
        """Ends everything."""
        for link in (self.link, self.enrollment):
            link.cut()
        super().stop()


def shadows(samples, programs, directory, quick):
    """Takes the figures."""
    fleet = Shadowed(programs, directory / "single", "bench-*")
    try:
        fleet.set_up(crowd=THINGS)
        for _ in range(1 if quick else 3):
            rates(samples, fleet, 2 if quick else 5)
        for _ in range(1 if quick else 3):
            contention(samples, fleet, 4 if quick else 20)
        for _ in range(1 if quick else 3):
            end_to_end(samples, fleet, 100 if quick else 400)
    finally:
        fleet.stop()
    many(samples, programs, directory / "many", 100 if quick else 1_000)
    parted(samples, programs, directory / "parted", 5 if quick else 100)


def rates(samples, fleet, seconds):
    """Updates of distinct shadows, one a call, each acknowledged when it is on disk."""
    for is_cloud, name, callers in ((False, "shadow.updates_per_second", f"{THINGS} things"),
                                    (True, "shadow.cloud.updates_per_second", f"{THINGS} connections of an operator")):
        found = fleet.load(is_cloud, "--seconds", seconds)
        samples.add(name, found["updates"] / found["seconds"], "updates/s",
                    f"UpdateShadow of {'the cloud' if is_cloud else 'the core'}, durable, {THINGS * NAMES:,} shadows of "
                    f"300 bytes, {callers} with 10 calls each; a call took {found['p50_ms']:.0f} ms (p50), "
                    f"{found['p99_ms']:.0f} (p99)")


def contention(samples, fleet, updates):
    """Writers that all count in one shadow with versions; hedgerow-bench fails where one of them is lost."""
    for is_cloud, name in ((False, "shadow.contended_per_second"), (True, "shadow.cloud.contended_per_second")):
        found = fleet.bench("shadow-contention", *fleet.server(is_cloud), "--writers", WRITERS, "--updates", updates)
        samples.add(name, found["updates"] / found["seconds"], "updates/s",
                    f"{WRITERS} writers add one to a number in one shadow of {'the cloud' if is_cloud else 'the core'}, "
                    f"each with the version that it read: {found['updates']:.0f} accepted and in the sum, {found['refused']:.0f} "
                    "refused and tried again")


def end_to_end(samples, fleet, count):
    """A reading from a thing until the cloud's shadow has it."""
    found = fleet.bench(
        "shadow-latency", *fleet.thing_options(), *fleet.cloud_options(), "--count", count)
    if found["cloud_count"] != count:
        raise Failure(f"of {count} readings {found['cloud_count']:.0f} came into the cloud's shadow")
    samples.spread("shadow.end_to_end", found["cloud_ms"])
    for quantile in ("p50", "p99"):
        samples.add(f"shadow.end_to_end.{quantile}_ms", found[f"cloud_{quantile}_ms"], "ms",
                    f"thing, core, transform, local shadow, sync, cloud's shadow, watcher; 20 readings/s, {count} of them")
        samples.add(f"shadow.end_to_end.ack_{quantile}_ms", found[f"ack_{quantile}_ms"], "ms",
                    "the core's acknowledgement of the same readings")


def many(samples, programs, directory, things):
    """Ten shadows for each of a thousand things: memory, start, and bringing them all from the cloud."""
    names = 10
    count = things * names
    fleet = Shadowed(programs, directory, "load-*")
    try:
        fleet.set_up(crowd=things)
        fleet.restart_core()
        time.sleep(8)
        before = fleet.core.own_mib()
        fleet.load(True, things=things, names=names)
        fleet.wait_for_bases(count)
        time.sleep(8)
        full = fleet.core.own_mib()
        _, answered = fleet.restart_core()
        samples.add("shadow.start10000_ms", answered * 1000, "ms",
                    f"exec to the answer to a thing's first request, {count:,} synced shadows on the core")
        time.sleep(8)
        after = fleet.core.own_mib()
        samples.add("shadow.core10000_mib", after, "MiB",
                    f"the core's own memory (RssAnon) with {count:,} synced shadows, restarted and idle; {full:.1f} after "
                    f"they came, {before:.1f} without them")
        samples.add("shadow.core_bytes_each", (max(full, after) - before) * 2**20 / count, "bytes",
                    "what it grew by for each, by the higher of the two; on disk "
                    f"{database_bytes(fleet.path / 'core') / count:,.0f} bytes for each")
        for name, tables, what in (
                ("shadow.resync10000_s", ("shadow", "shadow_history"), "the core has none of them"),
                ("shadow.resync10000_equal_s", (), "the core has the same, and does not know what the cloud has")):
            forget(fleet, *tables, "shadow_base", "shadow_problem", "shadow_read", "shadow_cloud")
            fleet.start_core()
            fleet.wait_for_bases(count)
            samples.add(name, time.monotonic() - fleet.core.started, "s",
                        f"exec of the core until all {count:,} are synced; {what}")
            fleet.check_same(count)
    finally:
        fleet.stop()


def database_bytes(state):
    """Bytes of a core's database, its log included."""
    return sum(file.stat().st_size for file in state.glob("core.sqlite*"))


def forget(fleet, *tables):
    """Ends the core and empties tables of its database."""
    fleet.core.stop()
    with contextlib.closing(fleet.database("core", "rw")) as database, database:
        for table in tables:
            database.execute(f"DELETE FROM {table}")


def parted(samples, programs, directory, rounds):
    """A core and a cloud without a line between them, and what they tell each other when there is one again."""
    count = THINGS * NAMES
    fleet = Parted(programs, directory)
    try:
        fleet.set_up(crowd=THINGS)
        time.sleep(SETTLE)
        nothing = bytes_of_nothing(fleet)
        fleet.load(False)
        fleet.wait_for_bases(count)
        equal = bytes_of_nothing(fleet)
        samples.add("shadow.equal_bytes", statistics.median(equal) - statistics.median(nothing), "bytes",
                    f"a core that connects with {count:,} synced shadows that are the same ({spread(equal)} bytes both "
                    f"ways, TLS included) less one with none ({spread(nothing)}); medians")
        empty = statistics.median(equal)
        carried = {}
        first = ROUND + 1
        for number in (1, rounds):
            fleet.part()
            made = fleet.load(False, "--rounds", number, "--first-round", first)
            first += number
            seconds, carried[number], waited = fleet.join(last_round=first - 1)
            fleet.check_same(count)
            updates = round(made["updates"])
            detail = f"{updates:,} updates of {count:,} shadows while the line was cut"
            name = f"shadow.parted{'' if number > 1 else '_once'}"
            samples.add(f"{name}.converge_ms", seconds * 1000, "ms",
                        f"from the core's connection until the cloud has all; {detail} ({made['seconds']:.1f} s); the "
                        f"core made it {waited:.1f} s after there was a line")
            samples.add(f"{name}.kib", (carried[number] - empty) / 1024, "KiB",
                        f"both ways, less a connection that has nothing to tell; {detail}")
        samples.add("shadow.parted.ratio", (carried[rounds] - empty) / (carried[1] - empty), "",
                    f"bytes after {rounds * count:,} updates to those after {count:,}")
    finally:
        fleet.stop()


def bytes_of_nothing(fleet):
    """Bytes of connections that have nothing to tell."""
    found = []
    for _ in range(3):
        fleet.part()
        # A connection that is made at once may be given up again for another.
        time.sleep(2)
        _, carried, _ = fleet.join()
        found.append(carried)
    return found


def spread(values):
    """The least and the most."""
    return f"{min(values):,} to {max(values):,}"
