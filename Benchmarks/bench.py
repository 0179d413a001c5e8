"""Measures Hedgerow, the ceiling above it and what others do, in one run; `make bench` builds and starts it.

usage: bench.py --programs DIRECTORY [--quick] [--runs N] [--only PART,...] [--output FILE] [--report FILE]

Prints a table, and writes the figures as JSON (--output) and into the marked part of a report (--report).
Benchmarks/REPORT.md says what each figure means and how it is taken.
"""

import argparse
import datetime
import json
import os
import pathlib
import resource
import sys
import tempfile
import time

import endurance
from artifacts import artifacts
from bare import Bare
from components import components
from model import model
from peers import mosquitto
from pipeline import Pipeline
from processes import Failure
from report import commit, machine, pictures, refresh, table, verdicts
from rollout import change, rollout
from samples import Samples, tell
from shadows import shadows

PARTS = ("pipeline", "latency", "drain", "peers", "disk", "things", "flat", "artifacts", "rollout", "deploy",
         "components", "shadows", "model")
# Where programs and packages of the peers are made.
SCRATCH = pathlib.Path(
    os.environ.get("HEDGEROW_BENCH_SCRATCH") or pathlib.Path(__file__).resolve().parent / ".build") / "peers"


class Bench:
    """One call of the program."""

    def __init__(self, arguments, directory):
        self.parts, self.quick, self.runs = arguments.only, arguments.quick, arguments.runs
        self.programs, self.directory = pathlib.Path(arguments.programs), directory
        self.seconds = 2.0 if self.quick else 5.0
        self.samples = Samples()
        self.bare = self.peer = None
        self.best = {}
        # What could not be measured, in words.
        self.failures = []

    def measure(self):
        """Takes every selected figure; returns them."""
        if "pipeline" in self.parts:
            self.bare = Bare(self.programs / "hedgerow-bench", self.directory / "bare")
            tell("Looking for the best bare streams:")
            seconds = 0.7 if self.quick else 1.2
            self.best = {batch: self.bare.best(batch, self.quick, seconds, tell) for batch in (1, 100)}
        if "peers" in self.parts:
            try:
                load, python = mosquitto.prepare(SCRATCH, tell)
                self.peer = mosquitto.Mosquitto(load, python, self.directory / "mosquitto", cpu=45.0)
            except mosquitto.Absent as absent:
                tell(f"The figures of the peers are left out. {absent}")
        if self.parts & {"pipeline", "latency", "drain", "peers", "disk"}:
            for number in range(1, self.runs + 1):
                self.attempt(self.run, number, f"Run {number} of {self.runs}")
        for part, title, measurement in (("things", "A thousand things", endurance.things),
                                         ("flat", "Many readings", endurance.flat),
                                         ("rollout", "Two hundred cores", rollout),
                                         ("deploy", "A change of configuration", change),
                                         ("components", "Programs beside a core", components),
                                         ("shadows", "Shadows", shadows),
                                         ("model", "A model beside a core", model)):
            if part in self.parts:
                tell(title)
                self.attempt(measurement, self.samples, self.programs, self.directory / part, self.quick)
        if "artifacts" in self.parts:
            tell("A file to a core")
            self.attempt(artifacts, self.samples, self.programs, self.directory / "artifacts", self.runs)
        return self.samples.figures()

    def attempt(self, measurement, *arguments):
        """Takes figures; where that fails, the others are taken nevertheless."""
        try:
            measurement(*arguments)
        except Failure as failure:
            tell(f"  failed: {failure}")
            self.failures.append(str(failure))

    def run(self, number, title):
        """Everything of which ratios are taken, once."""
        ceilings = {}
        if self.bare:
            tell(f"{title}: the ceiling")
            ceilings = self.ceilings()
        if self.parts & {"latency", "disk"}:
            endurance.fsync(self.samples, self.directory)
        rates = {}
        if self.peer:
            tell(f"{title}: Mosquitto and Python")
            rates = self.peers()
        tell(f"{title}: a fleet")
        pipeline = Pipeline(
            self.samples, self.programs, self.directory / f"fleet-{number}", self.seconds, self.quick)
        pipeline.measure(self.parts, ceilings)
        for name, ours in (("ratio", 100), ("ratio_single", "single"), ("ratio_per_request", 1)):
            if rates:
                figure = f"pipeline.batch{ours}" if ours != "single" else "pipeline.single"
                self.samples.add(
                    f"peer.mosquitto_python.{name}", pipeline.rates[ours] / rates["peer"], "",
                    f"{figure} to peer.mosquitto_python.readings_per_second in the same run")

    def ceilings(self):
        """What the wire carries, by name of figure."""
        seconds = self.seconds * 0.6
        found = {}
        for batch, settings in self.best.items():
            rate, setting = max(
                ((self.bare.stream(batch, setting, seconds), setting) for setting in settings),
                key=lambda entry: entry[0])
            found[f"ceiling.batch{batch}"] = (rate, str(setting))
        rate, flush = max((self.bare.relay(100, seconds, flush), flush) for flush in (False, True))
        found["ceiling.relay.batch100"] = (rate, f"64 in flight, coalescing {'off' if flush else 'on'}")
        for name, (rate, detail) in found.items():
            self.samples.add(name, rate, "readings/s", detail)
        self.samples.add("bare.rss.idle_mib", self.bare.idle_mib(), "MiB",
                         "VmRSS of a bare server, idle after a short stream")
        return {name: rate for name, (rate, _) in found.items()}

    def peers(self):
        """The founding documents' way, at full speed and at an offered load."""
        full = self.peer.measure(self.seconds)
        rate = full["readings"] / full["seconds"]
        self.samples.add(
            "peer.mosquitto_python.readings_per_second", rate, "readings/s",
            f"QoS 1, mutual TLS, {mosquitto.WINDOW} under way, nothing on disk; VmRSS of the broker "
            f"{full['broker_mib']:.0f} MiB, of the function {full['function_mib']:.0f} MiB")
        offered = self.peer.measure(self.seconds, rate=5_000)
        for quantile in ("p50", "p99"):
            self.samples.add(
                f"peer.mosquitto_python.{quantile}_ms", offered[f"{quantile}_ms"], "ms",
                f"5,000 readings/s offered, {offered['readings'] / offered['seconds']:,.0f} came out; "
                "transformed, told to a subscriber, nothing on disk")
        return {"peer": rate}


def parts(text):
    """Reads --only."""
    names = set(text.split(","))
    if unknown := names - set(PARTS):
        raise argparse.ArgumentTypeError(
            f"unknown part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return names


def allow_files():
    """Lets every program that is started open as many files as it may: a thousand connections need them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main():
    """Reads the arguments, measures, prints and writes."""
    parser = argparse.ArgumentParser(
        description="Measures Hedgerow, the ceiling above it and what others do.")
    parser.add_argument("--programs", required=True, help="directory of the release build's programs")
    parser.add_argument(
        "--quick", action="store_true", help="one short run, about three minutes; no target is an error")
    parser.add_argument("--runs", type=int, help="runs of which the median counts (3; 1 with --quick)")
    parser.add_argument("--only", type=parts, default=set(PARTS), metavar="PART,...",
                        help=f"only these parts: {', '.join(PARTS)}")
    parser.add_argument("--output", type=pathlib.Path, help="file for the figures, as JSON")
    parser.add_argument("--report", type=pathlib.Path, help="report whose table of figures is replaced")
    arguments = parser.parse_args()
    arguments.runs = arguments.runs or (1 if arguments.quick else 3)
    allow_files()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hedgerow-bench-") as directory:
        try:
            bench = Bench(arguments, pathlib.Path(directory))
            figures = bench.measure()
        except Failure as failure:
            sys.exit(f"bench.py: {failure}")
    result = {"machine": machine(), "commit": commit(),
              "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
              "runs": arguments.runs, "figures": figures}
    text = table(figures)
    lines, missed = verdicts(figures)
    tell("\n".join([
        "", text, "", *lines, "", result["machine"],
        f"commit {result['commit']}, {result['date']}, {time.monotonic() - started:.0f} s"]))
    drawn = pictures(bench.samples.spreads)
    for name, (picture, *_) in drawn.items():
        tell(f"\n{name}, ms:\n{picture}")
    if arguments.output:
        arguments.output.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    if arguments.report:
        refresh(arguments.report,
                f"{result['date'][:10]}, commit {result['commit']}: {result['machine']}.\n\n{text}")
        for marked in drawn.values():
            refresh(arguments.report, *marked)
    if bench.failures:
        sys.exit("bench.py: not all could be measured: " + "; ".join(bench.failures))
    if missed and not arguments.quick:
        sys.exit(f"bench.py: {missed} of the targets are not met")


if __name__ == "__main__":
    main()
