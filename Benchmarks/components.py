"""Programs beside a core: what fifty of them cost, what an event through a handler in Python costs, and what the core's own
latency is beside programs that misbehave."""

import pathlib
import subprocess
import sys
import textwrap
import time

from fleet import GROUP, Fleet
from processes import PATIENCE, Failure, Program

ROOT = pathlib.Path(__file__).resolve().parent.parent
COUNT = 50
# Says when it runs; its own memory is that of `sleep`.
STEADY = """\
kind: Component
name: steady
version: 1.0.0
process:
  run: 'date +%s%N > "$HEDGEROW_DATA/started"; exec sleep 86400'
  settle: 0s
"""
HANDLER = """\
kind: Component
name: handler
version: 1.0.0
process:
  run: [PYTHON, HANDLER]
  settle: 0s
  sandbox: none
"""
HANDLER_PY = """\
from hedgerow import Component

component = Component()


@component.handler
def handle(event):
    return component.reading("bench/handled", dict(event.values))


component.run()
"""
# What a program may do wrong, each without an end.
MISBEHAVING = {
    "flood": "while :; do echo \"$(date +%s%N) a line that nobody reads\"; done",
    "repeats": "exec yes 'the same line again and again'",
    "exits": "sleep 1; exit 3",
    "forks": "while :; do sleep 5 & sleep 0.2; done",
    "stubborn": "trap '' TERM; while :; do sleep 1; done",
    "eater": "sleep 1; a=x; while :; do a=$a$a; sleep 0.05; done",
    "files": "sleep 1; i=3; while [ $i -lt 1000 ]; do eval \"exec $i</dev/null\" || exit 4; i=$((i+1)); done; exec sleep 86400",
}


class Components(Fleet):
    """A fleet whose group has programs too."""

    def deploy_programs(self, instances, subscriptions=()):
        """Deploys a group with instances as (name, component) beside the transform; does not wait for settling."""
        lines = GROUP % ", ".join(self.group)
        components = "".join(f"  - {{name: {name}, component: {what}, version: 1.0.0}}\n" for name, what in instances)
        lines = lines.replace("subscriptions:\n", f"{components}subscriptions:\n", 1)
        routes = "".join(f"  - {{from: '{a}', topic: '{b}', to: '{c}'}}\n" for a, b, c in subscriptions)
        lines = lines.replace("streams:\n", f"{routes}streams:\n", 1)
        (self.path / "programs.yaml").write_text(lines)
        self.hedgerow("apply", "-f", self.path / "programs.yaml")
        self.hedgerow("deploy", "bench", "--wait")

    def push(self, text):
        """Registers a recipe."""
        path = self.path / f"recipe-{time.monotonic_ns()}.yaml"
        path.write_text(text)
        self.hedgerow("components", "push", path)

    def started(self, names):
        """When each instance said that it runs, nanoseconds since 1970; None before all have."""
        files = [self.path / "core/programs" / name / "data/started" for name in names]
        texts = [file.read_text().strip() if file.exists() else "" for file in files]
        return [int(text) for text in texts] if all(texts) else None


def components(samples, programs, directory, quick):
    """Takes the figures."""
    directory = pathlib.Path(directory)
    fifty(samples, programs, directory / "fifty")
    misbehaving(samples, programs, directory / "misbehaving", 100 if quick else 300, 3 if quick else 5)
    events(samples, programs, directory / "events", 100 if quick else 400)


def fifty(samples, programs, directory):
    """Fifty programs that do nothing."""
    fleet = Components(programs, directory)
    names = [f"steady-{number}" for number in range(COUNT)]
    try:
        fleet.set_up()
        time.sleep(5)
        before = fleet.core.own_mib()
        fleet.push(STEADY)
        fleet.deploy_programs([(name, "steady") for name in names])
        fleet.core.wait_for("fifty programs", lambda: fleet.started(names))
        time.sleep(5)
        samples.add("components.core_kib_each", (fleet.core.own_mib() - before) * 1024 / COUNT, "KiB",
                    f"what the core's own memory (RssAnon) grew by, for each of {COUNT} programs")
        samples.add("components.around_kib_each", around(fleet.core.process.pid) / COUNT, "KiB",
                    "RssAnon of what stands around a program: the sandbox; the program itself is not counted")
        fleet.core.stop()
        for name in names:
            (fleet.path / "core/programs" / name / "data/started").unlink()
        began = time.time_ns()
        fleet.start_core()
        last = max(fleet.core.wait_for("fifty programs", lambda: fleet.started(names)))
        samples.add("components.start50_ms", (last - began) / 1e6, "ms",
                    f"from the start of the core until the last of {COUNT} programs runs")
    finally:
        fleet.stop()


def around(core):
    """KiB of the processes below a core that are no program of a component."""
    children, memory = {}, {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name, rest = (path / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            status = (path / "status").read_text()
        except OSError:
            continue
        children.setdefault(int(rest.split()[1]), []).append((int(path.name), name))
        own = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:")]
        memory[int(path.name)] = int(own[0]) if own else 0
    total, open_ones = 0, list(children.get(core, ()))
    while open_ones:
        process, name = open_ones.pop()
        if name != "sleep":
            total += memory[process]
        open_ones += children.get(process, ())
    return total


def misbehaving(samples, programs, directory, count, turns):
    """The core's own latency beside programs that do everything wrong, against that without them, by turns: a disk that
    others disturb disturbs some turns and not the median."""
    fleet = Components(programs, directory)
    try:
        fleet.set_up()
        for name, script in MISBEHAVING.items():
            limits = "  limits: {memory: 32MiB, processes: 32, files: 64}\n"
            body = textwrap.indent(script, "    ")
            fleet.push(f"kind: Component\nname: {name}\nversion: 1.0.0\nprocess:\n  run: |\n{body}\n"
                       f"  settle: 0s\n{limits}")
        usual, beside = [], []
        for turn in range(turns):
            fleet.deploy_programs([])
            time.sleep(2)
            usual.append(fleet.latency(count)["ack_p99_ms"])
            # Under other names each time: one that failed before would soon be given up.
            fleet.deploy_programs([(f"{name}-{turn}", name) for name in MISBEHAVING])
            time.sleep(2)
            beside.append(fleet.latency(count)["ack_p99_ms"])
        for one, other in zip(usual, beside, strict=True):
            samples.add("components.usual.ack_p99_ms", one, "ms", f"one thing, 20 readings/s, {count} of them, no programs")
            samples.add("components.misbehaving.ack_p99_ms", other, "ms", "the same beside " + ", ".join(MISBEHAVING))
            samples.add("components.misbehaving.ratio", other / one, "", "the second to the first, by turns")
    finally:
        fleet.stop()


def python_environment(scratch):
    """An environment with the package of this tree."""
    environment = scratch / "components"
    python = environment / "bin/python"
    if not python.exists():
        for command in ([sys.executable, "-m", "venv", environment], [python, "-m", "pip", "-q", "install", ROOT / "python"]):
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
            if done.returncode:
                raise Failure(f"the environment for components in Python could not be made: {done.stderr.strip()[-400:]}")
    return python


def events(samples, programs, directory, count):
    """An event through a handler in Python: from a thing through the core and the handler back to the thing."""
    python = python_environment(pathlib.Path(programs).parent)
    fleet = Components(programs, directory)
    try:
        fleet.set_up()
        script = fleet.path / "handler.py"
        script.write_text(HANDLER_PY)
        fleet.push(HANDLER.replace("PYTHON", str(python)).replace("HANDLER", str(script)))
        fleet.deploy_programs(
            [("handler", "handler")],
            [("thing:bench-1", "bench/event", "component:handler"),
             ("component:handler", "bench/handled", "thing:bench-1")])
        probe = Program([python, pathlib.Path(__file__).with_name("round_trips.py"), fleet.path / "bench-1", count],
                        fleet.path / "round-trips.log")
        found = probe.finish(PATIENCE + count / 20)
        for quantile in ("p50", "p99"):
            samples.add(f"components.event.{quantile}_ms", found[f"{quantile}_ms"], "ms",
                        f"thing, core, handler in Python, core, thing, all durable; 20 events/s, {count} of them")
    finally:
        fleet.stop()
