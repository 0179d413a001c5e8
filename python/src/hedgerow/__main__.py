"""``python3 -m hedgerow``: what a component that is a shell script needs of its core.

::

    python3 -m hedgerow publish hosts/load --value one=0.25 --unit uptime=s
    while sleep 10; do echo "hosts/load one=$(cut -d' ' -f1 /proc/loadavg)"; done | python3 -m hedgerow publish --lines
    python3 -m hedgerow configuration /limits/high
    python3 -m hedgerow secret weather-key
    python3 -m hedgerow health --bad "the pump does not answer"
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterable, Sequence
from typing import IO

from ._component import Component
from ._component_event import Message
from ._errors import HedgerowError, InvalidMessageError
from ._messages import Value

__all__ = ["line_message", "main", "parsed"]


def parsed(text: str) -> Value:
    """A value as it is written: true or false, a whole number, a number, else a text."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def line_message(line: str) -> Message:
    """The message of a line: a topic, and values as NAME=VALUE with blanks between them; quotes as in a shell.

    :raises InvalidMessageError: It is none.
    """
    try:
        topic, *values = shlex.split(line)
    except ValueError as error:
        raise InvalidMessageError(f"The line {line[:80]!r} is no TOPIC NAME=VALUE …: {error}") from None
    return Message.reading(topic, {name: parsed(value) for name, value in map(_pair, values)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit code, 2 where the arguments are wrong."""
    options = _parser().parse_args(arguments)
    try:
        with Component(automatic_health=False) as component:
            _perform(component, options)
    except InvalidMessageError as error:
        print(f"hedgerow: {error}", file=sys.stderr)
        return 2
    except HedgerowError as error:
        print(f"hedgerow: {error}", file=sys.stderr)
        return 1
    return 0


def _perform(component: Component, options: argparse.Namespace) -> None:
    match options.command:
        case "publish" if options.lines:
            _publish_lines(component, sys.stdin, options.timeout)
        case "publish":
            _publish(component, options)
        case "configuration":
            value = _member(component.configuration, options.pointer)
            print(json.dumps(value, ensure_ascii=False, sort_keys=True))
        case "secret":
            sys.stdout.buffer.write(component.secret(options.name))
        case "health":
            component.report_health(options.bad is None, options.bad or "")


def _publish(component: Component, options: argparse.Namespace) -> None:
    if not options.topic:
        raise InvalidMessageError("publish needs a topic, or --lines.")
    if options.payload is not None:
        data = sys.stdin.buffer.read() if options.payload == "@-" else options.payload.encode()
        component.publish(options.topic, data, content_type=options.content_type, timeout=options.timeout)
        return
    values: dict[str, Value] = {name: parsed(value) for name, value in map(_pair, options.value)}
    values.update(map(_pair, options.text))
    component.publish(options.topic, values, units=dict(map(_pair, options.unit)), timeout=options.timeout)


def _publish_lines(component: Component, lines: Iterable[str] | IO[str], timeout: float) -> None:
    for line in lines:
        if not line.strip():
            continue
        try:
            component.publish_all([line_message(line)], timeout=timeout)
        except InvalidMessageError as error:
            # The lines behind it are not held up.
            print(f"hedgerow: {error}", file=sys.stderr, flush=True)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise InvalidMessageError(f"{text!r} is not NAME=VALUE.")
    return name, value


def _member(value: object, pointer: str) -> object:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            raise InvalidMessageError(f"The configuration has no {pointer!r}.")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m hedgerow", description="Speak to the core that runs this program."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    publish = commands.add_parser("publish", help="publish a message, and return when the core has it")
    publish.add_argument("topic", nargs="?")
    publish.add_argument("--value", action="append", default=[], metavar="NAME=VALUE", help="a value of a reading")
    publish.add_argument(
        "--text", action="append", default=[], metavar="NAME=TEXT", help="a text value of a reading"
    )
    publish.add_argument("--unit", action="append", default=[], metavar="NAME=UNIT", help="the unit of a value")
    publish.add_argument("--payload", help="bytes in place of a reading; @- for standard input")
    publish.add_argument("--content-type", default="application/octet-stream", help="media type of the payload")
    publish.add_argument(
        "--lines", action="store_true", help="a message for each line TOPIC NAME=VALUE … of standard input"
    )
    publish.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS")
    configuration = commands.add_parser(
        "configuration", help="print the configuration, or a member of it, as JSON"
    )
    configuration.add_argument("pointer", nargs="?", default="", help="a JSON pointer, for example /limits/high")
    secret = commands.add_parser("secret", help="write a secret to standard output")
    secret.add_argument("name")
    health = commands.add_parser("health", help="tell the core that the program is well")
    health.add_argument("--bad", metavar="REASON", help="tell that it is not, and why")
    return parser


if __name__ == "__main__":
    sys.exit(main())
