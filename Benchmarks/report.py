"""What surrounds the figures: the machine, the commit, the table, and what they have to reach."""

import os
import pathlib
import platform
import subprocess

from histogram import histogram
from processes import Failure

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
# What has to be reached. A bound is a number, or another figure and what may be added to it.
TARGETS = {
    "pipeline.batch100.ratio": (">=", 0.10), "ingest.batch100.ratio": (">=", 0.20),
    "latency.ack.p50_ms": ("<=", 2.5), "latency.cloud.p50_ms": ("<=", 5), "latency.cloud.p99_ms": ("<=", 15),
    "drain.ratio_to_ingest": (">=", 0.5), "drain.live.p99_ms": ("<=", 250),
    "peer.mosquitto_python.ratio": (">=", 20), "peer.mosquitto_python.ratio_single": (">=", 4),
    "peer.mosquitto_python.ratio_per_request": (">=", 1.5),
    "core.rss.idle_mib": ("<=", ("bare.rss.idle_mib", 10)), "core.rss.things1000_mib": ("<=", 150),
    "core.rss.flat_growth_mib": ("<=", 10), "core.start_ms": ("<=", 1000),
    "artifact.ratio_to_stream": (">=", 0.5), "deploy.config_change_ms": ("<=", 2000),
    "components.misbehaving.ratio": ("<=", 2),
    "shadow.updates_per_second": (">=", 2000), "shadow.cloud.updates_per_second": (">=", 2000),
    "shadow.end_to_end.p50_ms": ("<=", 50), "shadow.start10000_ms": ("<=", 2000), "shadow.parted.ratio": ("<=", 1.2),
    "shadow.equal_bytes": ("<=", 1000)}
# What is aimed at; missing it is said and is no error.
AIMS = {
    "pipeline.offered5000.p50_ms": ("<=", ("peer.mosquitto_python.p50_ms", 0)),
    "pipeline.offered5000.p99_ms": ("<=", ("peer.mosquitto_python.p99_ms", 0))}


def verdicts(figures):
    """Lines that say what is met, and how many targets are not."""
    values = {figure["name"]: figure["value"] for figure in figures}
    lines, missed = [], 0
    for kind, wishes in (("", TARGETS), ("aim ", AIMS)):
        for name, (sign, bound) in wishes.items():
            text = f"{bound}"
            if isinstance(bound, tuple):
                other, more = bound
                text = f"{other} + {more}" if more else other
                bound = values[other] + more if other in values else None
            if name not in values or bound is None:
                continue
            met = values[name] >= bound if sign == ">=" else values[name] <= bound
            lines.append(f"{kind + ('met' if met else 'NOT MET'):12} {name} = {values[name]}, {sign} {text}")
            missed += not met and not kind
    return lines, missed


def machine():
    """What it ran on, in words."""
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    swift = output("swift", "--version").splitlines()[:1]
    return (f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, {release}, Linux {platform.release()}, "
            f"{swift[0].strip() if swift else 'Swift unknown'}")


def output(*words):
    """What a program prints, whatever it ends with."""
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def commit():
    """The commit that was measured, with a mark where the tree differs from it."""
    changed = output("git", "-C", ROOT, "status", "--porcelain", "--untracked-files=no", "--", "Sources",
                     "Package.swift", "Benchmarks/Sources")
    newest = output("git", "-C", ROOT, "rev-parse", "--short=12", "HEAD").strip()
    return newest + ("-changed" if changed else "")


def table(figures):
    """The figures as a Markdown table."""
    lines = ["| figure | value | unit | detail |", "|---|---:|---|---|"]
    for figure in figures:
        value = figure["value"]
        text = f"{value:,}" if isinstance(value, int) else f"{value}"
        lines.append(f"| `{figure['name']}` | {text} | {figure['unit']} | {figure['detail']} |")
    return "\n".join(lines)


def refresh(report, text, begin=BEGIN, end=END):
    """Puts text between the marks of a report."""
    content = report.read_text()
    if content.count(begin) != 1 or content.count(end) != 1:
        raise Failure(f"{report} needs the lines {begin} and {end}, once each")
    before, rest = content.split(begin)
    report.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}")


def pictures(spreads):
    """How values are spread, by the name of their figure, as Markdown with the marks around it in a report."""
    return {name: (f"```\n{histogram(values, 'ms')}\n```", f"<!-- {name}: begin -->", f"<!-- {name}: end -->")
            for name, values in spreads.items()}
