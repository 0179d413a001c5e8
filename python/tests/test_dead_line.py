"""Lines that go dead without a word: nobody closes anything, packets are simply gone."""

from __future__ import annotations

import contextlib
import json
import subprocess

from fleet import PROGRAMS, Fleet, eventually
from relay import Line, Relay

# What is promised is 30 s. A busy machine gets some more before the test calls it a fault; the figures are printed.
PATIENCE = 45.0


def noticed(lines: list[Line]) -> None:
    """Waits until both ends of every line have closed by themselves."""
    assert lines
    try:
        eventually(
            "both ends of every line close",
            lambda: all(line.client_ended is not None and line.server_ended is not None for line in lines),
            within=PATIENCE,
        )
    except AssertionError:
        print([(line.client_ended, line.server_ended) for line in lines])
        raise


def describe(what: str, lines: list[Line]) -> None:
    for line in lines:
        print(f"{what}: noticed by the client after {line.client_ended:.1f} s, by the server {line.server_ended:.1f} s")


def test_a_dead_line_is_noticed_from_both_sides_and_nothing_is_lost(own_fleet: Fleet) -> None:
    """Python and Swift things behind one dead line to their core, and their core behind another one to the cloud."""
    own_fleet.port("core-1")
    to_core = Relay(own_fleet.port("core-1"))
    to_cloud = Relay(own_fleet.port("cloud listen"))
    # Things are told of the relay, and so is core-1 of the one in front of the cloud.
    own_fleet.options["core-1"] = ["--advertise", f"127.0.0.1:{to_core.port}"]

    def divert_core() -> None:
        content = json.loads(own_fleet.token("core-1").read_text())
        for endpoint in content["cloud"]:
            endpoint["port"] = to_cloud.port
        own_fleet.token("core-1").write_text(json.dumps(content))

    with contextlib.closing(to_core), contextlib.closing(to_cloud):
        own_fleet.build(cores=["core-1", "core-2"], things=["thing-1", "thing-2"], before_cores=divert_core)
        own_fleet.stop("core-2")
        command = [PROGRAMS / "hedgerow", "thing", "run", "--token", own_fleet.token("thing-2")]
        command += ["--state", own_fleet.state("thing-2"), "--interval", "0.2", "--quiet"]
        with (
            own_fleet.thing("thing-1", flush_timeout=60) as thing,
            subprocess.Popen(
                list(map(str, command)), env={"HOME": str(own_fleet.directory)}, stdout=subprocess.DEVNULL
            ) as swift,
            own_fleet.client() as cloud,
        ):
            try:
                thing.publish("thing-1/readings", {"number": 1}).wait(timeout=30)
                eventually("readings of both are stored", lambda: cloud.ledger("thing-1").received == 1)
                eventually("readings of both are stored", lambda: cloud.ledger("thing-2").received >= 5)
                own_fleet.start_core("core-2")
                before = cloud.ledger("thing-2").received
                things, uplinks = to_core.cut(), to_cloud.cut()
                assert len(things) == 2, "one line a thing"
                # One message stands in a line that is dead already.
                thing.publish("thing-1/readings", {"number": 2})
                noticed(things + uplinks)
                describe("thing → core", things)
                describe("core → cloud", uplinks)
                assert min(line.server_ended or 0 for line in things + uplinks) > 1, "silence alone told it"
                thing.publish("thing-1/readings", {"number": 3}).wait(timeout=60)
                # The core has made a new line to the cloud, and the things are at one of their cores.
                eventually("the history goes on", lambda: cloud.ledger("thing-1").received == 3, within=60)
                eventually("the history goes on", lambda: cloud.ledger("thing-2").received > before + 20, within=60)
                swift.terminate()
                assert swift.wait(timeout=60) == 0
                for name in ("thing-1", "thing-2"):
                    # What the dead core line held is missing until it has come by the other way.
                    eventually(f"nothing of {name} is missing", lambda: cloud.ledger(name).missing == 0, within=60)
                    assert cloud.ledger(name).lost == 0
                numbers = [record.values["number"] for record in cloud.query(thing="thing-1")]
                assert sorted(numbers) == [1, 2, 3]
            finally:
                swift.kill()
