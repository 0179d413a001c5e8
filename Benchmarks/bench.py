#!/usr/bin/env python3
"""Measures Hedgerow and the ceiling above it, in one run; `make bench` builds and starts it.

usage: bench.py --programs DIRECTORY [--quick] [--runs N] [--output FILE] [--report FILE]

Prints a table, and writes the figures as JSON (--output) and into the marked part of a report (--report).
Benchmarks/REPORT.md says what each figure means and how it is taken.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

from bare import Bare
from fleet import Fleet
from processes import Failure

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
TARGETS = {"pipeline.batch100.ratio": (">=", 0.05), "core.rss.idle_mib": ("<=", 40),
           "core.start_ms": ("<=", 1000)}
# Requests without acknowledgement: enough that neither side waits for the other.
IN_FLIGHT = {1: 4096, 10: 1024, 100: 256}
# Requests of one write of the publisher.
CHUNK = {1: 64, 10: 8, 100: 1}


class Samples:
    """Every value of every figure; what is reported is the median."""

    def __init__(self):
        self.values, self.units, self.details = {}, {}, {}

    def add(self, name, value, unit, detail=""):
        """Takes one value; the detail that was given last stays."""
        self.values.setdefault(name, []).append(value)
        self.units[name] = unit
        self.details[name] = detail
        tell(f"  {name} = {rounded(value)} {unit}")

    def figures(self):
        """The medians, each with the spread of its values."""
        figures = []
        for name, values in self.values.items():
            detail = self.details[name]
            if len(values) > 1:
                detail += f"{'; ' if detail else ''}{rounded(min(values))} to {rounded(max(values))}"
                detail += f" in {len(values)} runs"
            figures.append({"name": name, "value": rounded(statistics.median(values)),
                            "unit": self.units[name], "detail": detail})
        return figures


def rounded(value):
    """Three or four digits that mean something."""
    if value >= 100:
        return int(round(value, -2)) if value >= 10_000 else round(value)
    return round(value, 2) if value >= 1 else round(value, 4)


def tell(text):
    """Says how it goes, at once."""
    print(text, flush=True)


def measure(arguments, directory):
    """Takes every figure; returns them."""
    quick = arguments.quick
    seconds = 2.0 if quick else 5.0
    samples = Samples()
    programs = pathlib.Path(arguments.programs)
    bare = Bare(programs / "hedgerow-bench", directory / "bare")
    tell("Looking for the best bare streams:")
    best = {batch: bare.best(batch, quick, 0.7 if quick else 1.2, tell) for batch in (1, 100)}
    for number in range(arguments.runs):
        tell(f"Run {number + 1} of {arguments.runs}: the ceiling")
        ceilings = {}
        for batch, settings in best.items():
            rates = [(bare.stream(batch, setting, seconds * 0.6), setting) for setting in settings]
            ceilings[batch], setting = max(rates, key=lambda entry: entry[0])
            samples.add(f"ceiling.batch{batch}", ceilings[batch], "readings/s", str(setting))
        relays = [(bare.relay(100, seconds * 0.6, flush), flush) for flush in (False, True)]
        rate, flush = max(relays)
        samples.add("ceiling.relay.batch100", rate, "readings/s",
                    f"64 in flight, coalescing {'off' if flush else 'on'}")
        samples.add("bare.rss.idle_mib", bare.idle_mib(), "MiB",
                    "VmRSS of a bare server, idle after a short stream")
        tell(f"Run {number + 1} of {arguments.runs}: a fleet")
        measure_fleet(samples, programs, directory / f"fleet-{number}", ceilings, seconds, quick)
    return samples.figures()


def measure_fleet(samples, programs, directory, ceilings, seconds, quick):
    """What one fleet gives, from its set-up to its end."""
    fleet = Fleet(programs, directory)
    try:
        fleet.set_up()
        _, answered = fleet.restart_core()
        samples.add("core.start_ms", answered * 1000, "ms",
                    "exec to the answer to a thing's first request, on the state of a deployed core")
        # Three seconds after its start a core gives back what only the start needed.
        time.sleep(6 if quick else 10)
        samples.add("core.rss.idle_mib", fleet.core.resident_mib(), "MiB",
                    "VmRSS, attached, with a deployment, idle")
        latency = fleet.latency(60 if quick else 400)
        for hop, name in (("ack", "on the core's disk"),
                          ("cloud", "committed in the cloud and told to a subscriber")):
            for quantile in ("p50", "p99"):
                samples.add(f"latency.{hop}.{quantile}_ms", latency[f"{hop}_{quantile}_ms"], "ms",
                            f"one thing, 20 readings/s, {latency[f'{hop}_count']:.0f} of them; {name}")
        for batch in (1, 10, 100):
            result = fleet.publish(batch, seconds, IN_FLIGHT[batch], CHUNK[batch])
            rate = result["readings"] / result["committed_s"]
            share = result["acknowledged_s"] / result["committed_s"]
            samples.add(f"pipeline.batch{batch}", rate, "readings/s",
                        "until the cloud has committed all; the core had acknowledged all after "
                        f"{share:.0%} of that time")
        samples.add("pipeline.batch100.ratio", rate / ceilings[100], "",
                    "of ceiling.batch100 in the same run")
        fleet.check()
        samples.add("core.rss.loaded_mib", fleet.core.resident_mib(), "MiB", "VmRSS after the load")
        fleet.cloud.stop()
        result = fleet.publish(
            100, seconds, IN_FLIGHT[100], CHUNK[100], topic="bench/raw", counts=False)
        rate = result["readings"] / result["acknowledged_s"]
        samples.add("ingest.batch100", rate, "readings/s",
                    "acknowledged SYNCED by the core, the cloud away")
        samples.add("ingest.batch100.ratio", rate / ceilings[100], "", "of ceiling.batch100 in the same run")
    finally:
        fleet.stop()


# What surrounds the figures.

def machine():
    """What it ran on, in words."""
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    swift = subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout.splitlines()[:1]
    return (f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, {release}, Linux {platform.release()}, "
            f"{swift[0].strip() if swift else 'Swift unknown'}")


def commit():
    """The commit that was measured, with a mark where the tree differs from it."""
    def git(*words):
        return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True).stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "Sources", "Package.swift",
                  "Benchmarks/Sources")
    return git("rev-parse", "--short=12", "HEAD") + ("-changed" if changed else "")


def table(figures):
    """The figures as a Markdown table."""
    lines = ["| figure | value | unit | detail |", "|---|---:|---|---|"]
    for figure in figures:
        value = figure["value"]
        text = f"{value:,}" if isinstance(value, int) else f"{value}"
        lines.append(f"| `{figure['name']}` | {text} | {figure['unit']} | {figure['detail']} |")
    return "\n".join(lines)


def refresh(report, text):
    """Puts text between the marks of a report."""
    content = report.read_text()
    if content.count(BEGIN) != 1 or content.count(END) != 1:
        raise Failure(f"{report} needs the lines {BEGIN} and {END}, once each")
    before, rest = content.split(BEGIN)
    report.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


def main():
    """Reads the arguments, measures, prints and writes."""
    parser = argparse.ArgumentParser(description="Measures Hedgerow and the ceiling above it.")
    parser.add_argument("--programs", required=True, help="directory of the release build's programs")
    parser.add_argument("--quick", action="store_true", help="one short run, under two minutes")
    parser.add_argument("--runs", type=int, help="runs of which the median counts (3; 1 with --quick)")
    parser.add_argument("--output", type=pathlib.Path, help="file for the figures, as JSON")
    parser.add_argument("--report", type=pathlib.Path, help="report whose table of figures is replaced")
    arguments = parser.parse_args()
    arguments.runs = arguments.runs or (1 if arguments.quick else 3)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hedgerow-bench-") as directory:
        try:
            figures = measure(arguments, pathlib.Path(directory))
        except Failure as failure:
            sys.exit(f"bench.py: {failure}")
    result = {"machine": machine(), "commit": commit(),
              "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
              "runs": arguments.runs, "figures": figures}
    text = table(figures)
    tell(f"\n{text}\n\n{result['machine']}\ncommit {result['commit']}, {result['date']}, "
         f"{time.monotonic() - started:.0f} s")
    if arguments.output:
        arguments.output.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    if arguments.report:
        refresh(arguments.report,
                f"{result['date'][:10]}, commit {result['commit']}: {result['machine']}.\n\n{text}")
    values = {figure["name"]: figure["value"] for figure in figures}
    missed = [f"{name} is {values[name]}, not {sign} {bound}" for name, (sign, bound) in TARGETS.items()
              if not (values[name] >= bound if sign == ">=" else values[name] <= bound)]
    if missed:
        sys.exit("bench.py: " + "; ".join(missed))


if __name__ == "__main__":
    main()
