"""Things against a real core and cloud."""

from __future__ import annotations

import json
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from fleet import PROGRAMS, QUICK, Fleet, eventually
from grpc_health.v1 import health_pb2, health_pb2_grpc

import hedgerow
from hedgerow._wire import dial
from hedgerow.telemetry.v1 import telemetry_pb2

NewThing = Callable[[], str]


def stored(fleet: Fleet, thing: str, count: int) -> list[hedgerow.Record]:
    """What the cloud has of a thing, once it has so many."""
    with fleet.client() as cloud:

        def found() -> list[hedgerow.Record]:
            records = list(cloud.query(thing=thing))
            return records if len(records) >= count else []

        records = eventually(f"the cloud has {count} messages of {thing}", found)
        assert len(records) == count
        return records


def test_a_reading_travels_from_a_token_file_to_the_history(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    seen: list[hedgerow.Event] = []
    sampled = datetime.now(UTC) - timedelta(seconds=3)
    with fleet.thing(name, on_event=seen.append) as thing:
        values: dict[str, hedgerow.Value] = {"temperature": 21.25, "count": 3, "ok": True, "note": "dry"}
        receipt = thing.publish(f"{name}/readings", values, units={"temperature": "°C"}, time=sampled)
        receipt.wait(timeout=30)
        assert receipt.is_settled and receipt.sequence == 1
        assert thing.statistics.current_core == "core-1"
    [record] = stored(fleet, name, 1)
    assert record.values == values and [type(record.values[key]) for key in values] == [float, int, bool, str]
    assert record.units == {"temperature": "°C"}
    assert record.time == sampled and not record.time_doubtful
    assert (record.thing, record.epoch, record.sequence) == (name, receipt.epoch, 1)
    assert record.core == "core-1" and record.receive_time is not None and record.store_time is not None
    assert hedgerow.Identified(name, enrolled_now=True) in seen
    assert hedgerow.Acknowledged(receipt.epoch, 1, 1) in seen
    assert any(isinstance(event, hedgerow.Connected) and event.core == "core-1" for event in seen)
    counts = thing.statistics
    assert (counts.published, counts.sent, counts.acknowledged, counts.unsettled) == (1, 1, 1, 0)

    # What is on disk is for its owner, and enough to go on without the token.
    state = fleet.state(name)
    assert stat.S_IMODE((state / "identity.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((state / "key.pem").stat().st_mode) == 0o600
    assert not (state / "pending-key.pem").exists()
    with hedgerow.Thing(state=state, backoff=QUICK) as again:
        again.publish(f"{name}/readings", {"temperature": 21.5})
    assert len({record.epoch for record in stored(fleet, name, 2)}) == 2


def test_a_state_directory_works_for_the_command_line_too(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    hedgerow.enroll(fleet.token(name), fleet.state(name))
    before = (fleet.state(name) / "identity.json").read_bytes()
    hedgerow.enroll(fleet.token(name), fleet.state(name))
    assert (fleet.state(name) / "identity.json").read_bytes() == before, "enrolling again changes nothing"
    subprocess.run(
        [PROGRAMS / "hedgerow", "thing", "run", "--state", fleet.state(name), "--count", "2", "--interval", "0.01"],
        check=True,
        timeout=60,
        capture_output=True,
    )
    assert len(stored(fleet, name, 2)) == 2


def test_a_wrong_token_ends_the_thing_with_the_reason(fleet: Fleet, new_thing: NewThing, tmp_path: Path) -> None:
    content = json.loads(fleet.token(new_thing()).read_text())
    content["token"] = "hgt_" + "x" * 43
    (tmp_path / "wrong.token").write_text(json.dumps(content))
    with pytest.raises(hedgerow.EnrollmentRefusedError) as refused:
        hedgerow.enroll(tmp_path / "wrong.token", tmp_path / "state")
    assert refused.value.reason == "TOKEN_NOT_ACCEPTED"
    assert refused.value.code is grpc.StatusCode.PERMISSION_DENIED
    with (
        pytest.raises(hedgerow.EnrollmentRefusedError),
        hedgerow.Thing(tmp_path / "wrong.token", state=tmp_path / "state") as thing,
    ):
        thing.publish("a/readings", {"v": 1}).wait(timeout=30)


def test_another_cloud_is_not_trusted(fleet: Fleet, new_thing: NewThing, tmp_path: Path) -> None:
    """The pinned root decides, whoever answers at the address."""
    content = json.loads(fleet.token(new_thing()).read_text())
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
        + ["-subj", "/CN=other", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "root.pem"],
        check=True,
        capture_output=True,
    )
    content["rootCertificate"] = (tmp_path / "root.pem").read_text()
    (tmp_path / "other.token").write_text(json.dumps(content))
    with pytest.raises(hedgerow.HedgerowError) as failed:
        hedgerow.enroll(tmp_path / "other.token", tmp_path / "state", timeout=5)
    assert failed.value.is_unreachable and failed.value.code is grpc.StatusCode.UNAVAILABLE


def test_a_lost_answer_to_an_enrolment_is_asked_for_again(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    first = hedgerow.enroll(fleet.token(name), fleet.state(name))
    # As if the process had died before the answer was stored.
    (fleet.state(name) / "identity.json").unlink()
    (fleet.state(name) / "pending-key.pem").write_text(first.key_pem)
    again = hedgerow.enroll(fleet.token(name), fleet.state(name))
    assert again.key_pem == first.key_pem and again.spiffe_id == first.spiffe_id


def test_a_certificate_that_is_due_is_renewed(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    before = hedgerow.enroll(fleet.token(name), fleet.state(name))
    place = fleet.state(name) / "identity.json"
    content = json.loads(place.read_text())
    content["renewTime"] = "2020-01-01T00:00:00Z"
    place.write_text(json.dumps(content))
    renewed = threading.Event()

    def on_event(event: hedgerow.Event) -> None:
        if isinstance(event, hedgerow.CertificateRenewed):
            renewed.set()

    with fleet.thing(name, on_event=on_event) as thing:
        assert renewed.wait(30)
        thing.publish(f"{name}/readings", {"v": 1})
    after = fleet.identity(fleet.state(name))
    assert after.key_pem != before.key_pem and after.renew_time > datetime.now(UTC)


def test_a_message_without_a_route_is_refused_and_those_behind_it_go_on(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    seen: list[hedgerow.Event] = []
    with fleet.thing(name, on_event=seen.append) as thing:
        refused = thing.publish("nowhere/at/all", {"v": 1})
        accepted = thing.publish(f"{name}/readings", {"v": 2})
        accepted.wait(timeout=30)
        with pytest.raises(hedgerow.MessageRejectedError) as error:
            refused.wait(timeout=30)
        assert error.value.reason == "NO_ROUTE" and error.value.detail
        thing.flush()  # It was told already.
        thing.publish("nowhere/at/all", {"v": 3})
        thing.publish("nowhere/at/all", {"v": 4})
        with pytest.raises(hedgerow.MessageRejectedError) as error:
            thing.flush()
        assert error.value.count == 2
    assert any(isinstance(event, hedgerow.Rejected) and event.first_sequence == 1 for event in seen)
    assert (thing.statistics.rejected, thing.statistics.acknowledged) == (3, 1)
    stored(fleet, name, 1)


def test_a_failed_sample_and_opaque_bytes_are_stored_as_such(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    with fleet.thing(name) as thing:
        thing.publish_failure(f"{name}/readings", "sensor does not answer")
        thing.publish(f"{name}/readings", b"\x00\xff", content_type="application/x-raw")
        thing.publish(f"{name}/readings", "wörd".encode(), content_type="text/plain")
    text, raw, failed = stored(fleet, name, 3)
    assert (failed.status, failed.status_reason, failed.values) == ("failed", "sensor does not answer", {})
    assert (raw.payload, raw.content_type, raw.text) == (b"\x00\xff", "application/x-raw", None)
    assert text.text == "wörd"


def test_qos_0_is_dropped_without_a_connection_and_sent_with_one(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    thing = fleet.thing(name)
    assert thing.publish(f"{name}/readings", {"v": 0}, qos=0).sequence == 0
    assert thing.statistics.dropped == 1
    with thing:
        assert thing.wait_connected(timeout=30)
        receipt = thing.publish(f"{name}/readings", {"v": 1}, qos=0)
        receipt.wait()
        # A message of QoS 1 behind it shows that it has arrived.
        thing.publish(f"{name}/readings", {"v": 2}).wait(timeout=30)
    assert {record.values["v"]: record.sequence for record in stored(fleet, name, 2)} == {1: 0, 2: 1}


def test_a_thing_may_publish_straight_to_the_cloud(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    with fleet.thing(name, direct=True) as thing:
        thing.publish(f"{name}/readings", {"v": 1}).wait(timeout=30)
        assert thing.statistics.current_core == "cloud"
    assert stored(fleet, name, 1)[0].core == ""


def test_many_readings_share_batches(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    thing = fleet.thing(name)
    begin = datetime(2026, 5, 4, 10, tzinfo=UTC)
    for number in range(2_500):
        thing.publish(f"{name}/readings", {"v": number, "w": number / 2}, time=begin + timedelta(seconds=number))
    with thing:
        pass
    records = stored(fleet, name, 2_500)
    assert [record.values["v"] for record in records] == list(reversed(range(2_500)))
    assert records[-1].time == begin and records[0].time == begin + timedelta(seconds=2_499)
    assert sorted(record.sequence for record in records) == list(range(1, 2_501))


def test_a_full_buffer_waits_until_there_is_room(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    thing = fleet.thing(name, limits=hedgerow.Limits(buffered_messages=5))
    for number in range(5):
        thing.publish(f"{name}/readings", {"v": number})
    before = time.monotonic()
    with pytest.raises(hedgerow.BufferFullError):
        thing.publish(f"{name}/readings", {"v": 99}, timeout=0.2)
    assert time.monotonic() - before >= 0.2
    assert (thing.statistics.published, thing.statistics.dropped) == (5, 0)

    def publish_more() -> None:
        for number in range(5, 20):
            thing.publish(f"{name}/readings", {"v": number})

    waiting = threading.Thread(target=publish_more)
    waiting.start()
    with thing:
        waiting.join(30)
        assert not waiting.is_alive()
    assert {record.values["v"] for record in stored(fleet, name, 20)} == set(range(20))


def test_a_full_buffer_drops_the_oldest_and_the_ledger_names_them(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    seen: list[hedgerow.Event] = []
    limits = hedgerow.Limits(buffered_messages=10)
    thing = fleet.thing(name, limits=limits, overflow="drop-oldest", on_event=seen.append)
    receipts = [thing.publish(f"{name}/readings", {"v": number}) for number in range(25)]
    with pytest.raises(hedgerow.MessageDroppedError):
        receipts[0].wait()
    with thing:
        pass
    receipts[-1].wait()
    counts = thing.statistics
    assert (counts.published, counts.dropped, counts.lost, counts.acknowledged) == (25, 15, 15, 10)
    assert {record.values["v"] for record in stored(fleet, name, 10)} == set(range(15, 25))
    with fleet.client() as cloud:
        eventually("the ledger names the loss", lambda: cloud.ledger(name).lost == 15)
        ledger = cloud.ledger(name)
    assert (ledger.received, ledger.missing) == (10, 0)
    [lost] = ledger.ranges
    assert (lost.epoch, lost.first_sequence, lost.last_sequence) == (counts.epoch, 1, 15)
    assert lost.reason == "OVERWRITTEN" and not lost.missing
    assert [day.lost for day in ledger.days] == [{"OVERWRITTEN": 15}]
    assert sum(event.count for event in seen if isinstance(event, hedgerow.Dropped)) == 15


def test_a_second_process_takes_the_session_over_and_the_first_says_so(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    first = fleet.thing(name).open()
    first.publish(f"{name}/readings", {"v": 1}).wait(timeout=30)
    with fleet.thing(name) as second:
        second.publish(f"{name}/readings", {"v": 2}).wait(timeout=30)

        # Nothing of the first one is on its way, so closing it has nothing to complain about.
        eventually("the first one has ended", lambda: first._publisher.ended)
        with pytest.raises(hedgerow.SupersededError) as error:
            first.publish(f"{name}/readings", {"v": 3})
        assert error.value.reason == "SESSION_SUPERSEDED"
        first.close()
        # A stream name of its own keeps two processes apart.
        with fleet.thing(name, stream="other") as third:
            third.publish(f"{name}/readings", {"v": 4}).wait(timeout=30)
        second.publish(f"{name}/readings", {"v": 5}).wait(timeout=30)


def test_a_command_comes_down_also_when_the_thing_was_away(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    with fleet.client() as cloud, fleet.thing(name) as thing:
        commands = thing.subscribe(f"commands/{name}/#")
        cloud.publish(f"commands/{name}/set", {"interval": 2})
        first = commands.get(timeout=30)
        assert first is not None and first.topic == f"commands/{name}/set"
        assert first.values == {"interval": 2} and first.thing == "operator/admin"
        cloud.publish(f"commands/{name}/say", b"hello", content_type="text/plain")
        second = commands.get(timeout=30)
        assert second is not None and second.text == "hello"
        with pytest.raises(hedgerow.InvalidConfigurationError):
            thing.subscribe("commands/#")
        commands.acknowledge()
        commands.close()
        with pytest.raises(hedgerow.ClosedError):
            commands.get()
    with fleet.client() as cloud:
        for number in range(3):
            cloud.publish(f"commands/{name}/set", {"interval": number})
    with fleet.thing(name) as thing:
        received = []
        for command in thing.subscribe(f"commands/{name}/set"):
            received.append(command.values["interval"])
            if len(received) == 3:
                break
        assert received == [0, 1, 2], "what was handled is not delivered again, what came meanwhile is"


def test_a_command_whose_handler_failed_comes_again(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    with fleet.thing(name) as thing, fleet.client() as cloud:
        cloud.publish(f"commands/{name}/set", {"interval": 7})
        with thing.subscribe(f"commands/{name}/#") as commands:
            assert commands.get(timeout=30) is not None
        with thing.subscribe(f"commands/{name}/#") as commands:
            again = commands.get(timeout=30)
            assert again is not None and again.values == {"interval": 7}
            commands.acknowledge()
        with thing.subscribe(f"commands/{name}/#") as commands:
            cloud.publish(f"commands/{name}/set", {"interval": 8})
            last = commands.get(timeout=30)
            assert last is not None and last.values == {"interval": 8}


def test_many_threads_may_publish_and_wait(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    with fleet.thing(name, limits=hedgerow.Limits(buffered_messages=50)) as thing:

        def publish(first: int) -> None:
            for number in range(first, first + 100):
                thing.publish(f"{name}/readings", {"v": number}).wait(timeout=60)

        threads = [threading.Thread(target=publish, args=(first,)) for first in range(0, 800, 100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    records = stored(fleet, name, 800)
    assert {record.values["v"] for record in records} == set(range(800))


def test_a_doubtful_clock_is_said_and_marked(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    seen: list[hedgerow.Event] = []
    thing = fleet.thing(name, on_event=seen.append)
    answer = telemetry_pb2.PublishResponse()
    answer.server_time.FromSeconds(int(time.time()) + 3_600)
    thing._compare_clocks(answer)
    assert isinstance(seen[0], hedgerow.ClockDoubtful) and -3_602 < seen[0].difference < -3_598
    thing.publish(f"{name}/readings", {"v": 1})
    with thing:
        thing.flush()
        # The core's clock is ours, so what comes now is beyond doubt.
        thing.publish(f"{name}/readings", {"v": 2})
    assert [record.time_doubtful for record in stored(fleet, name, 2)] == [False, True]


def test_a_token_of_another_role_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    with pytest.raises(hedgerow.InvalidConfigurationError, match="operator"):
        hedgerow.Thing(fleet.directory / "cloud" / "operator.token", state=tmp_path)
    with pytest.raises(hedgerow.InvalidConfigurationError, match="core-1"):
        hedgerow.enroll(fleet.token("core-1"))
    with pytest.raises(hedgerow.InvalidConfigurationError, match="another directory"):
        hedgerow.Thing(fleet.token("thing-1"), state=fleet.home)


def test_closing_without_a_connection_says_what_is_not_acknowledged(tmp_path: Path, fleet: Fleet) -> None:
    content = json.loads(fleet.token("thing-1").read_text())
    # Nobody listens there.
    content["enrollment"] = [{"host": "127.0.0.1", "port": 1}]
    (tmp_path / "a.token").write_text(json.dumps(content))
    thing = hedgerow.Thing(tmp_path / "a.token", state=tmp_path / "state", backoff=QUICK).open()
    receipt = thing.publish("a/readings", {"v": 1})
    with pytest.raises(hedgerow.NotAcknowledgedError):
        receipt.wait(timeout=0.1)
    eventually("the problem is known", lambda: thing.last_problem)
    before = time.monotonic()
    with pytest.raises(hedgerow.NotAcknowledgedError) as error:
        thing.close(timeout=0.2)
    assert time.monotonic() - before < 5
    assert error.value.count == 1 and "127.0.0.1:1" in str(error.value)
    with pytest.raises(hedgerow.ClosedError):
        thing.publish("a/readings", {"v": 1})
    thing.close()


def test_a_paused_stream_is_said_and_goes_on(own_fleet: Fleet) -> None:
    own_fleet.build(
        cores=["core-1"],
        things=["thing-1"],
        extra="- {from: 'thing:*', topic: 'bulk/#', to: cloud, via: bulk}",
        streams="streams:\n  bulk: {maxSize: 64KiB, onFull: rejectNew}",
    )
    paused: list[hedgerow.Paused] = []

    def on_event(event: hedgerow.Event) -> None:
        if isinstance(event, hedgerow.Paused):
            paused.append(event)

    with own_fleet.thing("thing-1", on_event=on_event) as thing:
        thing.publish("bulk/x", {"v": 0}).wait(timeout=30)
        own_fleet.kill("cloud")
        receipts = [thing.publish("bulk/x", bytes(8_000)) for _ in range(20)]
        eventually("the core pauses the stream", lambda: paused)
        assert paused[0].reason == "QUEUE_FULL" and (paused[0].retry_after or 0) > 0
        assert not receipts[-1].is_settled
        own_fleet.start_cloud()
        receipts[-1].wait(timeout=60)
    stored(own_fleet, "thing-1", 21)


def test_too_many_calls_are_refused_with_the_time_to_wait(fleet: Fleet, new_thing: NewThing) -> None:
    target, identity = fleet.server("core-1", new_thing())
    with dial(target, identity) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        calls = []
        with pytest.raises(grpc.RpcError) as failed:
            for _ in range(40):
                calls.append(health.Watch(health_pb2.HealthCheckRequest(), timeout=60))
                next(calls[-1])
        error = hedgerow.HedgerowError.from_rpc(failed.value)
        assert error.reason == "TOO_MANY_CALLS"
        assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error.retry_after is not None and error.retry_after > 0
        for call in calls:
            call.cancel()
