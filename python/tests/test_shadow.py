"""Shadows from programs against a core of the tests' own, over a real Unix socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from fake_core import TOKEN, FakeCore, refuse
from fleet import eventually

import hedgerow
from hedgerow import KEEP, Component, Shadow
from hedgerow._shadow import Watches
from hedgerow._shadow_link import ConnectionLink
from hedgerow._wire import dial_core


@pytest.fixture
def core(tmp_path: Path) -> Iterator[FakeCore]:
    core = FakeCore(tmp_path)
    core.start()
    yield core
    core.stop()


def component(core: FakeCore, patience: float = 30) -> Component:
    return Component(socket=str(core.socket), token=TOKEN, patience=patience)


@pytest.fixture
def shadow(core: FakeCore) -> Iterator[Shadow]:
    with component(core) as made:
        yield made.shadow("bme680-1")


def lose_answers(core: FakeCore, method: str, count: int = 1) -> None:
    """The next answers are lost behind what was done."""
    left = [count]

    def after(what: str, context: grpc.ServicerContext) -> None:
        if what == method and left[0]:
            left[0] -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "lost")

    core.shadows.after = after


# Documents


def test_a_shadow_that_is_not_there_is_none(shadow: Shadow) -> None:
    assert shadow.get() is None
    with pytest.raises(hedgerow.ShadowNotFoundError) as missing:
        shadow.delete()
    assert missing.value.reason == "SHADOW_NOT_FOUND" and missing.value.code is grpc.StatusCode.NOT_FOUND


def test_what_was_reported_and_desired_comes_back(core: FakeCore, shadow: Shadow) -> None:
    first = shadow.report({"temperature": 21.5, "count": 3, "fan": {"on": False}})
    assert (first.version, first.delta) == (1, {})
    second = shadow.desire({"fan": {"on": True}, "name": "Halle µ"})
    assert (second.version, second.delta) == (2, {"fan": {"on": True}, "name": "Halle µ"})
    document = shadow.get()
    assert document is not None
    assert document.reported == {"temperature": 21.5, "count": 3, "fan": {"on": False}}
    assert document.desired == {"fan": {"on": True}, "name": "Halle µ"}
    assert document.delta == second.delta and document.version == 2
    assert isinstance(document.reported["count"], int) and isinstance(document.reported["temperature"], float)
    assert document.update_time.tzinfo is not None
    assert set(document.metadata["reported"]["fan"]) == {"on"}
    assert (document.thing, document.name) == ("bme680-1", "")


def test_a_member_that_is_none_goes_and_so_does_a_section(shadow: Shadow) -> None:
    shadow.update(desired={"a": 1}, reported={"a": 1, "b": 2})
    shadow.report({"b": None})
    document = shadow.get()
    assert document is not None and document.reported == {"a": 1} and document.desired == {"a": 1}
    shadow.update(desired=None, reported=KEEP)
    document = shadow.get()
    assert document is not None and document.reported == {"a": 1} and document.desired == {}


def test_named_shadows_are_shadows_of_their_own(core: FakeCore) -> None:
    with component(core) as made:
        made.shadow("bme680-1", "env").report({"a": 1})
        assert made.shadow("bme680-1").get() is None
        assert repr(made.shadow("bme680-1", "env")) == "<Shadow bme680-1/env>"
    assert core.shadows.states == {("bme680-1", "env"): {"reported": {"a": 1}}}


def test_names_are_checked_before_anybody_is_asked(core: FakeCore) -> None:
    with component(core) as made:
        for thing, name in (("", ""), ("a/b", ""), ("a", "x y"), ("a", "x" * 65)):
            with pytest.raises(hedgerow.InvalidConfigurationError):
                made.shadow(thing, name)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes", object()])
def test_what_is_no_json_is_refused_here(core: FakeCore, shadow: Shadow, value: object) -> None:
    with pytest.raises(hedgerow.InvalidShadowError, match="no JSON"):
        shadow.report({"a": value})
    assert not core.shadows.reports


# Conditions


def test_a_version_has_to_be_that_of_the_shadow(shadow: Shadow) -> None:
    assert shadow.update(reported={"a": 1}, version=1).version == 1
    assert shadow.update(reported={"a": 2}, version=1).version == 2
    with pytest.raises(hedgerow.ShadowConflictError) as conflict:
        shadow.update(reported={"a": 3}, version=1)
    assert conflict.value.reason == "SHADOW_VERSION_CONFLICT" and not conflict.value.repeated
    with pytest.raises(hedgerow.ShadowConflictError):
        shadow.delete(version=1)
    shadow.delete(version=2)
    assert shadow.get() is None


def test_a_condition_has_to_be_true(shadow: Shadow) -> None:
    shadow.report({"temperature": 20})
    condition = "state.reported.temperature < 30.0"
    shadow.update(desired={"heat": True}, condition=condition)
    shadow.report({"temperature": 31})
    with pytest.raises(hedgerow.ShadowConflictError) as conflict:
        shadow.update(desired={"heat": True}, condition=condition)
    assert conflict.value.reason == "SHADOW_CONDITION_FALSE"
    with pytest.raises(hedgerow.InvalidShadowError) as wrong:
        shadow.update(desired={"heat": True}, condition="state.reported.")
    assert wrong.value.reason == "INVALID_EXPRESSION"


def test_errors_are_told_apart(core: FakeCore, shadow: Shadow) -> None:
    with pytest.raises(hedgerow.ShadowTooLargeError):
        shadow.report({"a": "x" * 40_000})
    core.shadows.forbidden.add("bme680-1")
    with pytest.raises(hedgerow.HedgerowError) as forbidden:
        shadow.get()
    assert forbidden.value.reason == "NOT_YOUR_RESOURCE" and not isinstance(
        forbidden.value, hedgerow.ShadowError
    )
    core.shadows.before = lambda method, context: refuse(
        context, grpc.StatusCode.FAILED_PRECONDITION, "SHADOW_AT_HOME_CORE", "Another core has it."
    )
    with pytest.raises(hedgerow.ShadowAtHomeCoreError) as elsewhere:
        shadow.get()
    assert elsewhere.value.core == ""


# Attempts


def test_a_core_that_restarts_is_no_error(core: FakeCore, shadow: Shadow) -> None:
    shadow.report({"a": 1})
    core.stop()
    answers: list[hedgerow.ShadowUpdate] = []
    writer = threading.Thread(target=lambda: answers.append(shadow.report({"a": 2})))
    writer.start()
    core.start()
    writer.join(60)
    assert [answer.version for answer in answers] == [2]


def test_a_core_that_stays_away_is_one(core: FakeCore) -> None:
    with component(core, patience=1) as made:
        made.shadow("bme680-1").report({"a": 1})
        core.stop()
        with pytest.raises(hedgerow.HedgerowError) as away:
            made.shadow("bme680-1").get()
    assert away.value.is_unreachable


def test_an_update_whose_answer_was_lost_is_repeated(core: FakeCore, shadow: Shadow) -> None:
    lose_answers(core, "update")
    assert shadow.report({"a": 1}).version == 2
    assert len(core.shadows.reports) == 2


def test_a_conflict_with_oneself_says_so(core: FakeCore, shadow: Shadow) -> None:
    shadow.report({"a": 1})
    lose_answers(core, "update")
    with pytest.raises(hedgerow.ShadowConflictError) as conflict:
        shadow.update(reported={"a": 2}, version=1)
    assert conflict.value.repeated
    assert core.shadows.states["bme680-1", ""] == {"reported": {"a": 2}}


def test_a_deletion_whose_answer_was_lost_is_done(core: FakeCore, shadow: Shadow) -> None:
    shadow.report({"a": 1})
    lose_answers(core, "delete")
    shadow.delete()
    assert not core.shadows.states


def test_too_many_requests_are_asked_again(core: FakeCore, shadow: Shadow) -> None:
    refused = [0]

    def before(method: str, context: grpc.ServicerContext) -> None:
        if refused[0] < 2:
            refused[0] += 1
            refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS", "Later.", 0.01)

    core.shadows.before = before
    assert shadow.update(reported={"a": 1}, version=1).version == 1
    assert refused == [2]


# Watching


def kinds(events: list[hedgerow.ShadowEvent]) -> list[tuple[str, int]]:
    return [(event.kind, event.version) for event in events]


def take(watch: hedgerow.ShadowWatch, count: int) -> list[hedgerow.ShadowEvent]:
    return [next(watch) for _ in range(count)]


def test_a_watch_begins_with_the_shadow_as_it_is(shadow: Shadow) -> None:
    shadow.report({"a": 1})
    with shadow.watch() as watch:
        [current] = take(watch, 1)
        assert (current.kind, current.version, current.state) == ("current", 1, {"reported": {"a": 1}})
        shadow.desire({"a": 2})
        events = take(watch, 3)
        assert watch.is_caught_up
    assert kinds(events) == [("accepted", 2), ("documents", 2), ("delta", 2)]
    assert [event.state for event in events] == [
        {"desired": {"a": 2}},
        {"reported": {"a": 1}, "desired": {"a": 2}},
        {"a": 2},
    ]
    assert [event.delta for event in events] == [{}, {}, {"a": 2}]
    with shadow.watch(kinds=["delta"]) as again:
        assert take(again, 1)[0].delta == {"a": 2}
    assert list(watch) == []


def test_a_watch_begins_behind_a_version_or_a_position(shadow: Shadow) -> None:
    for number in range(1, 4):
        shadow.update(reported={"a": number}, client_token=f"t{number}")
    with shadow.watch(after=1, kinds=["accepted"]) as watch:
        events = take(watch, 2)
        assert kinds(events) == [("accepted", 2), ("accepted", 3)]
        assert events[0].document["clientToken"] == "t2"
    with shadow.watch(after=events[0].position, kinds=["accepted"]) as later:
        assert kinds(take(later, 1)) == [("accepted", 3)]
    with pytest.raises(hedgerow.InvalidConfigurationError):
        shadow.watch(after=-1)
    with pytest.raises(hedgerow.InvalidConfigurationError):
        shadow.watch(after=1, all_names=True)
    with pytest.raises(hedgerow.InvalidShadowError, match="no kind"):
        shadow.watch(kinds=["gone"])  # type: ignore[list-item]


def test_a_watch_goes_on_where_it_was_when_the_core_restarts(core: FakeCore, shadow: Shadow) -> None:
    seen: list[hedgerow.ShadowEvent] = []
    core.shadows.set("bme680-1", reported={"a": 0})
    watch = shadow.watch(kinds=["accepted"])
    assert kinds(take(watch, 1)) == [("current", 1)]
    reader = threading.Thread(target=lambda: seen.extend(take(watch, 30)))
    reader.start()
    for number in range(1, 31):
        if number % 10 == 0:
            core.stop()
        # Every tenth while nobody serves.
        core.shadows.set("bme680-1", reported={"a": number})
        if number % 10 == 0:
            core.start()
    reader.join(60)
    assert [event.state["reported"]["a"] for event in seen] == list(range(1, 31))
    assert watch.position == seen[-1].position
    watch.close()
    assert len(core.shadows.watches) > 1


def test_what_is_not_kept_is_said_to_be_skipped(core: FakeCore, shadow: Shadow) -> None:
    core.shadows.set("bme680-1", reported={"a": 1})
    with shadow.watch(kinds=["accepted"]) as watch:
        assert kinds(take(watch, 1)) == [("current", 1)]
        core.stop()
        core.shadows.kept = 2
        for number in range(2, 12):
            core.shadows.set("bme680-1", reported={"a": number})
        core.start()
        events = take(watch, 2)
        assert kinds(events) == [("skipped", 0), ("current", 11)]
        assert events[1].state == {"reported": {"a": 11}}
        core.shadows.set("bme680-1", reported={"a": 12})
        assert kinds(take(watch, 1)) == [("accepted", 12)]


def test_all_shadows_of_a_thing(core: FakeCore, shadow: Shadow) -> None:
    core.shadows.set("bme680-1", "env", reported={"a": 1})
    core.shadows.set("other", reported={"a": 1})
    with shadow.watch(all_names=True, kinds=["accepted"]) as watch:
        assert take(watch, 1)[0].name == "env"
        core.shadows.set("bme680-1", reported={"a": 2})
        assert [(event.name, event.kind) for event in take(watch, 1)] == [("", "accepted")]


def test_a_watch_that_is_refused_says_why(core: FakeCore, shadow: Shadow) -> None:
    core.shadows.forbidden.add("bme680-1")
    with pytest.raises(hedgerow.HedgerowError) as refused:
        next(shadow.watch())
    assert refused.value.reason == "NOT_YOUR_RESOURCE"


def test_a_watch_gives_up_when_the_core_stays_away(core: FakeCore) -> None:
    with component(core, patience=1) as made:
        watch = made.shadow("bme680-1").watch()
        core.shadows.set("bme680-1", reported={"a": 1})
        take(watch, 1)
        core.stop()
        with pytest.raises(hedgerow.HedgerowError) as away:
            next(watch)
    assert away.value.is_unreachable


def test_a_watch_ends_when_the_program_is_to_end(core: FakeCore) -> None:
    with component(core) as made:
        watch = made.shadow("bme680-1").watch()
        seen: list[hedgerow.ShadowEvent] = []
        reader = threading.Thread(target=lambda: seen.extend(watch))
        reader.start()
        core.shadows.set("bme680-1", reported={"a": 1})
        eventually("it watches", lambda: seen)
        made.stop()
        reader.join(60)
        assert not reader.is_alive()
        assert list(made.shadow("bme680-1").watch()) == []


# A thing's line, over connections that come and go


@contextmanager
def connection(core: FakeCore, link: ConnectionLink) -> Iterator[None]:
    with dial_core(str(core.socket)) as channel:
        link.join(channel, "core-1")
        yield
        link.leave()


def test_a_call_waits_for_a_connection(core: FakeCore) -> None:
    core.shadows._authenticate = lambda context: None
    link = ConnectionLink()
    shadow = Shadow(link, "bme680-1", "", Watches())
    answers: list[hedgerow.ShadowUpdate] = []
    writer = threading.Thread(target=lambda: answers.append(shadow.report({"a": 1})))
    writer.start()
    with connection(core, link):
        writer.join(60)
    # It had not been sent before, so that it was not repeated.
    assert [answer.version for answer in answers] == [1] and len(core.shadows.reports) == 1


def test_a_watch_goes_on_over_the_next_connection(core: FakeCore) -> None:
    core.shadows._authenticate = lambda context: None
    link = ConnectionLink()
    watches = Watches()
    watch = Shadow(link, "bme680-1", "", watches).watch(kinds=["accepted"])
    seen: list[int] = []
    ended: list[BaseException] = []

    def read() -> None:
        try:
            seen.extend(event.state["reported"]["a"] for event in watch)
        except BaseException as error:
            ended.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 4):
        with connection(core, link):
            core.shadows.set("bme680-1", reported={"a": number})
            eventually(f"{number} is seen", lambda number=number: number in seen)  # type: ignore[misc]
    watches.end()
    reader.join(60)
    assert seen == [1, 2, 3] and not ended


def test_a_thing_that_has_ended_says_why() -> None:
    link = ConnectionLink()
    shadow = Shadow(link, "bme680-1", "", Watches())
    link.close(hedgerow.SupersededError("Another process took over."))
    link.close(hedgerow.ClosedError("The thing is closed."))
    with pytest.raises(hedgerow.SupersededError):
        shadow.get()
    with pytest.raises(hedgerow.SupersededError):
        next(shadow.watch())
    closed = ConnectionLink()
    closed.close(hedgerow.ClosedError("The thing is closed."))
    with pytest.raises(hedgerow.ClosedError):
        Shadow(closed, "bme680-1", "", Watches()).get()
