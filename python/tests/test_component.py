"""Components against a core of the tests' own: the service as the protocol says, over a real Unix socket."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from fake_core import EPOCH, TOKEN, FakeCore, record, refuse
from fleet import eventually

import hedgerow
from hedgerow import Component, ComponentEvent, Message
from hedgerow._component_life import Causes
from hedgerow.component.v1 import component_pb2
from hedgerow.stream.v1 import stream_pb2
from hedgerow.type.v1 import message_pb2


@pytest.fixture
def core(tmp_path: Path) -> Iterator[FakeCore]:
    core = FakeCore(tmp_path)
    core.start()
    yield core
    core.stop()


def component(core: FakeCore, **options: Any) -> Component:
    return Component(socket=str(core.socket), token=TOKEN, **options)


@contextmanager
def running(component: Component) -> Iterator[threading.Thread]:
    """Runs the handler on a thread; stops it in good order at the end."""
    outcome: list[BaseException] = []

    def run() -> None:
        try:
            component.run()
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        component.stop()
        thread.join(60)
        assert not thread.is_alive()
    assert not outcome, outcome


def temperatures(messages: list[message_pb2.Message]) -> list[float]:
    return [message.reading.values["temperature"].double_value for message in messages]


def echo(event: ComponentEvent) -> Message:
    return Component.reading("out", {"temperature": event.values["temperature"]})


def start_program(core: FakeCore, source: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    variables = {**os.environ, "HEDGEROW_SOCKET": str(core.socket), "HEDGEROW_TOKEN": TOKEN, **environment}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source), *arguments],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# The environment


def test_a_component_starts_without_what_only_things_need() -> None:
    source = "import sys, hedgerow; hedgerow.Component; print('cryptography' in sys.modules, hedgerow.Thing)"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False <class 'hedgerow._thing.Thing'>\n"
    assert set(hedgerow.__all__) <= set(dir(hedgerow))
    assert all(hasattr(hedgerow, name) for name in hedgerow.__all__)
    assert not hasattr(hedgerow, "Nothing")


def test_a_program_that_no_core_started_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEDGEROW_SOCKET", raising=False)
    monkeypatch.delenv("HEDGEROW_TOKEN", raising=False)
    with pytest.raises(hedgerow.InvalidConfigurationError, match="HEDGEROW_SOCKET is not set"):
        Component()
    monkeypatch.setenv("HEDGEROW_SOCKET", "/nowhere")
    with pytest.raises(hedgerow.InvalidConfigurationError, match="HEDGEROW_TOKEN is not set"):
        Component()


def test_a_component_knows_what_it_is(core: FakeCore, monkeypatch: pytest.MonkeyPatch) -> None:
    core.info.secrets.append("weather-key")
    monkeypatch.setenv("HALL", "press")
    monkeypatch.setenv("HEDGEROW_TOKEN", "not this one")
    with component(core) as made:
        assert made.info == hedgerow.ComponentInfo(
            "republish", "republish", "1.0.0", "core-1", "hall", 3, 3.0, None, ("weather-key",)
        )
        assert made.configuration == {"limits": {"high": 80.5, "count": 3}, "names": ["a", 1]}
        assert isinstance(made.configuration["limits"]["count"], int)
        assert made.environment["HALL"] == "press" and "HEDGEROW_TOKEN" not in made.environment


def test_a_core_that_is_late_is_no_reason_to_do_without_health(core: FakeCore) -> None:
    core.stop()
    made = component(core, patience=2)
    with pytest.raises(hedgerow.HedgerowError):
        made.wait(0)
    core.start()
    assert made.wait(0)
    eventually("the program is ready", lambda: core.health)
    made.close()


def test_a_wrong_token_ends_the_program(core: FakeCore, caplog: pytest.LogCaptureFixture) -> None:
    made = Component(socket=str(core.socket), token="guessed")
    made.handler(lambda event: None)
    with pytest.raises(SystemExit) as ended:
        made.run()
    assert ended.value.code == 1
    assert "NO_IDENTITY" in caplog.text


# Handlers


def test_a_handler_gets_one_event_after_the_other_and_its_messages_are_the_result(core: FakeCore) -> None:
    core.put(*(record(number) for number in range(1, 6)))
    made = component(core)
    seen: list[ComponentEvent] = []

    @made.handler
    def handle(event: ComponentEvent) -> Message:
        seen.append(event)
        return made.reading("republish/reading", {**event.values, "topic": event.topic}, units=event.units)

    with running(made):
        eventually("all five are stored", lambda: len(core.published) == 5)
    assert not core.inbox and core.most_in_flight == 1
    assert temperatures(core.published) == [1, 2, 3, 4, 5]
    first = core.published[0]
    assert first.topic == "republish/reading"
    assert first.reading.values["topic"].string_value == "a/readings"
    assert first.reading.units["temperature"] == "°C"
    # Without a time of its own, a result has that of its event.
    assert first.time.seconds == 1_700_000_000
    event = seen[0]
    assert (event.thing, event.attempt, event.status, event.payload) == ("bme680-1", 0, "ok", None)
    assert event.time == datetime.fromtimestamp(1_700_000_000, UTC)
    assert event.receive_time == datetime.fromtimestamp(1_700_000_001, UTC)
    assert event.record.epoch == EPOCH.hex() and event.record.sequence == 1


def test_a_handler_may_return_several_messages_or_publish_them_or_nothing(core: FakeCore) -> None:
    core.put(record(1), record(2), record(3))
    made = component(core)

    @made.handler
    def handle(event: ComponentEvent) -> list[Message] | None:
        if event.record.sequence == 1:
            event.publish("first", {"temperature": 1.0})
            return [
                made.payload("second", b"\0\1", content_type="image/x"),
                made.failure("third", "no sample", time=5),
            ]
        return None

    with running(made):
        eventually("all are done", lambda: not core.inbox)
    assert [message.topic for message in core.published] == ["first", "second", "third"]
    assert core.published[1].payload.data == b"\0\1" and core.published[1].payload.content_type == "image/x"
    assert core.published[2].reading.status_reason == "no sample" and core.published[2].time.seconds == 5


def test_traces_go_on(core: FakeCore) -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    other = f"00-{'c' * 32}-{'d' * 16}-01"
    traced = record(1)
    traced.message.traceparent = trace
    core.put(traced, record(2))
    made = component(core)

    @made.handler
    def handle(event: ComponentEvent) -> list[Message]:
        assert event.traceparent == (trace if event.record.sequence == 1 else "")
        return [
            made.reading("inherits", {"v": 1.0}),
            made.reading("has its own", {"v": 1.0}, traceparent=other),
            made.reading("wants none", {"v": 1.0}, traceparent=""),
        ]

    with running(made):
        eventually("both are done", lambda: not core.inbox)
    assert [message.traceparent for message in core.published] == [trace, other, "", "", other, ""]


def test_a_failure_is_told_and_the_next_event_follows(core: FakeCore, capfd: pytest.CaptureFixture[str]) -> None:
    core.put(*(record(number) for number in range(1, 6)))
    made = component(core)

    @made.handler
    def handle(event: ComponentEvent) -> Message | None:
        event.publish("dropped", {"v": 1.0})
        if event.record.sequence == 5:
            return made.reading("out", {"temperature": 5.0})
        if event.record.sequence == 4:
            return "text"  # type: ignore[return-value]
        raise KeyError(f"no field {event.record.sequence}")

    with running(made):
        eventually("all are done", lambda: not core.inbox)
    assert core.failures[:3] == [f"KeyError: 'no field {number}'" for number in (1, 2, 3)]
    assert core.failures[3].startswith(
        "InvalidMessageError: A handler returns None, a message or several, not str"
    )
    assert [message.topic for message in core.published] == ["dropped", "out"]
    errors = capfd.readouterr().err
    # Once for each cause, not for each event.
    assert errors.count("Traceback") == 2
    assert errors.count("KeyError: 'no field 1'") == 1 and "no field 2" not in errors
    assert errors.count("InvalidMessageError: A handler returns") == 1


def test_results_that_are_too_large_are_failures(core: FakeCore) -> None:
    core.put(record(1), record(2))
    made = component(core)

    @made.handler
    def handle(event: ComponentEvent) -> list[Message]:
        if event.record.sequence == 1:
            return [made.payload("large", bytes(1_000_000))] * 5
        return [made.reading("many", {"v": 1.0})] * 1_001

    with running(made):
        eventually("both are done", lambda: not core.inbox)
    assert len(core.failures) == 2 and not core.published
    assert "A result has 5 messages" in core.failures[0] and "A result has 1001 messages" in core.failures[1]


def test_a_reason_is_cut_to_what_the_core_takes(core: FakeCore) -> None:
    core.put(record(1))
    made = component(core)

    @made.handler
    def handle(event: ComponentEvent) -> None:
        event.fail("ä" * 900)

    with running(made):
        eventually("it failed", lambda: core.failures)
    assert core.failures == ["ä" * 500]


def test_there_is_one_handler(core: FakeCore) -> None:
    made = component(core)
    with pytest.raises(hedgerow.InvalidConfigurationError, match="no handler"):
        made.run()
    made.handler(echo)
    with pytest.raises(hedgerow.InvalidConfigurationError, match="one handler"):
        made.handler(echo)
    made.close()


# Nothing is lost, nothing happens twice


def test_a_result_that_the_core_did_not_store_goes_again_without_the_handler(core: FakeCore) -> None:
    """The stream breaks when the result is on its way: the message comes again, and gets the result that there is."""
    core.put(record(1), record(2))
    made = component(core)
    calls: list[int] = []
    broken = threading.Event()

    def break_once(results: list[component_pb2.EventResult], context: grpc.ServicerContext) -> bool:
        if not broken.is_set():
            broken.set()
            context.cancel()
            return False
        return True

    core.before_results = break_once

    @made.handler
    def handle(event: ComponentEvent) -> Message:
        calls.append(event.record.sequence)
        return echo(event)

    with running(made):
        eventually("both are stored", lambda: len(core.published) == 2)
    assert broken.is_set()
    assert calls == [1, 2] and temperatures(core.published) == [1, 2]


def test_the_core_may_restart_while_a_handler_works(core: FakeCore) -> None:
    core.put(record(1), record(2))
    made = component(core)
    calls: list[int] = []
    entered, may_go_on = threading.Event(), threading.Event()

    @made.handler
    def handle(event: ComponentEvent) -> Message:
        calls.append(event.record.sequence)
        entered.set()
        assert may_go_on.wait(60)
        return echo(event)

    with running(made):
        assert entered.wait(60)
        core.stop()
        core.start()
        may_go_on.set()
        eventually("both are stored", lambda: len(core.published) == 2)
    assert calls == [1, 2] and temperatures(core.published) == [1, 2]


def test_whatever_breaks_when_each_result_is_stored_once(core: FakeCore) -> None:
    """Streams break before and behind the storing of results, and the core restarts, at random."""
    seed = int(os.environ.get("HEDGEROW_KILL_SEED") or random.randrange(1 << 32))
    print(f"HEDGEROW_KILL_SEED={seed}")
    generator = random.Random(seed)
    count = 400
    core.put(*(record(number) for number in range(1, count + 1)))

    def cut(results: list[component_pb2.EventResult], context: grpc.ServicerContext) -> bool:
        if generator.random() >= 0.03:
            return True
        context.cancel()
        # Not stored, or stored without the program hearing of it.
        return generator.random() < 0.5

    core.before_results = cut
    made = component(core)
    calls: list[int] = []

    def take() -> None:
        in_hand: list[ComponentEvent] = []
        for event in made.events(in_flight=20):
            calls.append(event.record.sequence)
            event.publish("out", {"temperature": event.values["temperature"]})
            in_hand.append(event)
            if len(in_hand) >= generator.randrange(1, 10):
                made.finish(in_hand[: len(in_hand) // 2 + 1])
                del in_hand[: len(in_hand) // 2 + 1]
            if event.record.sequence == count:
                made.finish(in_hand)

    thread = threading.Thread(target=take)
    thread.start()
    for wanted in range(60, 300, 60):
        eventually("some are stored", partial(lambda wanted: len(core.published) >= wanted, wanted), within=60)
        core.stop()
        core.start()
    eventually("all are stored", lambda: not core.inbox, within=60)
    made.stop()
    thread.join(60)
    assert sorted(temperatures(core.published)) == list(range(1, count + 1))
    # The handler saw each once, too: this process did not end.
    assert calls == list(range(1, count + 1))


def test_a_core_that_stays_away_ends_the_program(core: FakeCore, caplog: pytest.LogCaptureFixture) -> None:
    made = component(core, patience=0.5)
    made.handler(echo)
    outcome: list[object] = []

    def run() -> None:
        try:
            made.run()
        except SystemExit as ended:
            outcome.append(ended.code)

    core.put(record(1))
    thread = threading.Thread(target=run)
    thread.start()
    eventually("one is handled", lambda: core.published)
    core.stop()
    thread.join(60)
    assert outcome == [1] and "has been away for 0.5 s" in caplog.text


def test_a_second_receiver_ends_the_first(core: FakeCore) -> None:
    first, second = component(core), component(core)
    failures: list[BaseException] = []

    def receive() -> None:
        try:
            first.next_event()
        except hedgerow.SupersededError as error:
            failures.append(error)

    thread = threading.Thread(target=receive)
    thread.start()
    eventually("the first one receives", lambda: core._session)
    core.put(record(1))
    thread.join(60)
    waiting = threading.Thread(target=receive)
    waiting.start()
    event = second.next_event(60)
    assert event is not None and event.attempt == 1
    waiting.join(60)
    assert [str(failure)[:37] for failure in failures] == ["SESSION_SUPERSEDED: Another program r"]
    first.close(0)
    second.close(0)


# Loops of their own


def test_a_loop_ends_events_in_any_order_and_together(core: FakeCore) -> None:
    core.put(*(record(number) for number in range(1, 6)))
    made = component(core)
    events: list[ComponentEvent] = []
    for event in made.events(in_flight=10):
        events.append(event)
        if len(events) == 5:
            break
    assert core.most_in_flight == 5
    events[4].done()
    events[3].fail("not today")
    events[0].publish("own", {"v": 1.0})
    made.finish(events[:3], made.reading("mean", {"temperature": 2.0}))
    eventually("all are stored", lambda: not core.inbox)
    assert core.failures == ["not today"]
    assert [message.topic for message in core.published] == ["own", "mean"]
    # The three went in one request, with the outputs on the last one.
    [together] = [results for results in core.requests if any(result.messages for result in results)]
    assert [len(result.messages) for result in together[-3:]] == [0, 0, 2]
    # Only the first result counts.
    events[0].fail("again")
    assert events[0].is_finished
    made.close()
    assert core.failures == ["not today"]
    with pytest.raises(hedgerow.ClosedError):
        made.next_event(0)


def test_results_together_stay_together_when_the_stream_breaks(core: FakeCore) -> None:
    core.put(record(1), record(2), record(3))
    made = component(core)
    taken = [made.next_event(60, in_flight=3) for _ in range(3)]
    events = [event for event in taken if event is not None]
    core.stop()
    made.finish(events, made.reading("mean", {"temperature": 2.0}))
    assert not core.published
    core.start()
    eventually("they are stored", lambda: core.published)
    assert [len(results) for results in core.requests] == [3]
    assert not core.inbox and temperatures(core.published) == [2]
    made.close()


def test_results_behind_an_event_without_one_come_again(core: FakeCore, caplog: pytest.LogCaptureFixture) -> None:
    core.put(record(1), record(2), record(3))
    made = component(core)
    taken = [made.next_event(60, in_flight=3) for _ in range(3)]
    first, second, third = (event for event in taken if event is not None)
    first.done()
    third.done()
    # The core stores what it can, and says so by ending the stream: nobody waits for the second.
    made.close()
    assert [entry.record.origin.last_sequence for entry in core.inbox] == [2, 3] and not second.is_finished
    assert not caplog.records


def test_no_more_events_come_than_may_be_in_flight(core: FakeCore) -> None:
    core.put(*(record(number) for number in range(1, 8)))
    made = component(core)
    first, second = made.next_event(60, in_flight=2), made.next_event(60, in_flight=2)
    assert first is not None and second is not None
    assert made.next_event(0.1) is None and core.most_in_flight == 2
    first.done()
    third = made.next_event(60)
    assert third is not None and third.record.sequence == 3
    made.close()
    # What has no result is still there.
    assert [entry.record.origin.last_sequence for entry in core.inbox] == [2, 3, 4, 5, 6, 7]


def test_qos_0_needs_a_result_too(core: FakeCore) -> None:
    core.put(record(0, temperature=7.0), record(0, temperature=7.0))
    made = component(core)
    made.handler(echo)
    with running(made):
        eventually("both came", lambda: len(core.published) == 2)
        assert core._session is not None
        core._session.responses.put(component_pb2.ReceiveResponse(dropped=3))
        eventually("it knows what was dropped", lambda: made.dropped == 3)
    assert temperatures(core.published) == [7, 7]


def test_a_loop_and_a_handler_exclude_each_other(core: FakeCore) -> None:
    made = component(core)
    made.handler(echo)
    with running(made):
        eventually("it receives", lambda: core._session)
        with pytest.raises(hedgerow.InvalidConfigurationError, match="either"):
            made.next_event(0)


# Ending


def test_sigterm_lets_the_event_in_hand_come_to_its_end(core: FakeCore) -> None:
    core.put(record(1), record(2))
    source = """
        import time
        from hedgerow import Component
        component = Component()

        @component.handler
        def handle(event):
            print("working", flush=True)
            time.sleep(0.5)
            return component.reading("out", {**event.values})

        component.run()
        print("ended", flush=True)
    """
    with start_program(core, source) as program:
        assert program.stdout is not None and program.stdout.readline() == "working\n"
        program.send_signal(signal.SIGTERM)
        out, errors = program.communicate(timeout=60)
    assert (program.returncode, out, errors) == (0, "ended\n", "")
    assert temperatures(core.published) == [1] and len(core.inbox) == 1


def test_sigterm_ends_a_program_that_waits(core: FakeCore) -> None:
    source = """
        from hedgerow import Component
        with Component() as component:
            while component.wait(0.01):
                component.publish("own", {"v": 1.0})
        print("ended", flush=True)
    """
    with start_program(core, source) as program:
        eventually("it publishes", lambda: core.own)
        program.send_signal(signal.SIGTERM)
        out, errors = program.communicate(timeout=60)
    assert (program.returncode, out, errors) == (0, "ended\n", "")


def test_a_program_that_is_killed_gets_its_event_again(core: FakeCore) -> None:
    core.put(record(1))
    source = """
        import sys, time
        from hedgerow import Component
        component = Component()

        @component.handler
        def handle(event):
            if event.attempt == 0:
                print("working", flush=True)
                time.sleep(60)
            return component.reading("out", {"attempt": event.attempt})

        component.run()
    """
    with start_program(core, source) as program:
        assert program.stdout is not None and program.stdout.readline() == "working\n"
        program.kill()
    assert not core.published
    with start_program(core, source) as program:
        eventually("it is handled", lambda: core.published)
        program.terminate()
        assert program.wait(60) == 0
    assert [message.reading.values["attempt"].integer_value for message in core.published] == [1]


# Publishing


def test_messages_of_its_own_are_stored_once(core: FakeCore) -> None:
    with component(core) as made:
        assert made.publish("own", {"temperature": 1.0}, units={"temperature": "°C"})
        assert not made.publish("nowhere/at/all", {"temperature": 2.0})
        assert (
            made.publish_all([made.reading("own", {"temperature": 3.0}, time=5), made.payload("own", b"x")]) == 0
        )
    [stored] = core.own.values()
    assert [message.topic for message in stored] == ["own", "nowhere/at/all", "own", "own"]
    assert [request.first_sequence for request in core.publish_requests] == [1, 2, 3]
    assert abs(stored[0].time.seconds - time.time()) < 3_600 and stored[2].time.seconds == 5
    with pytest.raises(hedgerow.ClosedError):
        made.publish("own", {"v": 1.0})


def test_an_answer_that_was_lost_does_not_store_twice(core: FakeCore) -> None:
    lost: list[int] = []

    def lose(context: grpc.ServicerContext) -> None:
        if len(lost) < 2:
            lost.append(1)
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    core.after_publish = lose
    with component(core) as made:
        made.publish("own", {"temperature": 1.0})
        made.publish("own", {"temperature": 2.0})
    [stored] = core.own.values()
    assert temperatures(stored) == [1, 2] and len(lost) == 2
    assert [request.first_sequence for request in core.publish_requests] == [1, 1, 1, 2]


def test_what_was_not_answered_in_time_goes_again_first(core: FakeCore) -> None:
    with component(core) as made:
        core.after_publish = lambda context: context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        with pytest.raises(hedgerow.NotAcknowledgedError, match=r"within 0\.2 s"):
            made.publish("own", {"temperature": 1.0}, timeout=0.2)
        core.after_publish = lambda context: None
        made.publish("own", {"temperature": 2.0})
    [stored] = core.own.values()
    assert temperatures(stored) == [1, 2]


def test_a_full_stream_is_waited_for(core: FakeCore) -> None:
    tries: list[int] = []

    def full(request: component_pb2.PublishRequest, context: grpc.ServicerContext) -> None:
        tries.append(1)
        if len(tries) < 3:
            refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL", "The stream is full.", retry=0.05)

    core.before_publish = full
    with component(core) as made:
        made.publish("own", {"temperature": 1.0})
        assert len(tries) == 3
        tries.clear()
        with pytest.raises(hedgerow.BufferFullError, match="full"):
            made.publish("own", {"temperature": 2.0}, timeout=0.01)
        tries.extend([1, 1])
        made.publish("own", {"temperature": 3.0})
    [stored] = core.own.values()
    # What was refused used up no sequence, and does not come later.
    assert temperatures(stored) == [1, 3]


def test_what_can_never_be_accepted_is_told_and_does_not_stall_what_follows(core: FakeCore) -> None:
    def check(request: component_pb2.PublishRequest, context: grpc.ServicerContext) -> None:
        if request.messages[0].topic == "forbidden":
            refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "TOPIC_NOT_ALLOWED", "Not this topic.")

    core.before_publish = check
    with component(core) as made:
        with pytest.raises(hedgerow.MessageRejectedError, match="Not this topic") as refused:
            made.publish("forbidden", {"temperature": 1.0})
        assert refused.value.reason == "TOPIC_NOT_ALLOWED"
        with pytest.raises(hedgerow.InvalidMessageError, match="wildcard"):
            made.publish("a/#", {"temperature": 1.0})
        made.publish("own", {"temperature": 2.0})
    [stored] = core.own.values()
    assert temperatures(stored) == [2]


def test_qos_0_is_not_sent_again(core: FakeCore) -> None:
    with component(core) as made:
        made.publish("own", {"temperature": 1.0}, qos=0)
        core.after_publish = lambda context: context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        with pytest.raises(hedgerow.NotAcknowledgedError):
            made.publish("own", {"temperature": 2.0}, qos=0)
        core.after_publish = lambda context: None
        made.publish("own", {"temperature": 3.0})
    [stored] = core.own.values()
    assert temperatures(stored) == [1, 2, 3]
    assert [request.first_sequence for request in core.publish_requests] == [0, 0, 1]


def test_a_core_that_forgot_an_epoch_gets_a_new_one(core: FakeCore) -> None:
    """As after a core's database was replaced."""
    with component(core) as made:
        made.publish("own", {"temperature": 1.0})
        core.sequences.clear()
        made.publish("own", {"temperature": 2.0})
        made.publish("own", {"temperature": 3.0})
    assert [temperatures(stored) for stored in core.own.values()] == [[1], [2, 3]]


def test_many_messages_are_divided_over_requests(core: FakeCore) -> None:
    with component(core) as made:
        made.publish_all([made.reading("own", {"v": 1.0})] * 2_500)
        made.publish_all([made.payload("own", bytes(900_000))] * 6)
    assert [len(request.messages) for request in core.publish_requests] == [1_000, 1_000, 500, 4, 2]
    assert [request.first_sequence for request in core.publish_requests] == [1, 1_001, 2_001, 2_501, 2_505]


def test_threads_may_publish_at_once(core: FakeCore) -> None:
    with component(core) as made:
        threads = [
            threading.Thread(target=lambda: [made.publish("own", {"v": 1.0}) for _ in range(20)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    [stored] = core.own.values()
    assert len(stored) == 80


# Configuration, health and the rest


def test_a_new_configuration_comes_between_two_events(core: FakeCore) -> None:
    made = component(core)
    heard: list[dict[str, Any]] = []
    seen: list[int] = []

    @made.on_configuration
    def configured(configuration: dict[str, Any]) -> None:
        assert made.configuration == configuration
        heard.append(configuration)
        if len(heard) == 1:
            raise RuntimeError("the program goes on all the same")

    @made.handler
    def handle(event: ComponentEvent) -> None:
        seen.append(made.configuration.get("version", 0))

    core.put(record(1))
    with running(made):
        eventually("one is handled", lambda: seen)
        core.configure({"version": 2})
        eventually("it is told", lambda: heard)
        core.put(record(2))
        eventually("two are handled", lambda: len(seen) == 2)
        core.stop()
        core.start()
        eventually("it watches again", lambda: core.configurations)
        core.configure({"version": 3})
        eventually("it is told", lambda: len(heard) == 2)
    # That of the start is no change.
    assert heard == [{"version": 2}, {"version": 3}] and seen == [0, 2]


def test_a_program_says_that_it_is_ready_and_well(core: FakeCore) -> None:
    core.info.health_interval.FromMilliseconds(100)
    with component(core) as made:
        eventually("it reports by itself", lambda: len(core.health) >= 3)
        assert all(report.healthy and not report.reason for report in core.health)
        made.report_health(False, "ä" * 200)
        count = len(core.health)
        eventually("it repeats that", lambda: len(core.health) >= count + 2)
        assert not core.health[-1].healthy and core.health[-1].reason == "ä" * 128
        made.report_health(True)
        assert core.health[-1].healthy


def test_a_loop_that_is_stuck_reports_no_health(core: FakeCore, caplog: pytest.LogCaptureFixture) -> None:
    core.info.health_interval.FromMilliseconds(20)
    core.info.handler_timeout.FromMilliseconds(20)
    core.put(record(1))
    made = component(core)
    may_go_on = threading.Event()

    @made.handler
    def handle(event: ComponentEvent) -> None:
        assert may_go_on.wait(60)

    def times_left_out() -> int:
        return caplog.text.count("no health is reported")

    with running(made):
        eventually("it is stuck", lambda: times_left_out() >= 1)
        count = len(core.health)
        # Each of these would have been a report.
        eventually("it stays so", lambda: times_left_out() >= 10)
        assert len(core.health) == count
        may_go_on.set()
        eventually("it reports again", lambda: len(core.health) > count)


def test_health_reports_can_be_left_to_the_program(core: FakeCore) -> None:
    with component(core, automatic_health=False) as made:
        made.publish("own", {"v": 1.0})
        assert not core.health
        made.report_health(True)
        assert len(core.health) == 1


def test_an_update_waits_for_a_block(core: FakeCore) -> None:
    with component(core) as made:
        with made.defer_update(60, "mid-print") as deferral:
            assert deferral.until == datetime.fromtimestamp(1_700_000_060, UTC) and deferral.update_waiting
            deferral.extend(90, "still")
        with pytest.raises(hedgerow.HedgerowError) as refused:
            made.defer_update(3_600, "for ever")
        assert refused.value.reason == "QUOTA_EXCEEDED"
    assert [(request.defer.seconds, request.reason) for request in core.deferrals] == [
        (60, "mid-print"),
        (90, "still"),
        (0, ""),
    ]


def test_secrets_are_for_those_that_ask_in_the_recipe(core: FakeCore) -> None:
    with component(core) as made:
        assert made.secret("weather-key") == b"s3cret"
        with pytest.raises(hedgerow.HedgerowError) as refused:
            made.secret("other")
        assert refused.value.reason == "NOT_YOUR_RESOURCE"


def test_streams_are_read_from_place_to_place(core: FakeCore) -> None:
    def add(*numbers: int) -> None:
        for number in numbers:
            message = stream_pb2.StreamMessage(position=stream_pb2.StreamPosition(epoch=EPOCH, sequence=number))
            if number == 4:
                message.lost.sequences = 1
            else:
                message.record.CopyFrom(record(number))
            core.stream.append(message)

    add(1, 2, 3, 4, 5)
    with component(core) as made:
        reader = made.read_stream("raw", page_size=2)
        assert next(reader).sequence == 1
        place = reader.place
        # Accounts of lost messages are left out.
        assert [found.sequence for found in reader] == [2, 3, 5]
        assert list(reader) == []
        add(6)
        assert [found.sequence for found in reader] == [6]
        assert [found.sequence for found in made.read_stream("raw", place=place)] == [2, 3, 5, 6]
        with pytest.raises(hedgerow.HedgerowError, match="No subscription leads there"):
            list(made.read_stream("other"))
        with pytest.raises(hedgerow.InvalidConfigurationError, match="no place"):
            made.read_stream("raw", place="nonsense")


def test_causes_are_bounded(capfd: pytest.CaptureFixture[str]) -> None:
    causes = Causes()
    for number in range(150):
        try:
            exec(compile(f"{chr(10) * number}raise ValueError('once')", "made.py", "exec"))
        except ValueError as error:
            assert causes.report(error) == (number < 100)
    assert capfd.readouterr().err.count("ValueError: once") == 100


# The command line for shells


def run_module(core: FakeCore, *arguments: str, lines: str = "") -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "HEDGEROW_SOCKET": str(core.socket), "HEDGEROW_TOKEN": TOKEN}
    return subprocess.run(
        [sys.executable, "-m", "hedgerow", *arguments],
        env=variables,
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_shell_publishes(core: FakeCore) -> None:
    values = [
        "--value",
        "one=0.25",
        "--value",
        "n=3",
        "--value",
        "ok=true",
        "--text",
        "code=007",
        "--unit",
        "one=%",
    ]
    assert run_module(core, "publish", "hosts/load", *values).returncode == 0
    lines = "hosts/load one=0.5\n\nhosts/# one=1\nhosts/name name='a b'\nhosts/load one\n"
    done = run_module(core, "publish", "--lines", lines=lines)
    assert done.returncode == 0 and done.stderr.count("\n") == 2 and "wildcard" in done.stderr
    assert run_module(core, "publish", "hosts/raw", "--payload", "@-", lines="bytes").returncode == 0
    stored = [message for messages in core.own.values() for message in messages]
    first = stored[0].reading
    assert first.values["one"].double_value == 0.25 and first.units["one"] == "%"
    assert first.values["n"].integer_value == 3 and first.values["ok"].bool_value
    assert first.values["code"].string_value == "007"
    assert stored[1].reading.values["one"].double_value == 0.5
    assert stored[2].reading.values["name"].string_value == "a b"
    assert stored[3].payload.data == b"bytes"
    # A process, an epoch.
    assert len(core.own) == 3


def test_a_shell_reads_what_it_runs_with(core: FakeCore) -> None:
    assert run_module(core, "configuration", "/limits/high").stdout == "80.5\n"
    assert (
        run_module(core, "configuration").stdout == '{"limits": {"count": 3, "high": 80.5}, "names": ["a", 1]}\n'
    )
    assert run_module(core, "secret", "weather-key").stdout == "s3cret"
    assert run_module(core, "health", "--bad", "no pump").returncode == 0
    assert core.health[-1].reason == "no pump"
    missing = run_module(core, "configuration", "/limits/low")
    assert (missing.returncode, missing.stderr) == (2, "hedgerow: The configuration has no '/limits/low'.\n")
    refused = run_module(core, "secret", "other")
    assert refused.returncode == 1 and refused.stderr.startswith("hedgerow: NOT_YOUR_RESOURCE")


@pytest.mark.parametrize("text, value", [("true", True), ("3", 3), ("0.5", 0.5), ("1e3", 1_000.0), ("x", "x")])
def test_values_are_read_as_the_command_line_reads_them(text: str, value: object) -> None:
    from hedgerow.__main__ import parsed

    found = parsed(text)
    assert found == value and type(found) is type(value)
