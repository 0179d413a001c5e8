"""The parts that need no server."""

from __future__ import annotations

import itertools
import json
import os
import random
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

import hedgerow
from hedgerow import _files as files
from hedgerow import _messages as messages
from hedgerow import _packer as packer
from hedgerow import _ranges as ranges
from hedgerow import _topics as topics
from hedgerow._buffer import Limits, PublisherBuffer
from hedgerow._identity import Endpoint, IdentityDirectory, default_home, default_state
from hedgerow._messages import OutgoingMessage
from hedgerow._publisher import Publisher
from hedgerow._subscription import SubscriptionBuffer
from hedgerow.telemetry.v1 import telemetry_pb2
from hedgerow.type.v1 import message_pb2

VECTORS = Path(os.environ.get("HEDGEROW_VECTORS") or Path(__file__).resolve().parents[3] / "shared" / "vectors")


def reading(value: float = 1, topic: str = "a/b", **options: Any) -> OutgoingMessage:
    return messages.reading(topic, {"v": value}, options.get("units"), options.get("time", 0))


# Topics


@pytest.mark.parametrize("topic", ["", "a/+", "#", "$SYS/a", "a\0b", "ä" * 129, "a/b/c/d/e/f/g/h/i", "\ud800"])
def test_what_is_no_topic_is_refused(topic: str) -> None:
    with pytest.raises(hedgerow.InvalidMessageError):
        topics.check_topic(topic)


@pytest.mark.parametrize("text", ["a", "+", "#", "/", "a//b", "+/+/#", "$SYS/#", "ä/+"])
def test_what_is_a_filter_is_taken(text: str) -> None:
    topics.check_filter(text)


@pytest.mark.parametrize("text", ["", "a#", "#/a", "a/+b", "a/b/c/d/e/f/g/h/#", "a\0"])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(hedgerow.InvalidMessageError):
        topics.check_filter(text)


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the shared test cases are not here (HEDGEROW_VECTORS)")
def test_the_shared_cases_of_topics_hold() -> None:
    checks = {"topic": topics.check_topic, "filter": topics.check_filter}
    checked = 0
    for line in (VECTORS / "topic.public.jsonl").read_text().splitlines():
        case = json.loads(line)
        check = checks.get(case["kind"])
        text = case.get(case["kind"], "")
        # Topics that begin with $ are not ours to publish on ($repeat is a shorthand of the file), and our limit of
        # levels is lower than that of others.
        if check is None or text.startswith("$") or text.count("/") > 7:
            continue
        checked += 1
        if case["expect"]:
            check(text)
        else:
            with pytest.raises(hedgerow.InvalidMessageError):
                check(text)
    assert checked > 100


# Messages


def test_values_keep_their_types() -> None:
    class Scalar:
        """As numpy's scalars are."""

        def item(self) -> int:
            return 7

    values: dict[str, Any] = {"a": 1.5, "b": 2, "c": True, "d": "x", "e": Scalar()}
    message = messages.reading("a", values, {"a": "°C"}, 0)
    assert message.shape is not None
    assert message.shape.names == ("a", "b", "c", "d", "e") and message.shape.units == ("°C", "", "", "", "")
    assert message.shape.kinds == (float, int, bool, str, int) and message.values == (1.5, 2, True, "x", 7)


@pytest.mark.parametrize(
    ("values", "units"),
    [
        ({}, None),
        ({"": 1}, None),
        ({"x" * 129: 1}, None),
        ({"v": None}, None),
        ({"v": [1]}, None),
        ({"v": 1 << 63}, None),
        ({"v": "x" * (64 * 1024 + 1)}, None),
        ({"v": "\ud800"}, None),
        ({f"f{number}": 1 for number in range(257)}, None),
        ({"v": 1}, {"w": "°C"}),
        ({"v": 1}, {"v": "x" * 65}),
        ({1: 1}, None),
    ],
)
def test_a_reading_beyond_the_limits_is_refused(values: Any, units: Any) -> None:
    with pytest.raises(hedgerow.InvalidMessageError):
        messages.reading("a/b", values, units, None)


def test_a_payload_beyond_the_limits_is_refused() -> None:
    with pytest.raises(hedgerow.InvalidMessageError):
        messages.payload("a", bytes(1 << 20), "", None)
    with pytest.raises(hedgerow.InvalidMessageError):
        messages.payload("a", b"", "x" * 257, None)
    with pytest.raises(hedgerow.InvalidMessageError, match="content type"):
        messages.outgoing("a", b"x", {"v": "°C"}, None, "")
    with pytest.raises(hedgerow.InvalidMessageError, match="not list"):
        messages.outgoing("a", [1], None, None, "")  # type: ignore[arg-type]
    assert messages.outgoing("a", bytearray(b"x"), None, None, "").data == b"x"
    assert messages.failure("a", "ä" * 200, None).reason == "ä" * 128


def test_times_are_exact_to_the_microsecond_and_need_a_zone() -> None:
    time = datetime(2026, 5, 4, 12, 0, 0, 123_457, tzinfo=timezone(timedelta(hours=2)))
    assert messages.microseconds(time) == 1_777_888_800_123_457
    assert messages.microseconds(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1
    assert messages.microseconds(1.5) == 1_500_000
    for wrong in (datetime(2026, 1, 1), float("nan"), 1e12, True, "now"):
        with pytest.raises(hedgerow.InvalidMessageError):
            messages.microseconds(wrong)  # type: ignore[arg-type]
    stamp = packer.timestamp(-1)
    assert (stamp.seconds, stamp.nanos) == (-1, 999_999_000)


# Packing


def test_neighbours_of_one_shape_share_a_batch_by_column() -> None:
    row = [messages.reading("a", {"t": 20.5 + n, "n": n}, {"t": "°C"}, 100 + n / 4) for n in range(3)]
    row += [messages.reading("a", {"t": 1.0}, None, 101), messages.failure("a", "broken", 102)]
    row += [messages.payload("a", b"x", "text/plain", 103), messages.payload("a", b"y", "text/plain", 102)]
    row += [messages.payload("a", b"z", "", 104), messages.payload("b", b"z", "", 104)]
    packed = packer.pack(row, 11, Limits())
    assert [publication.sequence for publication in packed] == [11, 14, 15, 16, 18, 19]
    batch = packed[0].batch
    assert (batch.topic, list(batch.time_offsets_us), batch.base_time.seconds) == ("a", [0, 250_000, 500_000], 100)
    number, temperature = batch.readings.columns
    assert (number.name, list(number.integer_values)) == ("n", [0, 1, 2])
    assert (temperature.name, temperature.unit, list(temperature.double_values)) == ("t", "°C", [20.5, 21.5, 22.5])
    assert packed[2].message.reading.status == message_pb2.READING_STATUS_FAILED
    assert list(packed[3].batch.payloads.data) == [b"x", b"y"] and list(packed[3].batch.time_offsets_us)[1] < 0
    assert [publication.sequence for publication in packer.pack(row[:2], 0, Limits())] == [0]


def test_a_batch_has_its_bounds() -> None:
    def sizes(row: list[OutgoingMessage], **limits: int) -> list[int]:
        return [len(it.batch.time_offsets_us) for it in packer.pack(row, 1, Limits(**limits))]

    assert sizes([reading(n) for n in range(5)], batch_messages=2) == [2, 2, 1]
    assert sizes([reading(time=0), reading(time=3_600), reading(time=3_600.000001)]) == [2, 1]
    assert sizes([messages.payload("a", bytes(1_000), "", 0) for _ in range(4)], batch_bytes=2_200) == [2, 2]
    assert sizes([messages.payload("a", bytes(50_000), "", 0) for _ in range(2)]) == [1, 1]
    doubtful = reading()
    doubtful.time_doubtful = True
    assert sizes([reading(), doubtful]) == [1, 1]


def test_the_cost_is_an_upper_estimate() -> None:
    row = [messages.reading("a/b", {"name": "ä" * 50, "x": -(1 << 62), "y": 0.1}, {"y": "hPa"}, n) for n in range(7)]
    [publication] = packer.pack(row, 1, Limits())
    assert publication.ByteSize() <= sum(message.cost for message in row)


# The buffer


def test_only_what_is_oldest_gives_way_and_is_declared_lost() -> None:
    buffer = PublisherBuffer(Limits(buffered_messages=3))
    assert [buffer.append(reading(n), "wait") for n in range(4)] == [(1, None), (2, None), (3, None), None]
    assert buffer.append(reading(), "drop-oldest") == (4, (1, 1))
    assert not buffer.has_work
    buffer.resume(0)
    outgoing = buffer.next()
    assert (outgoing.lost, outgoing.first_sequence, len(outgoing.messages)) == ((1, 1), 2, 3)
    assert buffer.refuse(3, 3) == 1
    settlement = buffer.acknowledge(4)
    assert (settlement.accepted, settlement.rejected, settlement.lost) == ([(2, 2), (4, 4)], [(3, 3)], [(1, 1)])
    assert (buffer.unsettled, buffer.held_bytes) == (0, 0)


def test_a_server_that_claims_too_much_is_not_believed() -> None:
    buffer = PublisherBuffer(Limits())
    buffer.append(reading(), "wait")
    with pytest.raises(hedgerow.ProtocolError):
        buffer.resume(1)
    buffer.resume(0)
    with pytest.raises(hedgerow.ProtocolError):
        buffer.acknowledge(1)


def test_a_new_session_sends_again_what_the_server_does_not_have() -> None:
    buffer = PublisherBuffer(Limits())
    for number in range(5):
        buffer.append(reading(number), "wait")
    buffer.resume(0)
    assert buffer.next().first_time == 5
    buffer.acknowledge(2)
    buffer.append_volatile(reading())
    assert buffer.end_session() == 1
    assert buffer.append_volatile(reading()) == 1, "QoS 0 needs a session"
    assert buffer.oldest_sequence == 3
    assert buffer.resume(4).accepted == [(3, 4)]
    outgoing = buffer.next()
    assert (outgoing.first_sequence, len(outgoing.messages), outgoing.first_time) == (5, 1, 0)


def test_a_receiver_restored_from_an_older_copy_gets_what_is_left() -> None:
    buffer = PublisherBuffer(Limits())
    for number in range(3):
        buffer.append(reading(number), "wait")
    buffer.resume(0)
    buffer.next()
    buffer.acknowledge(2)
    buffer.end_session()
    buffer.resume(1)
    assert buffer.next().first_sequence == 3


@pytest.mark.parametrize("seed", range(20))
def test_every_sequence_is_settled_exactly_once_whatever_happens(seed: int) -> None:
    generator = random.Random(seed)
    buffer = PublisherBuffer(Limits(buffered_messages=20))
    server = 0
    sent = 0
    settled: list[int] = []

    def take(settlement: Any) -> None:
        for low, high in [*settlement.accepted, *settlement.rejected, *settlement.lost]:
            settled.extend(range(low, high + 1))

    for _ in range(2_000):
        match generator.randrange(6):
            case 0 | 1:
                buffer.append(reading(), "drop-oldest")
            case 2 if buffer.is_resumed:
                outgoing = buffer.next()
                first = outgoing.lost[0] if outgoing.lost else outgoing.first_sequence
                if outgoing.lost or outgoing.messages:
                    assert first <= max(sent, buffer.acknowledged) + 1, "no gap"
                    if outgoing.lost:
                        assert outgoing.first_sequence == outgoing.lost[1] + 1
                    sent = outgoing.first_sequence + len(outgoing.messages) - 1
            case 3 if buffer.is_resumed and sent > server:
                server = generator.randint(server, sent)
                if generator.random() < 0.2:
                    buffer.refuse(max(server - 2, 1), server)
                take(buffer.acknowledge(server))
            case 4:
                buffer.end_session()
            case 5 if not buffer.is_resumed:
                take(buffer.resume(server))
                sent = buffer.acknowledged
    assert sorted(settled) == list(range(1, buffer.acknowledged + 1))


def test_ranges_are_kept_apart_and_merged() -> None:
    listed: ranges.Ranges = []
    for first, last in [(5, 6), (1, 1), (8, 9), (7, 7), (20, 30)]:
        listed = ranges.inserting(first, last, listed)
    assert listed == [(1, 1), (5, 9), (20, 30)] and ranges.count(listed) == 17
    assert ranges.subtracting(listed, 1, 25) == [(2, 4), (10, 19)]
    assert ranges.intersecting(listed, 6, 21) == [(6, 9), (20, 21)]
    assert ranges.dropping(6, listed) == [(7, 9), (20, 30)]


# Publisher


def test_an_event_handler_that_fails_is_logged_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: hedgerow.Event) -> None:
        raise RuntimeError("handler")

    publisher = Publisher(Limits(), fail)
    publisher.publish(reading(), 0, "wait", None)
    assert "event handler failed" in caplog.text
    assert publisher.statistics.dropped == 1


def test_what_comes_with_every_message_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[hedgerow.Event] = []
    publisher = Publisher(Limits(), seen.append)
    for _ in range(5):
        publisher.publish(reading(), 0, "wait", None)
    assert len(seen) == 5 and len(caplog.records) == 1


def test_a_session_that_is_over_sends_nothing_more() -> None:
    publisher = Publisher(Limits(), None)
    publisher.publish(reading(), 1, "wait", None)
    old, _ = publisher.open_session("default")
    answers: list[object] = []
    writer = threading.Thread(target=lambda: answers.append(publisher.next_request(old)))
    writer.start()
    publisher.end_session()
    new, opening = publisher.open_session("default")
    publisher.resume(0, "core")
    writer.join(10)
    assert answers == [None] and opening.session.oldest_sequence == 1 and len(opening.session.epoch) == 16
    request = publisher.next_request(new)
    assert request is not None and request.publications[0].sequence == 1


def test_limits_and_settings_that_cannot_work_are_refused(tmp_path: Path) -> None:
    for wrong in ({"buffered_messages": 0}, {"buffered_bytes": 1_000}, {"batch_messages": 1_001}):
        with pytest.raises(hedgerow.InvalidConfigurationError):
            Limits(**wrong)
    with pytest.raises(hedgerow.InvalidConfigurationError, match="Neither a token"):
        hedgerow.Thing()
    with pytest.raises(hedgerow.InvalidConfigurationError, match="no identity"):
        hedgerow.Thing(state=tmp_path)
    with pytest.raises(hedgerow.InvalidConfigurationError, match="stream"):
        hedgerow.Thing(state=tmp_path, stream="not a name")
    with pytest.raises(hedgerow.InvalidConfigurationError, match="overflow"):
        hedgerow.Thing(state=tmp_path, overflow="other")  # type: ignore[arg-type]


# Subscriptions


def delivery(sequence: int, number: int) -> telemetry_pb2.Delivery:
    result = telemetry_pb2.Delivery(delivery_id=number)
    result.record.origin.thing = "operator/admin"
    result.record.origin.epoch = bytes(16)
    result.record.origin.first_sequence = result.record.origin.last_sequence = sequence
    result.record.message.topic = "commands/a"
    return result


def test_a_repeat_is_acknowledged_and_not_handed_out_twice() -> None:
    buffer = SubscriptionBuffer(4, remembered=2)
    assert buffer.answer() == (0, [])
    buffer.begin_session()
    assert buffer.answer() == (4, [])
    buffer.receive(delivery(1, 101))
    buffer.receive(delivery(2, 102))
    first, second = buffer.take(), buffer.take()
    assert first is not None and second is not None and buffer.take() is None
    buffer.finish(first)
    assert buffer.answer() == (2, [101])
    # The line goes while the second one is in the handler's hands.
    buffer.begin_session()
    assert buffer.answer() == (4, [])
    buffer.receive(delivery(1, 7))
    buffer.receive(delivery(2, 8))
    assert buffer.take() is None
    assert buffer.answer()[1] == [7]
    buffer.finish(second)
    assert buffer.answer()[1] == [8]


def test_credit_is_the_bound() -> None:
    buffer = SubscriptionBuffer(1)
    buffer.begin_session()
    with pytest.raises(hedgerow.ProtocolError):
        buffer.receive(delivery(1, 1))
    assert buffer.answer() == (1, [])
    buffer.receive(delivery(1, 1))
    assert buffer.answer() == (0, [])
    with pytest.raises(hedgerow.ProtocolError):
        buffer.receive(delivery(2, 2))
    item = buffer.take()
    assert item is not None
    buffer.end_session()
    buffer.finish(item)
    buffer.begin_session()
    assert buffer.answer() == (1, []), "an id of another session is not acknowledged"


# Waiting


def test_the_backoff_grows_to_its_bound_and_is_spread() -> None:
    even = list(itertools.islice(hedgerow.Backoff(jitter=0).waits(), 14))
    assert even[:4] == pytest.approx([1, 1.6, 2.56, 4.096]) and even[-2:] == [120, 120]
    spread = list(itertools.islice(hedgerow.Backoff().waits(random.Random(1)), 200))
    assert all(0.8 * 120 <= wait <= 1.2 * 120 for wait in spread[20:]) and len(set(spread)) == 200
    with pytest.raises(ValueError, match="backoff"):
        hedgerow.Backoff(factor=0.5)


# Errors


class FailedCall(grpc.RpcError, grpc.Call):
    """What grpcio raises, made by hand."""

    def __init__(self, code: grpc.StatusCode, text: str, details: list[Any]) -> None:
        status = status_pb2.Status(code=code.value[0], message=text)
        for detail in details:
            packed = any_pb2.Any()
            packed.Pack(detail)
            status.details.append(packed)
        self._answer = code, text, status.SerializeToString()

    def code(self) -> grpc.StatusCode:
        return self._answer[0]

    def details(self) -> str:
        return self._answer[1]

    def trailing_metadata(self) -> Any:
        return (("grpc-status-details-bin", self._answer[2]),)

    def initial_metadata(self) -> Any:
        return ()

    def is_active(self) -> bool:
        return False

    def time_remaining(self) -> float:
        return 0

    def cancel(self) -> bool:
        return False

    def add_callback(self, callback: Any) -> bool:
        return False


def test_an_errors_details_are_read() -> None:
    info = error_details_pb2.ErrorInfo(reason="QUEUE_FULL", domain="hedgerow", metadata={"stream": "bulk"})
    foreign = error_details_pb2.ErrorInfo(reason="OTHER", domain="example.com")
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(1_500)
    request = error_details_pb2.BadRequest()
    request.field_violations.add(field="3:7", description="no such core")
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    error = hedgerow.HedgerowError.from_rpc(FailedCall(code, "full", [foreign, info, retry, request]), at="h:1")
    assert (error.code, error.reason, error.message) == (code, "QUEUE_FULL", "full")
    assert (error.retry_after, error.metadata) == (1.5, {"stream": "bulk"})
    assert error.violations == (hedgerow.Violation("3:7", "no such core"),)
    assert not error.is_unreachable and "3:7: no such core" in str(error)

    plain = hedgerow.HedgerowError.from_rpc(FailedCall(grpc.StatusCode.UNAVAILABLE, "gone", []), at="h:1")
    assert plain.reason is None and plain.is_unreachable and str(plain) == "h:1: UNAVAILABLE: gone"
    # A trailer of another code is a forgery; the status counts.
    forged = FailedCall(grpc.StatusCode.NOT_FOUND, "x", [info])
    forged._answer = grpc.StatusCode.INTERNAL, "x", forged._answer[2]
    assert hedgerow.HedgerowError.from_rpc(forged).reason is None


# Identity


def test_addresses_are_dialled_as_what_they_are() -> None:
    assert Endpoint("10.0.0.2", 1).target == "ipv4:10.0.0.2:1"
    assert Endpoint("::1", 1).target == "ipv6:[::1]:1"
    assert Endpoint("fe80::1%eth0", 1).target == "ipv6:[fe80::1%25eth0]:1"
    assert Endpoint("core.example", 1).target == "dns:///core.example:1"


def test_default_directories_follow_xdg() -> None:
    assert default_state("a", {"HOME": "/h"}) == Path("/h/.local/state/hedgerow/things/a")
    assert default_state("a", {"HOME": "/h", "XDG_STATE_HOME": "/s"}) == Path("/s/hedgerow/things/a")
    assert default_state("a", {"HOME": "/h", "XDG_STATE_HOME": "relative"}).parts[1] == "h"
    assert default_home({"HOME": "/h"}) == Path("/h/.config/hedgerow")
    assert default_home({"HEDGEROW_HOME": "/x", "HOME": "/h"}) == Path("/x")


def test_files_are_replaced_as_a_whole_with_their_mode(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    files.make_directory(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    files.write(directory / "f", b"one")
    files.write(directory / "f", b"two")
    assert files.read(directory / "f") == b"two" and files.read(directory / "none") is None
    assert stat.S_IMODE((directory / "f").stat().st_mode) == 0o600
    assert [path.name for path in directory.iterdir()] == ["f"]
    with pytest.raises(hedgerow.StateError):
        files.write(directory / "f" / "g", b"")
    with pytest.raises(hedgerow.StateError):
        files.read(directory)


def test_a_damaged_identity_is_never_taken_for_none(tmp_path: Path) -> None:
    directory = IdentityDirectory(tmp_path)
    assert directory.load() is None
    for damaged in (b"", b"{", b"[]", b'{"version": 2}', b'{"version": 1}'):
        (tmp_path / "identity.json").write_bytes(damaged)
        with pytest.raises(hedgerow.StateError, match="damaged"):
            directory.load()
    key = directory.pending_key()
    assert directory.pending_key() == key
    assert stat.S_IMODE((tmp_path / "pending-key.pem").stat().st_mode) == 0o600


@pytest.fixture
def damaged_tokens(tmp_path: Path) -> Iterator[Path]:
    for number, text in enumerate(["", "{}", '{"version": 1, "role": "thing"}', '{"version": 7}', "x" * 70_000]):
        (tmp_path / f"{number}.token").write_text(text)
    yield tmp_path


def test_what_is_no_token_file_is_said(damaged_tokens: Path) -> None:
    for path in damaged_tokens.iterdir():
        with pytest.raises(hedgerow.InvalidConfigurationError, match="not a token file"):
            hedgerow.Thing(path)


# The package


def test_the_package_brings_its_stubs_and_types() -> None:
    package = Path(str(hedgerow.__file__)).parent
    assert (package / "py.typed").exists()
    for name in ("telemetry", "registry", "deployment", "discovery", "provisioning"):
        for kind in ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py"):
            assert (package / name / "v1" / f"{name}{kind}").exists()
    assert all(hasattr(hedgerow, name) for name in hedgerow.__all__)
