"""Every program in Examples/python, run as its reader would run it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fleet import PROGRAMS, REPOSITORY, Fleet, eventually

import hedgerow

EXAMPLES = REPOSITORY / "Examples" / "python"
NewThing = Callable[[], str]

if not EXAMPLES.is_dir():
    pytest.skip("the examples are in the repository only", allow_module_level=True)


def environment(fleet: Fleet, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(fleet.directory), "PYTHONUNBUFFERED": "1", **more}


def run(fleet: Fleet, script: str, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *map(str, arguments)],
        env=environment(fleet, **more),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def stored(fleet: Fleet, thing: str, count: int) -> list[hedgerow.Record]:
    with fleet.client() as cloud:
        eventually(f"{count} messages of {thing}", lambda: cloud.ledger(thing).received >= count)
        return list(cloud.query(thing=thing))


def enroll_by_command_line(fleet: Fleet, name: str) -> Path:
    command = [PROGRAMS / "hedgerow", "thing", "enroll", "--token", fleet.token(name), "--state", fleet.state(name)]
    subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=60)
    return fleet.state(name)


def test_plain_grpcio_needs_no_more_than_generated_code(fleet: Fleet, new_thing: NewThing, tmp_path: Path) -> None:
    name = new_thing()
    state = enroll_by_command_line(fleet, name)
    stubs = tmp_path / "stubs"
    generate = [sys.executable, REPOSITORY / "python" / "build_stubs.py", "--out", stubs]
    subprocess.run(list(map(str, generate)), check=True, capture_output=True, timeout=60)
    # An empty package in front hides the installed one, so that only the generated code is there.
    (stubs / "hedgerow" / "__init__.py").write_text("")
    hidden = subprocess.run(
        [sys.executable, "-c", "import hedgerow; print(hasattr(hedgerow, 'Thing'))"],
        env=environment(fleet, PYTHONPATH=str(stubs)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert hidden.stdout == "False\n"
    arguments = ["--state", state, "--topic", f"{name}/readings", "--count", 4]
    done = run(fleet, "plain_grpcio.py", *arguments, PYTHONPATH=str(stubs))
    assert "core core-1 at 127.0.0.1" in done.stdout and "4 acknowledged" in done.stdout
    assert [record.values["temperature"] for record in stored(fleet, name, 4)] == [20.4, 20.3, 20.2, 20.1]


def test_the_sensor_script_publishes_and_hears_commands(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    with fleet.client() as cloud:
        # Waits for the thing until it comes.
        hedgerow.enroll(fleet.token(name), fleet.state(name))
        cloud.publish(f"commands/{name}/set", {"interval": 0.01})
    script = [sys.executable, EXAMPLES / "publish_sensor.py", "--state", fleet.state(name), "--interval", "60"]
    with subprocess.Popen(
        list(map(str, script)),
        env=environment(fleet),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert len(stored(fleet, name, 20)) >= 20
            process.terminate()
            output, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert "sampling every 0.01 s" in output
    assert process.returncode == 0, output
    counts = [line for line in output.splitlines() if line.startswith("published ")]
    published = int(counts[0].split()[1].rstrip(","))
    assert counts == [f"published {published}, acknowledged {published}, lost 0"]
    assert len(stored(fleet, name, published)) == published


def test_history_becomes_csv(fleet: Fleet, new_thing: NewThing) -> None:
    name = new_thing()
    with fleet.thing(name) as thing:
        for number in range(5):
            thing.publish(f"{name}/readings", {"t": number / 4, "n": number}, units={"t": "°C"})
    assert len(stored(fleet, name, 5)) == 5
    done = run(fleet, "history.py", "--home", fleet.home, "--thing", name, "--topic", "+/readings")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["field"], row["value"], row["unit"]) for row in rows[:2]] == [("n", "4", ""), ("t", "1.0", "°C")]
    assert len(rows) == 10 and "received 5, lost 0, missing 0" in done.stderr


@pytest.mark.parametrize("server", ["core-1", "cloud"])
def test_a_second_stack_publishes_and_subscribes(fleet: Fleet, new_thing: NewThing, server: str) -> None:
    name = new_thing()
    state = enroll_by_command_line(fleet, name)
    with fleet.client() as cloud:
        cloud.publish(f"commands/{name}/set", {"interval": 2})
    arguments = ["--state", state, "--topic", f"{name}/readings", "--count", 5, "--command", f"commands/{name}/#"]
    done = run(fleet, "grpclib_publish.py", *arguments, *(["--direct"] if server == "cloud" else []))
    assert "5 acknowledged" in done.stdout
    assert f'command commands/{name}/set {{"interval": 2}}' in done.stdout
    records = stored(fleet, name, 5)
    assert [record.values["temperature"] for record in records] == [20.4, 20.3, 20.2, 20.1, 20.0]
    assert {record.units["temperature"] for record in records} == {"°C"}
    assert {record.core for record in records} == {"" if server == "cloud" else server}


def test_a_second_stack_reads_the_details_of_an_error(fleet: Fleet, new_thing: NewThing) -> None:
    """An undeclared gap, seen by grpclib: code, reason and the number that was expected."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        import grpclib_publish
    finally:
        sys.path.remove(str(EXAMPLES))
    from google.rpc import error_details_pb2
    from grpclib.client import StreamStreamMethod
    from grpclib.const import Status
    from grpclib.exceptions import GRPCError

    from hedgerow.telemetry.v1 import telemetry_pb2

    name = new_thing()
    hedgerow.enroll(fleet.token(name), fleet.state(name))

    async def leave_a_gap() -> GRPCError:
        core = await grpclib_publish.find_core(fleet.state(name))
        try:
            method = StreamStreamMethod(
                core,
                f"{grpclib_publish.TELEMETRY}/Publish",
                telemetry_pb2.PublishRequest,
                telemetry_pb2.PublishResponse,
            )
            with pytest.raises(GRPCError) as failed:
                async with method.open(timeout=30) as stream:
                    session = telemetry_pb2.Session(epoch=os.urandom(16), oldest_sequence=1)
                    await stream.send_message(telemetry_pb2.PublishRequest(session=session))
                    publication = telemetry_pb2.Publication(sequence=7)
                    publication.message.topic = f"{name}/readings"
                    publication.message.reading.values["v"].bool_value = True
                    await stream.send_message(telemetry_pb2.PublishRequest(publications=[publication]), end=True)
                    async for _ in stream:
                        pass
            return failed.value
        finally:
            core.close()

    error = asyncio.run(leave_a_gap())
    assert error.status is Status.FAILED_PRECONDITION
    assert isinstance(error.details, list)
    [info] = [detail for detail in error.details if isinstance(detail, error_details_pb2.ErrorInfo)]
    assert (info.domain, info.reason) == ("hedgerow", "SEQUENCE_GAP")
    assert "1" in dict(info.metadata).values()


def test_history_equals_what_the_demonstration_claims(tmp_path: Path) -> None:
    """`hedgerow demo --keep`, shortened; then its history is read as a stranger would."""
    directory = tmp_path / "demo"
    summary = tmp_path / "summary.json"
    try:
        # Into a file: what the demonstration leaves running would hold a pipe open.
        with open(tmp_path / "output", "w+") as output:
            done = subprocess.run(
                [str(PROGRAMS / "hedgerow"), "demo", "--keep", "--quick", "--directory", str(directory)]
                + ["--summary-json", str(summary)],
                env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=100,
            )
            output.seek(0)
            assert done.returncode == 0, output.read()
        claimed = json.loads(summary.read_text())
        acknowledged: set[tuple[str, int]] = set()
        for line in (directory / "acknowledged.log").read_text().splitlines():
            epoch, first, last = line.split()
            acknowledged |= {(epoch, sequence) for sequence in range(int(first), int(last) + 1)}
        assert len(acknowledged) >= claimed["acknowledged"] > 0
        with hedgerow.Client(home=directory / "home") as cloud:

            def missing() -> set[tuple[str, int]]:
                records = list(cloud.query(thing="bme680-1", topic="+/readings"))
                found = [(record.epoch, record.sequence) for record in records]
                assert len(found) == len(set(found)), "nothing is doubled"
                assert len(found) >= claimed["stored"]
                return acknowledged - set(found)

            eventually("all that was acknowledged is there", lambda: not missing())
            assert cloud.ledger("bme680-1").lost == claimed["lost"] == 0
    finally:
        for file in directory.glob("*.pid"):
            os.kill(int(file.read_text()), 9)
