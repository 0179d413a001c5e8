"""The trace that a message goes on with, given or taken from OpenTelemetry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from fleet import Fleet, eventually
from opentelemetry import trace

import hedgerow
from hedgerow import _tracing as tracing
from hedgerow._buffer import Limits
from hedgerow._messages import failure, outgoing
from hedgerow._packer import pack, plain

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
UNSAMPLED = PARENT[:-1] + "0"


def span(sampled: bool = True) -> trace.Span:
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if sampled else trace.TraceFlags.DEFAULT)
    context = trace.SpanContext(int(TRACE, 16), 0xB7AD6B7169203331, is_remote=False, trace_flags=flags)
    return trace.NonRecordingSpan(context)


def test_what_is_given_is_carried_and_beats_the_active_span() -> None:
    with trace.use_span(span()):
        assert outgoing("a/b", {"v": 1}, None, None, "", None).traceparent == PARENT
        other = PARENT.replace("b7ad", "1111")
        assert outgoing("a/b", {"v": 1}, None, None, "", other).traceparent == other
        assert outgoing("a/b", {"v": 1}, None, None, "", "").traceparent == ""
        assert outgoing("a/b", b"x", None, None, "text/plain", None).traceparent == PARENT
        assert failure("a/b", "no sensor", None).traceparent == PARENT
        assert tracing.metadata() == (("traceparent", PARENT),)
    assert outgoing("a/b", {"v": 1}, None, None, "", None).traceparent == ""
    assert tracing.metadata() == ()


def test_a_trace_that_is_not_sampled_is_not_carried() -> None:
    with trace.use_span(span(sampled=False)):
        assert tracing.current() == ""
    assert outgoing("a/b", {"v": 1}, None, None, "", UNSAMPLED).traceparent == ""


@pytest.mark.parametrize(
    "text",
    [
        "x",
        PARENT.upper(),
        PARENT + "-00",
        PARENT.replace("00-", "01-", 1),
        PARENT.replace(TRACE, "0" * 32),
        PARENT.replace("b7ad6b7169203331", "0" * 16),
        PARENT + "\n",
    ],
)
def test_what_is_no_traceparent_is_refused(text: str) -> None:
    with pytest.raises(hedgerow.InvalidMessageError, match="traceparent"):
        outgoing("a/b", {"v": 1}, None, None, "", text)


def test_a_batch_names_the_rows_that_have_a_trace() -> None:
    messages = [
        outgoing("a/b", {"v": number}, None, None, "", PARENT if number in (1, 3) else "") for number in range(5)
    ]
    [publication] = pack(messages, 1, Limits())
    assert [(entry.row, entry.traceparent) for entry in publication.batch.traces] == [(1, PARENT), (3, PARENT)]
    assert publication.ByteSize() <= sum(message.cost for message in messages)
    assert plain(messages[1]).traceparent == PARENT
    failed = failure("a/b", "no sensor", None, PARENT)
    [publication] = pack([failed], 1, Limits())
    assert publication.message.traceparent == PARENT


def test_opentelemetry_is_not_needed() -> None:
    script = "import sys; sys.modules['opentelemetry'] = None; import hedgerow._tracing as t; print([t.current()])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "['']\n"


def test_a_trace_reaches_the_history(fleet: Fleet, new_thing: Callable[[], str]) -> None:
    name = new_thing()
    with fleet.thing(name) as thing:
        thing.publish(f"{name}/readings", {"v": 1})
        with trace.use_span(span()):
            thing.publish(f"{name}/readings", {"v": 2})
        thing.publish_failure(f"{name}/readings", "no sensor", traceparent=PARENT)
    with fleet.client() as cloud:
        eventually("all are stored", lambda: cloud.ledger(name).received == 3)
        with trace.use_span(span()):
            records = list(cloud.query(thing=name))
    # Spans on the way may stand between: the trace is the same, its newest span need not be.
    traces = [record.traceparent[3:35] for record in reversed(records)]
    assert traces == ["", TRACE, TRACE]
