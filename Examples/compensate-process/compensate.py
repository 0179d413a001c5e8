"""Takes the warmth of the core's CPU out of a temperature: twice the reading less the mean of eight samples of the CPU.

It takes its time, a second between two samples, so that the recipe gives it ten seconds for a reading, and it reads the
CPU's thermal zone, which the recipe grants. Examples/compensate-temperature-1.0.0.yaml computes the same from samples
that the core takes anyway, without a program and without waiting.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from hedgerow import Component, ComponentEvent, Message

ZONE = Path(os.environ.get("THERMAL_ZONE", "/sys/class/thermal/thermal_zone0/temp"))


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


def compensated(temperature: float, cpu: float) -> float:
    """The temperature of the air."""
    return 2 * temperature - cpu


def handle(component: Component, event: ComponentEvent) -> Message:
    """The reading with the temperature of the air in place of the measured one."""
    interval = float(component.configuration["interval"])
    cpu = mean_temperature(cpu_temperature, component.configuration["samples"], lambda: time.sleep(interval))
    temperature = event.values["temperature"]
    if not isinstance(temperature, (int, float)):
        raise TypeError(f"the temperature is the text {temperature!r}")
    values = {**event.values, "temperature": compensated(temperature, cpu)}
    return component.reading("republish/reading", values, units=event.units)


def main() -> None:
    """Runs until the core asks it to end."""
    component = Component()
    component.handler(lambda event: handle(component, event))
    component.run()


if __name__ == "__main__":
    main()
