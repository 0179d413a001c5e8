"""A component that predicts from a thing's shadow without a pause, by the parts of Examples/rain-predictor.

usage: model_loop.py EXAMPLE MODEL SECONDS

Each look reads the shadow, predicts, and writes the prediction, which changes every time since the threshold does. Writes
the quantiles as JSON into the instance's directory.
"""

import json
import os
import pathlib
import sys
import time


def process_age():
    """Seconds since the process began, to a hundredth."""
    ticks = int(pathlib.Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    now = float(pathlib.Path("/proc/uptime").read_text().split()[0])
    return now - ticks / os.sysconf("SC_CLK_TCK")


def memory(name):
    """A line of /proc/self/status, in MiB."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"model_loop.py: there is no {name}")


def quantiles(took):
    """The middle, and what one of a hundred is above, in microseconds."""
    took.sort()
    return {"p50_us": took[len(took) // 2] / 1e3, "p99_us": took[min(len(took) - 1, len(took) * 99 // 100)] / 1e3}


def timed(work):
    """How long one call takes, in nanoseconds."""
    began = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - began


def main():
    """Measures."""
    example, model, seconds = sys.argv[1], pathlib.Path(sys.argv[2]), float(sys.argv[3])
    sys.path.insert(0, example)
    import models
    import predictor

    from hedgerow import Component

    loaded = models.load(model)
    with Component() as component:
        shadow = component.shadow(os.environ["THING_NAME"])
        looker = predictor.Predictor(shadow, loaded, component.info.version)
        looker.stale_after = float("inf")
        shadow.report({"temperature": 11.5, "pressure": 1_002.25, "humidity": 93.0})
        looker.look()
        found = {"start_ms": process_age() * 1e3}
        values = [11.5, 1_002.25, 93.0]
        runs = quantiles([timed(lambda: loaded.probability(values)) for _ in range(20_000)])
        found |= {f"run_{name}": value for name, value in runs.items()}
        looks, began = [], time.monotonic()
        while time.monotonic() - began < seconds and not component.is_stopping:
            # Above every probability, and below.
            looker.threshold = 2.0 if len(looks) % 2 else -1.0
            looks.append(timed(looker.look))
        found["looks_per_second"] = len(looks) / (time.monotonic() - began)
        found |= {f"look_{name}": value for name, value in quantiles(looks).items()}
        found |= {"rss_mib": memory("VmRSS"), "own_mib": memory("RssAnon")}
        place = pathlib.Path(os.environ["HEDGEROW_DATA"])
        (place / "found.part").write_text(json.dumps(found))
        (place / "found.part").rename(place / "found")
        while component.wait(60):
            pass


if __name__ == "__main__":
    main()
