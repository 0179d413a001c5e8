"""Exactly once, while processes are killed and things move."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import pytest
from fleet import Fleet, eventually

import hedgerow


class Traffic:
    """Publishes numbered readings until it is stopped."""

    def __init__(self, thing: hedgerow.Thing, topic: str) -> None:
        self.count = 0
        self._thing = thing
        self._topic = topic
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._failure: BaseException | None = None

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                self._thing.publish(self._topic, {"number": self.count + 1})
                self.count += 1
                self._stopped.wait(0.002)
        except BaseException as error:
            self._failure = error


def wait_for_more(thing: hedgerow.Thing, count: int) -> None:
    """Waits until so many more messages are acknowledged."""
    goal = thing.statistics.acknowledged + count
    eventually("readings flow", lambda: thing.statistics.acknowledged >= goal)


def check(fleet: Fleet, name: str, count: int, acknowledged: list[tuple[int, int]]) -> list[hedgerow.Record]:
    """Every reading that was published is in the history once, and the ledger agrees."""
    with fleet.client() as cloud:

        def is_closed() -> bool:
            ledger = cloud.ledger(name)
            return (ledger.received, ledger.lost, ledger.missing) == (count, 0, 0)

        eventually(f"the ledger of {name} is closed with {count}", is_closed, within=60)
        records = list(cloud.query(thing=name))
    assert Counter(record.values["number"] for record in records) == Counter(range(1, count + 1))
    sequences = {record.sequence for record in records}
    assert sum(last - first + 1 for first, last in acknowledged) == count
    for first, last in acknowledged:
        assert sequences.issuperset(range(first, last + 1)), f"{first} to {last} were acknowledged"
    return records


def test_each_reading_is_stored_once_whoever_is_killed(own_fleet: Fleet) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    generator = random.Random(seed)
    own_fleet.build(cores=["core-1"], things=["thing-1"])
    acknowledged: list[tuple[int, int]] = []

    def on_event(event: hedgerow.Event) -> None:
        if isinstance(event, hedgerow.Acknowledged):
            acknowledged.append((event.first_sequence, event.last_sequence))

    with own_fleet.thing("thing-1", on_event=on_event, flush_timeout=60) as thing:
        with Traffic(thing, "thing-1/readings") as traffic:
            for victims in (["core-1"], ["cloud"], ["core-1", "cloud"], ["core-1"]):
                wait_for_more(thing, 20)
                # A moment in the middle of the traffic, whichever.
                time.sleep(generator.uniform(0, 0.1))
                for victim in victims:
                    own_fleet.kill(victim)
                for victim in reversed(victims):
                    own_fleet.start_cloud() if victim == "cloud" else own_fleet.start_core(victim)
            wait_for_more(thing, 20)
    assert thing.statistics.reconnects >= 3
    assert thing.statistics.unsettled == thing.statistics.lost == thing.statistics.rejected == 0
    check(own_fleet, "thing-1", traffic.count, acknowledged)


def test_a_thing_moves_to_the_other_core_and_starts_with_the_cloud_away(own_fleet: Fleet) -> None:
    own_fleet.build(cores=["core-1", "core-2"], things=["thing-1"])
    with own_fleet.thing("thing-1", flush_timeout=60) as thing:
        assert thing.wait_connected(timeout=30)
        first = thing.statistics.current_core
        other = {"core-1": "core-2", "core-2": "core-1"}[str(first)]
        with Traffic(thing, "thing-1/readings") as traffic:
            eventually(f"readings flow through {first}", lambda: thing.statistics.acknowledged > 50)
            own_fleet.stop(str(first))
            eventually(f"the thing is at {other}", lambda: thing.statistics.current_core == other)
            wait_for_more(thing, 50)
        commands = thing.subscribe("commands/thing-1/#")
        with own_fleet.client() as cloud:
            cloud.publish("commands/thing-1/set", {"interval": 1})
        command = commands.get(timeout=30)
        assert command is not None and command.core in ("", other)
    # What the first one still owed comes when it is back.
    own_fleet.start_core(str(first))
    published = traffic.count
    own_fleet.kill("cloud")
    # The last discovery answer is on disk.
    with own_fleet.thing("thing-1") as again:
        again.publish("thing-1/readings", {"number": published + 1}).wait(timeout=30)
    own_fleet.start_cloud()
    with own_fleet.client() as cloud:
        eventually(
            "everything is stored once",
            lambda: sorted(record.values["number"] for record in cloud.query(thing="thing-1"))
            == list(range(1, published + 2)),
            within=60,
        )
        assert {record.core for record in cloud.query(thing="thing-1")} == {"core-1", "core-2"}
        assert (cloud.ledger("thing-1").lost, cloud.ledger("thing-1").missing) == (0, 0)


def test_a_dead_line_is_noticed_within_30_seconds(own_fleet: Fleet) -> None:
    own_fleet.build(cores=["core-1"], things=["thing-1"])
    lost = threading.Event()

    def on_event(event: hedgerow.Event) -> None:
        if isinstance(event, hedgerow.Disconnected):
            lost.set()

    with own_fleet.thing("thing-1", on_event=on_event) as thing:
        thing.publish("thing-1/readings", {"number": 1}).wait(timeout=30)
        own_fleet.freeze("core-1", True)
        began = time.monotonic()
        assert lost.wait(30)
        assert time.monotonic() - began > 5, "the kernel keeps the connection open, so only silence can tell"
        own_fleet.freeze("core-1", False)
        thing.publish("thing-1/readings", {"number": 2}).wait(timeout=60)


@pytest.mark.parametrize("stopped", ["core-1", "cloud"])
def test_a_subscription_survives_a_restart(own_fleet: Fleet, stopped: str) -> None:
    own_fleet.build(cores=["core-1"], things=["thing-1"])
    with own_fleet.client() as cloud, own_fleet.thing("thing-1") as thing:
        commands = thing.subscribe("commands/thing-1/#")
        cloud.publish("commands/thing-1/set", {"interval": 1})
        first = commands.get(timeout=30)
        assert first is not None and first.values == {"interval": 1}
        own_fleet.kill(stopped)
        own_fleet.start_cloud() if stopped == "cloud" else own_fleet.start_core(stopped)
        cloud.publish("commands/thing-1/set", {"interval": 2})
        second = commands.get(timeout=30)
        # The first one was in hand when the line went; asking for the next one acknowledged it.
        assert second is not None and second.values == {"interval": 2}
