"""The client of the cloud, and what errors carry."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from fleet import PROGRAMS, QUICK, Fleet, eventually

import hedgerow
from hedgerow.registry.v1 import registry_pb2, registry_pb2_grpc
from hedgerow.telemetry.v1 import telemetry_pb2, telemetry_pb2_grpc

NewThing = Callable[[], str]
BEGIN = datetime(2026, 5, 4, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def published(fleet: Fleet, new_thing: NewThing) -> str:
    """A thing with 250 stored readings, one a second from BEGIN on."""
    name = new_thing()
    with fleet.thing(name) as thing:
        for number in range(250):
            thing.publish(f"{name}/readings", {"v": number}, time=BEGIN + timedelta(seconds=number))
    with fleet.client() as cloud:
        eventually("all are stored", lambda: cloud.ledger(name).received == 250)
    return name


def test_history_comes_over_all_pages_the_newest_first(fleet: Fleet, published: str) -> None:
    with fleet.client() as cloud:
        every = [record.values["v"] for record in cloud.query(thing=published, page_size=40)]
        assert every == list(reversed(range(250)))
        assert [record.values["v"] for record in cloud.query(thing=published, limit=3)] == [249, 248, 247]
        assert len(list(cloud.query(thing=published, limit=101, page_size=50))) == 101
        window = cloud.query(thing=published, start=BEGIN + timedelta(seconds=10), end=BEGIN + timedelta(seconds=13))
        assert [record.values["v"] for record in window] == [12, 11, 10]
        assert len(list(cloud.query(topic=f"{published}/#"))) == 250
        assert list(cloud.query(thing=published, topic="other/+")) == []
        row = next(cloud.query(thing=published)).to_dict()
        assert row["values.v"] == 249 and row["time"] == BEGIN + timedelta(seconds=249)


def test_the_ledger_counts_and_names(fleet: Fleet, published: str) -> None:
    with fleet.client() as cloud:
        ledger = cloud.ledger(published)
    assert (ledger.thing, ledger.received, ledger.lost, ledger.missing, ledger.ranges) == (published, 250, 0, 0, ())
    [day] = ledger.days
    assert day.received == 250 and re.fullmatch(r"\d{4}-\d\d-\d\d", day.day) and day.stream.startswith("core-1/")


def test_live_messages_arrive_and_a_restart_does_not_end_them(own_fleet: Fleet) -> None:
    own_fleet.build(cores=["core-1"], things=["thing-1"])
    arrived: list[hedgerow.Record] = []
    client = hedgerow.Client(home=own_fleet.home, backoff=QUICK)

    def follow(live: hedgerow.Subscription) -> None:
        for record in live:
            arrived.append(record)

    with client as cloud, own_fleet.thing("thing-1") as thing:
        live = cloud.subscribe("+/readings", thing="thing-1")
        follower = threading.Thread(target=follow, args=(live,))
        follower.start()

        def comes(value: int) -> bool:
            # QoS 0 shows what comes from now on, so what shows it comes again and again.
            thing.publish("thing-1/readings", {"v": value}).wait(timeout=30)
            return any(record.values["v"] == value for record in arrived)

        eventually("readings arrive", lambda: comes(1))
        own_fleet.kill("cloud")
        own_fleet.start_cloud()
        eventually("readings arrive again", lambda: comes(2))
    follower.join(10)
    assert not follower.is_alive(), "closing the client ends the loop"
    with pytest.raises(hedgerow.ClosedError):
        client.ledger("thing-1")


def test_publishing_goes_on_over_a_restart_and_each_message_is_there_once(own_fleet: Fleet) -> None:
    own_fleet.build(cores=["core-1"], things=["thing-1"])
    with own_fleet.client() as cloud:
        cloud.publish("commands/thing-1/note", {"n": 1})
        own_fleet.kill("cloud")
        with pytest.raises(hedgerow.NotAcknowledgedError) as error:
            cloud.publish("commands/thing-1/note", {"n": 2}, timeout=0.3)
        assert "127.0.0.1" in str(error.value)
        done = threading.Event()

        def publish() -> None:
            cloud.publish("commands/thing-1/note", {"n": 3}, timeout=60)
            done.set()

        waiting = threading.Thread(target=publish)
        waiting.start()
        own_fleet.start_cloud()
        waiting.join(60)
        assert done.is_set()
        found = [record.values["n"] for record in cloud.query(topic="commands/#")]
        assert sorted(found) == [1, 3]


def test_an_operators_identity_is_shared_with_the_command_line(fleet: Fleet, published: str) -> None:
    environment = {"HEDGEROW_HOME": str(fleet.home), "PATH": os.environ["PATH"], "HOME": str(fleet.directory)}
    shown = subprocess.run(
        [PROGRAMS / "hedgerow", "ledger", published, "--output", "json"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert '"received"' in shown.stdout and "250" in shown.stdout


def test_a_certificate_that_is_due_is_renewed_with_the_first_call(fleet: Fleet, tmp_path: Path) -> None:
    for name in ("identity.json", "key.pem", "chain.pem", "root.pem"):
        (tmp_path / name).write_bytes((fleet.home / name).read_bytes())
    content = json.loads((tmp_path / "identity.json").read_text())
    content["renewTime"] = "2020-01-01T00:00:00Z"
    (tmp_path / "identity.json").write_text(json.dumps(content))
    with hedgerow.Client(home=tmp_path) as cloud:
        cloud.ledger("thing-1")
        cloud.ledger("thing-1")
    renewed = fleet.identity(tmp_path)
    assert renewed.renew_time > datetime.now(UTC) and renewed.key_pem != content["keyPEM"]


def test_without_an_identity_it_is_said_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(hedgerow.InvalidConfigurationError, match="hedgerow init"):
        hedgerow.Client(home=tmp_path)
    with pytest.raises(hedgerow.InvalidConfigurationError, match="no token file"):
        hedgerow.Client(home=tmp_path, token=tmp_path / "none.token")


def test_errors_have_a_code_a_reason_and_a_sentence(fleet: Fleet) -> None:
    with fleet.client() as cloud:
        with pytest.raises(hedgerow.HedgerowError) as error:
            cloud.ledger("nobody-knows-it")
        assert (error.value.code, error.value.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
        assert "nobody-knows-it" in error.value.message
        with pytest.raises(hedgerow.HedgerowError) as error:
            next(cloud.query(page_size=20_000))
        assert error.value.reason == "INVALID_FIELD"
        assert [violation.field for violation in error.value.violations] == ["page_size"]
        with pytest.raises(hedgerow.InvalidMessageError):
            cloud.query(topic="a/#/b")
        with pytest.raises(hedgerow.InvalidMessageError):
            cloud.publish("a/+", {"v": 1})
        with pytest.raises(hedgerow.MessageRejectedError) as rejected:
            cloud.publish("nobody/listens", {"v": 1})
        assert rejected.value.reason == "NO_ROUTE"


def test_a_definition_with_errors_names_line_and_column(fleet: Fleet) -> None:
    with fleet.channel() as channel:
        request = registry_pb2.ApplyGroupRequest(definition="kind: Group\nname: 'not a name'\ncores: 7\n")
        with pytest.raises(grpc.RpcError) as failed:
            registry_pb2_grpc.RegistryServiceStub(channel).ApplyGroup(request, timeout=30)
    error = hedgerow.HedgerowError.from_rpc(failed.value)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_DEFINITION")
    assert len(error.violations) >= 2
    assert all(re.fullmatch(r"\d+:\d+", violation.field) for violation in error.violations)
    assert all(violation.description for violation in error.violations)


def test_a_page_token_of_another_query_is_refused(fleet: Fleet, published: str) -> None:
    with fleet.channel() as channel:
        stub = telemetry_pb2_grpc.TelemetryServiceStub(channel)
        page = stub.Query(telemetry_pb2.QueryRequest(thing=published, page_size=10), timeout=30)
        other = telemetry_pb2.QueryRequest(page_size=10, topic_filter="x/#", page_token=page.next_page_token)
        with pytest.raises(grpc.RpcError) as failed:
            stub.Query(other, timeout=30)
    error = hedgerow.HedgerowError.from_rpc(failed.value)
    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "BAD_PAGE_TOKEN")


def test_a_thing_may_not_read_history(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    hedgerow.enroll(fleet.token(name), fleet.state(name))
    with (
        hedgerow.Client(home=fleet.state(name)) as cloud,
        pytest.raises(hedgerow.HedgerowError) as error,
    ):
        list(cloud.query())
    assert (error.value.code, error.value.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_NOT_ALLOWED")


def test_a_deadline_is_kept(fleet: Fleet) -> None:
    with fleet.client(timeout=0.000_001) as cloud, pytest.raises(hedgerow.HedgerowError) as error:
        cloud.ledger("thing-1")
    assert error.value.code is grpc.StatusCode.DEADLINE_EXCEEDED and error.value.is_unreachable
