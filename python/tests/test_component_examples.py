"""Every component in Examples, run as a core would run it, against a core of the tests' own."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.util
import json
import os
import random
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from fake_core import TOKEN, FakeCore, record
from fleet import PROGRAMS, REPOSITORY, eventually, free_port

from hedgerow import ComponentEvent
from hedgerow._inbox import Item
from hedgerow.component.v1 import component_pb2
from hedgerow.type.v1 import message_pb2

EXAMPLES = REPOSITORY / "Examples"
TRANSFORMS = [EXAMPLES / "republish" / "transform.yaml", EXAMPLES / "rain-predictor" / "report-readings.yaml"]
RECIPES = sorted([*EXAMPLES.rglob("recipe.yaml"), *TRANSFORMS])

if not EXAMPLES.is_dir():
    pytest.skip("the examples are in the repository only", allow_module_level=True)


@pytest.fixture
def core(tmp_path: Path) -> Iterator[FakeCore]:
    core = FakeCore(tmp_path)
    core.start()
    yield core
    core.stop()


@contextlib.contextmanager
def running(
    core: FakeCore, *command: object, directory: Path = EXAMPLES, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A component's program. It has to end well when it is asked to."""
    variables = {**os.environ, "HEDGEROW_SOCKET": str(core.socket), "HEDGEROW_TOKEN": TOKEN, **(environment or {})}
    program = subprocess.Popen(list(map(str, command)), cwd=directory, env=variables, start_new_session=True)
    try:
        yield program
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGTERM)
        assert program.wait(60) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait(60)


def python(
    core: FakeCore, script: str, **environment: str
) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    return running(core, sys.executable, EXAMPLES / script, environment=environment)


def load(script: str) -> ModuleType:
    """An example as a module, for its parts that need no core."""
    path = EXAMPLES / script
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def configure(core: FakeCore, **configuration: float | str) -> None:
    core.info.configuration.Clear()
    core.info.configuration.update(configuration)


def values(message: message_pb2.Message) -> dict[str, object]:
    return {name: getattr(value, value.WhichOneof("kind") or "") for name, value in message.reading.values.items()}


def sample(sensor: str, at: float, temperature: float, sequence: int) -> message_pb2.Record:
    made = record(sequence, f"sensors/{sensor}", temperature=temperature)
    made.message.time.FromMilliseconds(round(at * 1_000))
    return made


def event(sensor: str, at: float, temperature: float) -> ComponentEvent:
    wire = component_pb2.Event(record=sample(sensor, at, temperature, 1))
    return ComponentEvent(Item(wire, None, 0), lambda events, messages, failure: None)


def ask(url: str, method: str = "GET") -> dict[str, object]:
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=30) as answer:
        return dict(json.load(answer))


# Recipes


# What is built has the digest of its build.
WRITTEN = sorted(recipe for recipe in EXAMPLES.rglob("recipe.yaml") if recipe.parent.name != "swift")


@pytest.mark.parametrize("recipe", WRITTEN, ids=lambda recipe: recipe.parent.name)
def test_digests_in_recipes_are_those_of_the_files(recipe: Path, tmp_path: Path) -> None:
    pack = load("python-environment/pack.py")
    files = pack.named_files(recipe)
    assert files
    assert pack.with_artifacts(recipe.read_text(), files) == recipe.read_text(), "run pack.py RECIPE --update"


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: f"{recipe.parent.name}/{recipe.name}")
def test_recipes_are_accepted(recipe: Path) -> None:
    command = [str(PROGRAMS / "hedgerow"), "components", "check", str(recipe), "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_packed_recipe_names_everything(tmp_path: Path) -> None:
    pack = load("python-environment/pack.py")
    made = tmp_path / "recipe.yaml"
    made.write_text('name: a\nartifacts:\n  - {name: a.py, sha256: "", size: 0}\n# After.\n')
    (tmp_path / "a.py").write_bytes(b"a")
    digest = hashlib.sha256(b"a").hexdigest()
    assert pack.update(made) and not pack.update(made)
    line = f"  - {{name: a.py, sha256: {digest}, size: 1}}\n"
    assert made.read_text() == f"name: a\nartifacts:\n{line}# After.\n"
    wheel = tmp_path / "Some_Thing-1.2-py3-none-any.whl"
    wheel.write_bytes(b"a")
    assert pack.lock([wheel]) == f"some-thing==1.2 --hash=sha256:{digest}\n"
    assert pack.with_artifacts("name: b\n", [tmp_path / "a.py"]) == f"name: b\nartifacts:\n{line}"


# The environment


def wheel(directory: Path, name: str, version: str) -> Path:
    """A package with one module that knows its version."""
    path = directory / f"{name}-{version}-py3-none-any.whl"
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{name}-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for file, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{file},sha256={digest},{len(text)}")
    files[f"{name}-{version}.dist-info/RECORD"] = "\n".join([*lines, f"{name}-{version}.dist-info/RECORD,,", ""])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            # Without a time, so that equal packages have equal digests.
            archive.writestr(zipfile.ZipInfo(file), text)
    return path


def test_environments_are_made_once_for_each_lock(tmp_path: Path) -> None:
    pack = load("python-environment/pack.py")
    home = tmp_path / "home"
    home.mkdir()
    # No network: neither now nor later.
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHON": sys.executable,
        "PIP_INDEX_URL": "nowhere:",
    }

    def install(version: str, number: int, with_wheel: bool = True) -> str:
        working = tmp_path / f"working-{number}"
        working.mkdir()
        made = wheel(tmp_path, "tiny", version)
        (working / "requirements.lock").write_text(pack.lock([made]))
        if with_wheel:
            made.rename(working / made.name)
        script = str(EXAMPLES / "python-environment" / "install.sh")
        subprocess.run(["sh", script], cwd=working, env=environment, check=True, timeout=110)
        shown = subprocess.run(
            [working / "environment" / "bin" / "python", "-c", "import tiny; print(tiny.version)"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return shown.stdout.strip()

    def environments() -> set[str]:
        return {path.name for path in (home / "environments").iterdir()}

    assert install("1.0", 1) == "1.0"
    first = environments()
    # Deployed again, in another working directory: nothing is needed any more.
    assert install("1.0", 2, with_wheel=False) == "1.0"
    assert environments() == first
    # What an installation that was cut left is made anew.
    [only] = first
    (home / "environments" / only / "complete").unlink()
    assert install("1.0", 3) == "1.0"
    assert install("2.0", 4) == "2.0"
    both = environments()
    assert len(both) == 2 and first < both
    assert install("3.0", 5) == "3.0"
    # That of the version before stays.
    assert len(environments()) == 2 and not first & environments()


# The components


def test_republish_adds_the_topic(core: FakeCore) -> None:
    core.put(record(1), record(2, "b/readings"))
    with python(core, "republish/republish.py"):
        eventually("both are republished", lambda: len(core.published) == 2)
    assert [message.topic for message in core.published] == ["republish/reading"] * 2
    assert [values(message) for message in core.published] == [
        {"temperature": 1.0, "topic": "a/readings"},
        {"temperature": 2.0, "topic": "b/readings"},
    ]


def test_compensate_takes_the_mean_of_eight_samples() -> None:
    compensate = load("compensate-process/compensate.py")
    samples = iter(range(40, 48))
    pauses: list[int] = []
    mean = compensate.mean_temperature(lambda: float(next(samples)), 8, lambda: pauses.append(1))
    assert (mean, len(pauses)) == (43.5, 7)
    assert compensate.compensated(33.5, 45.0) == 22.0


def test_compensate_reads_the_thermal_zone(core: FakeCore, tmp_path: Path) -> None:
    configure(core, samples=8, interval=0.001)
    zone = tmp_path / "temp"
    zone.write_text("45000\n")
    core.put(record(1, temperature=33.5, humidity=40.0), record(2, humidity=40.0))
    with python(core, "compensate-process/compensate.py", THERMAL_ZONE=str(zone)):
        eventually("one is compensated, one fails", lambda: core.published and core.failures)
    assert [values(message) for message in core.published] == [{"temperature": 22.0, "humidity": 40.0}]
    assert core.published[0].reading.units["temperature"] == "°C"
    assert core.failures == ["KeyError: 'temperature'"]


def test_compensate_reports_into_the_shadow(core: FakeCore, tmp_path: Path) -> None:
    configure(core, samples=8, interval=0.001)
    zone = tmp_path / "temp"
    zone.write_text("45000\n")
    core.put(
        record(1, temperature=33.5, humidity=40.0, pressure=1_013.0, gas=120.0),
        record(2, temperature=33.5, humidity=40.0),
    )
    script = "compensate-report/compensate_report.py"
    with python(core, script, THERMAL_ZONE=str(zone), THING_NAME="bme680-1"):
        eventually("one is reported, one fails", lambda: not core.inbox)
    assert core.shadows.states == {
        ("bme680-1", ""): {"reported": {"temperature": 22.0, "humidity": 40.0, "pressure": 1_013.0}}
    }
    assert core.failures == ["KeyError: 'pressure'"] and not core.published


def test_a_shell_script_publishes_the_load(core: FakeCore, tmp_path: Path) -> None:
    configure(core, interval=0.02)
    interpreter = tmp_path / "environment" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    interpreter.chmod(0o755)
    (tmp_path / "loadavg").write_text("0.25 0.5 1.00 1/100 4242\n")
    (tmp_path / "uptime").write_text("100.5 200.0\n")
    files = {"LOAD_FILE": str(tmp_path / "loadavg"), "UPTIME_FILE": str(tmp_path / "uptime")}
    with running(core, "sh", EXAMPLES / "shell" / "load.sh", directory=tmp_path, environment=files):
        eventually("some are published", lambda: any(len(messages) >= 3 for messages in core.own.values()))
    first = next(iter(core.own.values()))[0]
    assert first.topic == "hosts/load"
    assert values(first) == {"one": 0.25, "five": 0.5, "fifteen": 1.0, "uptime": 100.5}


def test_sensors_are_turned_off_and_on(core: FakeCore) -> None:
    port = free_port(set())
    configure(core, sensors=3, rate=200.0, address="127.0.0.1", port=port)
    url = f"http://127.0.0.1:{port}"

    def published() -> list[message_pb2.Message]:
        return [message for messages in core.own.values() for message in messages]

    with python(core, "stream-aggregator/sensor-source/sensor_source.py"):
        eventually("they publish", lambda: len(published()) >= 6)
        assert ask(f"{url}/off", "POST")["on"] is False
        # The one in hand may still come; the count of the API says when nothing more does.
        off = eventually("it counts what was published", lambda: ask(f"{url}/")["published"] == len(published()))
        assert off and ask(f"{url}/")["on"] is False
        assert ask(f"{url}/on", "POST")["on"] is True
        count = len(published())
        eventually("they publish again", lambda: len(published()) > count)
        with pytest.raises(urllib.error.HTTPError):
            ask(f"{url}/sideways", "POST")
    topics = [message.topic for message in published()]
    assert topics[:4] == ["sensors/sensor-1", "sensors/sensor-2", "sensors/sensor-3", "sensors/sensor-1"]
    assert set(values(published()[0])) == {"temperature", "humidity"}


def test_twenty_readings_a_second() -> None:
    source = load("stream-aggregator/sensor-source/sensor_source.py")
    clock = source.Clock(20.0)
    now = clock._due
    pauses = []
    for _ in range(5):
        pauses.append(round(clock.pause(now), 6))
        now += pauses[-1] + 0.01
    # What the work took is taken off the pause.
    assert pauses == [0.05, 0.04, 0.04, 0.04, 0.04]
    # After a long stop, one period is made up for and no more.
    assert [round(clock.pause(now + 60), 6) for _ in range(3)] == [0, 0, 0.05]
    found = source.readings(2, random.Random(1))
    assert [next(found)[0] for _ in range(3)] == ["sensor-1", "sensor-2", "sensor-1"]


def test_windows_go_by_the_time_of_the_samples() -> None:
    aggregator = load("stream-aggregator/aggregator/aggregator.py")
    windows = aggregator.Windows(5.0)
    assert windows.end_by(1_000.0) is None
    assert windows.add(event("one", 100.0, 20.0)) is None
    assert windows.add(event("two", 101.0, 30.0)) is None
    assert windows.add(event("one", 104.9, 22.0)) is None
    # Later than its window, which is gone: into the one that is open.
    ended = windows.add(event("one", 105.0, 50.0))
    assert windows.add(event("one", 104.0, 60.0)) is None
    assert ended is not None
    means = [message.to_wire() for message in ended.means()]
    assert [(message.topic, values(message)) for message in means] == [
        ("aggregates/one", {"temperature": 21.0, "readings": 2}),
        ("aggregates/two", {"temperature": 30.0, "readings": 1}),
    ]
    assert means[0].time.seconds == 105 and means[0].reading.units["temperature"] == "°C"
    assert windows.end_by(111.9) is None
    last = windows.end_by(112.0)
    assert last is not None and len(last.events) == 2 and windows.end_by(200.0) is None


def test_a_window_holds_no_more_than_may_be_in_flight() -> None:
    aggregator = load("stream-aggregator/aggregator/aggregator.py")
    windows = aggregator.Windows(5.0)
    ended = [windows.add(event("one", 100.0, 1.0)) for _ in range(aggregator.MOST_EVENTS + 1)]
    assert [len(window.events) for window in ended if window is not None] == [aggregator.MOST_EVENTS]
    assert aggregator.MOST_EVENTS < aggregator.IN_FLIGHT


def test_an_aggregator_that_is_killed_counts_each_reading_once(core: FakeCore) -> None:
    configure(core, seconds=5.0)
    numbers = range(1, 301)
    # Twenty a second of two sensors: three windows, the last of which is over long ago.
    samples = [
        sample(f"sensor-{1 + number % 2}", 1_000 + (number - 1) / 20, float(number), number) for number in numbers
    ]
    core.put(*samples[:150])
    with (
        contextlib.suppress(AssertionError),
        python(core, "stream-aggregator/aggregator/aggregator.py") as program,
    ):
        eventually(
            "a window is stored, and the next one is in hand", lambda: core.most_in_flight >= 50 and core.published
        )
        program.kill()
    assert len(core.published) == 2
    core.put(*samples[150:])
    with python(core, "stream-aggregator/aggregator/aggregator.py"):
        eventually("all are stored", lambda: not core.inbox)
    means = [values(message) for message in core.published]
    assert [(message.topic, message.time.seconds) for message in core.published] == [
        (f"aggregates/sensor-{sensor}", 1_005 + 5 * window) for window in range(3) for sensor in (1, 2)
    ]
    assert [mean["readings"] for mean in means] == [50] * 6
    total = sum(float(str(mean["temperature"])) * 50 for mean in means)
    assert total == pytest.approx(sum(numbers))


def test_the_page_shows_aggregates_as_they_come(core: FakeCore) -> None:
    port = free_port(set())
    configure(core, address="127.0.0.1", port=port)
    url = f"http://127.0.0.1:{port}"

    def aggregate(sequence: int) -> message_pb2.Record:
        return record(sequence, "aggregates/sensor-1", temperature=20.0 + sequence, readings=25.0)

    with python(core, "stream-aggregator/page/page.py"):
        core.put(aggregate(1))
        eventually("it is shown", lambda: not core.inbox)
        with urllib.request.urlopen(url, timeout=30) as answer:
            page = answer.read().decode()
        # Nothing comes from elsewhere: the page has to work without a line.
        assert 'new EventSource("events")' in page and not re.search(r"(src|href)=|https?:", page)
        with urllib.request.urlopen(f"{url}/events", timeout=30) as events:
            assert events.headers["Content-Type"] == "text/event-stream"
            shown = [json.loads(events.readline()[6:])]
            events.readline()
            core.put(aggregate(2))
            shown.append(json.loads(events.readline()[6:]))
        assert [row["values"]["temperature"] for row in shown] == [21.0, 22.0]
        assert shown[0]["sensor"] == "sensor-1" and shown[0]["units"]["temperature"] == "°C"
        with urllib.request.urlopen(f"{url}/latest", timeout=30) as answer:
            assert json.load(answer) == [shown[1]]


# Without the package


def test_a_component_needs_no_more_than_grpcio_and_the_protos(core: FakeCore, tmp_path: Path) -> None:
    documented = (REPOSITORY / "docs" / "component-api.md").read_text()
    example = (EXAMPLES / "python" / "plain_component.py").read_text()
    [program] = re.findall(r"^```python\n(.*?)^```$", documented, re.DOTALL | re.MULTILINE)
    assert example.endswith('"""\n\n' + program), "docs/component-api.md shows another program"
    [generate] = re.findall(r"^```sh\n(mkdir stubs.*?)^```$", documented, re.DOTALL | re.MULTILINE)
    # Where the reader would be, with the example beside the stubs; and no package hedgerow anywhere.
    (tmp_path / "Protos").symlink_to(REPOSITORY / "Protos")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python").symlink_to(sys.executable)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    without_links = generate.replace("python -m", f'"{sys.executable}" -m')
    subprocess.run(
        ["sh", "-eu", "-c", without_links], cwd=tmp_path, check=True, timeout=110, env={**os.environ, "PATH": path}
    )
    (tmp_path / "stubs" / "hedgerow" / "__init__.py").write_text("")
    (tmp_path / "plain_component.py").write_text(program)
    core.put(record(1), record(2))
    variables = {**os.environ, "HEDGEROW_SOCKET": str(core.socket), "HEDGEROW_TOKEN": TOKEN}
    with subprocess.Popen(
        [sys.executable, "plain_component.py"], cwd=tmp_path, env=variables, stdout=subprocess.PIPE, text=True
    ) as running_program:
        try:
            eventually("both are republished", lambda: len(core.published) == 2)
        finally:
            running_program.kill()
        assert running_program.stdout is not None
        printed = running_program.stdout.read()
    assert printed.startswith("republish of group hall runs republish 1.0.0 on core-1\n")
    assert [values(message)["topic"] for message in core.published] == ["a/readings"] * 2
    assert len(core.health) == 1
