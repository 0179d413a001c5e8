"""The trace that a message or a call belongs to (https://www.w3.org/TR/trace-context/).

OpenTelemetry is not needed. Where ``opentelemetry-api`` is installed, the span that is active counts.
"""

from __future__ import annotations

import re
from typing import Final

from ._errors import InvalidMessageError

try:
    from opentelemetry.trace import get_current_span as _current_span
except ImportError:
    _current_span = None  # type: ignore[assignment]

__all__ = ["checked", "current", "metadata"]

_TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
_SAMPLED: Final = 1


def current() -> str:
    """The ``traceparent`` of the active span; empty where there is none or it is not sampled."""
    if _current_span is None:
        return ""
    context = _current_span().get_span_context()
    if not context.is_valid or not context.trace_flags & _SAMPLED:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def checked(traceparent: str | None) -> str:
    """What a message carries: the given ``traceparent``, or that of the active span where none is given.

    Messages carry traces that are sampled; of another one, nothing is left.

    :raises InvalidMessageError: It is no ``traceparent`` of version 00.
    """
    if traceparent is None:
        return current()
    if not traceparent:
        return ""
    parts = _TRACEPARENT.fullmatch(traceparent)
    if parts is None:
        raise InvalidMessageError(
            f"The traceparent {traceparent[:100]!r} is not 00-TRACE-SPAN-FLAGS with 32, 16 and 2 hexadecimal digits in "
            "lower case, TRACE and SPAN not zero."
        )
    return traceparent if int(parts[1], 16) & _SAMPLED else ""


def metadata() -> tuple[tuple[str, str], ...]:
    """What a call carries."""
    traceparent = current()
    return (("traceparent", traceparent),) if traceparent else ()
