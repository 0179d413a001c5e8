"""Components in Python on a real core, deployed from a real cloud."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from fleet import REPOSITORY, Fleet, eventually, running

import hedgerow

COUNT = 60

GROUP = """
kind: Group
name: hall
cores: [core-1]
things: [bme680-1, bme680-2]
components:
  - {name: echo, version: ^1.0}
  - {name: plain, version: ^1.0}
  - {name: probe, version: ^1.0}
  - {name: source, version: ^1.0}
subscriptions:
  - {from: thing:bme680-1, topic: bme680-1/readings, to: component:echo}
  - {from: component:echo, topic: out, to: cloud}
  - {from: component:echo, topic: $dead-letter/echo, to: cloud}
  - {from: thing:bme680-2, topic: bme680-2/readings, to: component:plain}
  - {from: component:plain, topic: republish/reading, to: cloud}
  - {from: component:probe, topic: probe, to: stream:kept}
  - {from: component:probe, topic: probe/result, to: cloud}
  - {from: component:source, topic: own/+, to: cloud, via: own}
streams:
  own: {priority: 1}
  kept: {exports: [{directory: kept}]}
"""

# That of docs/component-api.md.
PLAIN = REPOSITORY / "Examples" / "python" / "plain_component.py"

ECHO = """
import os
from hedgerow import Component
component = Component()

@component.handler
def handle(event):
    if event.values["number"] == 13:
        raise ValueError("unlucky")
    values = {**event.values, "topic": event.topic, "pid": os.getpid(), "high": component.configuration["high"]}
    return component.reading("out", values, units=event.units)

component.run()
"""

SOURCE = """
from hedgerow import Component
with Component() as component:
    number = 0
    while component.wait(0.05):
        number += 1
        component.publish("own/count", {"number": number})
"""

# What it asks of the core beside messages, and what became of it.
PROBE = """
import json
from hedgerow import Component, HedgerowError
with Component() as component:
    info = component.info
    found = {"instance": info.instance, "group": info.group, "core": info.core, "interval": info.health_interval}
    found["secrets"] = ",".join(info.secrets)
    component.report_health(True)
    with component.defer_update(30, "a test") as deferral:
        found["deferred"] = deferral.until is not None
        found["waits"] = deferral.update_waiting
    found["secret"] = component.secret("weather-key") == b"s3cret"
    for what, ask in {
        "foreign": lambda: component.secret("other"),
        "stream": lambda: list(component.read_stream("own")),
        "long": lambda: component.defer_update(3_600, "for ever"),
    }.items():
        try:
            ask()
        except HedgerowError as error:
            found[what] = error.reason
    found["read"] = False
    while not found["read"] and component.wait(0.05):
        # More than a page. The stream's export takes them away meanwhile.
        component.publish_all([component.reading("probe", {"number": number}) for number in range(250)])
        found["read"] = any(record.topic == "probe" for record in component.read_stream("kept"))
    found["routed"] = component.publish("nowhere", {"v": 1})
    component.publish("probe/result", {name: value for name, value in found.items() if value is not None})
    while component.wait(60):
        pass
"""


def pack() -> ModuleType:
    path = REPOSITORY / "Examples" / "python-environment" / "pack.py"
    spec = importlib.util.spec_from_file_location("example_pack", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def push(
    fleet: Fleet, name: str, source: str, extra: str = "", packages: Path | None = None, process: str = ""
) -> None:
    """Registers a component whose program runs with the interpreter of the tests, so that nothing is installed."""
    packages = packages or Path(hedgerow.__file__).parent.parent
    directory = fleet.directory / f"component-{name}"
    directory.mkdir()
    (directory / f"{name}.py").write_text(source)
    recipe = directory / "recipe.yaml"
    text = f"kind: Component\nname: {name}\nversion: 1.0.0\n{extra}process:\n"
    text += f"  run: ['{sys.executable}', {name}.py]\n  sandbox: none\n  settle: 1s\n"
    text += f"  environment: {{PYTHONPATH: '{packages}'}}\n"
    text += process
    recipe.write_text(pack().with_artifacts(text, [directory / f"{name}.py"]))
    fleet.command("components", "push", str(recipe))


def stubs(directory: Path) -> Path:
    """The generated code alone, without the package that is installed."""
    generate = [sys.executable, REPOSITORY / "python" / "build_stubs.py", "--out", directory]
    subprocess.run(list(map(str, generate)), check=True, capture_output=True, timeout=60)
    (directory / "hedgerow" / "__init__.py").write_text("")
    return directory


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running(tmp_path_factory.mktemp("hall")) as fleet:
        fleet.start_cloud()
        fleet.client().close()
        fleet.register(cores=["core-1"], things=["bme680-1", "bme680-2"])
        push(fleet, "echo", ECHO, "configuration: {high: 80.5}\n")
        push(fleet, "source", SOURCE)
        push(fleet, "probe", PROBE, process="  secrets: [weather-key]\n  health: {report: true, interval: 10s}\n")
        push(fleet, "plain", PLAIN.read_text(), packages=stubs(fleet.directory / "stubs"))
        fleet.apply(GROUP)
        fleet.set_secret("hall", "weather-key", b"s3cret")
        fleet.start_core("core-1", wait=False)
        fleet.deploy("hall")
        fleet.wait_until_listening("core-1")
        yield fleet


def outputs(fleet: Fleet) -> list[hedgerow.Record]:
    with fleet.client() as cloud:
        return list(cloud.query(thing="bme680-1", topic="out"))


def program(fleet: Fleet, name: str) -> int | None:
    """The process of a component of the fleet's core: the one that works in its directory."""
    place = str(fleet.directory / "core-1" / "programs" / name / "files")
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdecimal() and os.readlink(process / "cwd").startswith(place):
                return int(process.name)
    return None


def test_outputs_of_a_handler_reach_the_history_once(hall: Fleet) -> None:
    """The program and the core are killed meanwhile."""
    with hall.thing("bme680-1") as thing:
        for number in range(1, COUNT + 1):
            thing.publish("bme680-1/readings", {"number": number}, units={"number": "1"})
            if number == COUNT // 3:
                thing.flush()
                os.kill(eventually("it runs", lambda: program(hall, "echo")), signal.SIGKILL)
            if number == 2 * COUNT // 3:
                thing.flush()
                hall.kill("core-1")
                hall.start_core("core-1")
    wanted = [number for number in range(1, COUNT + 1) if number != 13]
    eventually("everything is there", lambda: len(outputs(hall)) >= len(wanted), within=90)
    found = outputs(hall)
    assert sorted(int(record.values["number"]) for record in found) == wanted
    first = found[0]
    assert (
        first.values["topic"] == "bme680-1/readings"
        and first.values["high"] == 80.5
        and first.units == {"number": "1"}
    )
    assert (first.component_instance, first.component, first.component_version) == ("echo", "echo", "1.0.0")


def test_a_failure_is_a_dead_letter(hall: Fleet) -> None:
    def letters() -> list[hedgerow.Record]:
        with hall.client() as cloud:
            return list(cloud.query(thing="bme680-1", topic="$dead-letter/echo"))

    [letter] = eventually("it is there", letters)
    assert letter.status == "not-processed" and "ValueError: unlucky" in letter.status_reason
    assert letter.values["number"] == 13


def test_messages_of_its_own_are_in_the_history(hall: Fleet) -> None:
    def numbers() -> list[int]:
        """By program: each start begins anew."""
        with hall.client() as cloud:
            return [int(record.values["number"]) for record in cloud.query(topic="own/count")]

    eventually("some are there", lambda: 40 in numbers(), within=60)
    # The core was restarted once, and the program with it.
    assert max(numbers().count(number) for number in range(1, 11)) <= 2


def test_a_component_needs_no_package_of_ours(hall: Fleet) -> None:
    """Plain grpcio, from the documentation."""
    with hall.thing("bme680-2") as thing:
        for number in (1, 2, 3):
            thing.publish("bme680-2/readings", {"number": number})

    def found() -> list[hedgerow.Record]:
        with hall.client() as cloud:
            records = list(cloud.query(thing="bme680-2", topic="republish/reading"))
            return records if len(records) >= 3 else []

    records = eventually("all are there", found)
    assert sorted(int(record.values["number"]) for record in records) == [1, 2, 3]
    assert {record.values["topic"] for record in records} == {"bme680-2/readings"}
    assert {record.component_instance for record in records} == {"plain"}


def test_what_else_a_component_may_ask_its_core(hall: Fleet) -> None:
    def found() -> list[hedgerow.Record]:
        with hall.client() as cloud:
            return list(cloud.query(topic="probe/result"))

    values = eventually("it is there", found)[-1].values
    assert values == {
        "instance": "probe",
        "group": "hall",
        "core": "core-1",
        "interval": 10.0,
        "secrets": "weather-key",
        "deferred": True,
        "waits": False,
        "secret": True,
        "foreign": "NOT_YOUR_RESOURCE",
        "stream": "NOT_YOUR_RESOURCE",
        "long": "QUOTA_EXCEEDED",
        "read": True,
        "routed": False,
    }
