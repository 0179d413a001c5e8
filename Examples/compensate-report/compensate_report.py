"""Reports the temperature of the air, the pressure and the humidity into the local shadow of the thing THING_NAME.

The warmth of the core's CPU is taken out as in Examples/compensate-process: twice the reading less the mean of eight
samples of the CPU, a second apart. What others want to know of the thing they read in its shadow, without asking the
thing or this program: Examples/rain-predictor does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from hedgerow import Component, ComponentEvent

ZONE = Path(os.environ.get("THERMAL_ZONE", "/sys/class/thermal/thermal_zone0/temp"))
FIELDS = ("temperature", "pressure", "humidity")


def cpu_temperature(zone: Path = ZONE) -> float:
    """The temperature of the CPU in degrees Celsius. The system says thousandths."""
    return float(zone.read_text(encoding="ascii")) / 1_000


def mean_temperature(sample: Callable[[], float], count: int, pause: Callable[[], None]) -> float:
    """The mean of so many samples, with a pause between two."""
    total = sample()
    for _ in range(count - 1):
        pause()
        total += sample()
    return total / count


def report(values: Mapping[str, object], cpu: float) -> dict[str, float]:
    """What is reported of a reading: its three fields, the temperature compensated. All of them have to be numbers."""
    found: dict[str, float] = {}
    for name in FIELDS:
        value = values[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"the {name} is {value!r}, not a number")
        found[name] = value
    found["temperature"] = round(2 * found["temperature"] - cpu, 2)
    return found


def handle(component: Component, event: ComponentEvent, thing: str) -> None:
    """Reports a reading. Where that happens twice, because the core ended in between, it is the same twice."""
    interval = float(component.configuration["interval"])
    cpu = mean_temperature(cpu_temperature, component.configuration["samples"], lambda: time.sleep(interval))
    component.shadow(thing).report(report(event.values, cpu))


def main() -> None:
    """Runs until the core asks it to end."""
    thing = os.environ.get("THING_NAME")
    if not thing:
        raise SystemExit("compensate_report.py: THING_NAME is not set; give it in the instance's environment")
    component = Component()
    component.handler(lambda event: handle(component, event, thing))
    component.run()


if __name__ == "__main__":
    main()
