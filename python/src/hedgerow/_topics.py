"""Topics and topic filters by the rules of MQTT 3.1.1, section 4.7."""

from __future__ import annotations

from ._errors import InvalidMessageError

__all__ = ["check_filter", "check_topic"]

MAXIMUM_BYTES = 256
MAXIMUM_LEVELS = 8


def check_topic(topic: str) -> None:
    """Refuses what no server would take as the topic of a message.

    :raises InvalidMessageError: It is empty, too long, too deep, reserved (``$``), or has a wildcard or U+0000.
    """
    _check_text("topic", topic)
    if "+" in topic or "#" in topic:
        raise InvalidMessageError(f"The topic {_quoted(topic)} has a wildcard; only filters may have one.")
    if topic.startswith("$"):
        raise InvalidMessageError(f"The topic {_quoted(topic)} is reserved: it begins with $.")


def check_filter(topic_filter: str) -> None:
    """Refuses what is no topic filter.

    :raises InvalidMessageError: It is empty, too long, too deep, or has a misplaced wildcard or U+0000.
    """
    _check_text("filter", topic_filter)
    levels = topic_filter.split("/")
    for index, level in enumerate(levels):
        if "#" in level and (level != "#" or index != len(levels) - 1):
            raise InvalidMessageError(
                f"The filter {_quoted(topic_filter)} has # elsewhere than as its whole last level."
            )
        if "+" in level and level != "+":
            raise InvalidMessageError(f"The filter {_quoted(topic_filter)} has + beside other text in a level.")


def _check_text(what: str, text: str) -> None:
    if not isinstance(text, str):
        raise InvalidMessageError(f"A {what} is a str, not {type(text).__name__}.")
    if not text:
        raise InvalidMessageError(f"The {what} is empty.")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidMessageError(f"The {what} {_quoted(text)} is not valid Unicode.") from None
    if size > MAXIMUM_BYTES:
        raise InvalidMessageError(
            f"The {what} {_quoted(text)} has {size} bytes; at most {MAXIMUM_BYTES} are allowed."
        )
    levels = text.count("/") + 1
    if levels > MAXIMUM_LEVELS:
        raise InvalidMessageError(
            f"The {what} {_quoted(text)} has {levels} levels; at most {MAXIMUM_LEVELS} are allowed."
        )
    if "\0" in text:
        raise InvalidMessageError(f"The {what} {_quoted(text)} contains U+0000.")


def _quoted(text: str) -> str:
    return ascii(text[:60])
