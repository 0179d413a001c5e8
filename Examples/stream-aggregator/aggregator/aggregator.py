"""Averages readings per sensor over five seconds.

Windows go by the time at which readings were sampled, so that an inbox that filled up meanwhile gives the same means.
The readings of a window stay in the inbox until its means are stored, and both are one transaction: no reading is in
two means or in none, whatever ends in between.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field

from hedgerow import Component, ComponentEvent, Message

# How long after the end of a window its last readings may come.
GRACE_SECONDS = 2.0
# So that a window never holds all that may be in flight.
MOST_EVENTS = 900
IN_FLIGHT = 1_000


@dataclass
class Window:
    """The readings of one stretch of time."""

    start: float
    """Seconds since 1970."""
    length: float
    """In seconds."""
    events: list[ComponentEvent] = field(default_factory=list)
    """Its readings, in the order in which they came."""

    @property
    def end(self) -> float:
        """Seconds since 1970."""
        return self.start + self.length

    def means(self) -> list[Message]:
        """One message for each sensor: the mean of each number, and of how many readings."""
        sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        units: dict[str, dict[str, str]] = defaultdict(dict)
        readings: dict[str, int] = defaultdict(int)
        for event in self.events:
            if event.status != "ok":
                continue
            sensor = event.topic.rpartition("/")[2]
            readings[sensor] += 1
            units[sensor].update(event.units)
            for name, value in event.values.items():
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    sums[sensor][name] += value
                    counts[sensor][name] += 1
        return [
            Component.reading(
                f"aggregates/{sensor}",
                {
                    **{name: total / counts[sensor][name] for name, total in sums[sensor].items()},
                    "readings": count,
                },
                units={name: unit for name, unit in units[sensor].items() if name in sums[sensor]},
                time=self.end,
            )
            for sensor, count in sorted(readings.items())
        ]


class Windows:
    """Divides readings into windows, one after the other."""

    def __init__(self, length: float) -> None:
        self._length = length
        self._window: Window | None = None

    def add(self, event: ComponentEvent) -> Window | None:
        """Takes a reading; returns the window that it ends. A late reading goes into the window that is open."""
        at = event.time.timestamp() if event.time is not None else time.time()
        start = at - at % self._length
        ended = None
        window = self._window
        if window is not None and (start > window.start or len(window.events) >= MOST_EVENTS):
            ended, window = window, None
        if window is None:
            window = self._window = Window(start, self._length)
        window.events.append(event)
        return ended

    def end_by(self, now: float) -> Window | None:
        """The window that is over, where nothing came any more to end it."""
        if self._window is None or now < self._window.end + GRACE_SECONDS:
            return None
        window, self._window = self._window, None
        return window


def main() -> None:
    """Runs until the core asks it to end. What an open window holds then comes again."""
    with Component() as component:
        windows = Windows(float(component.configuration["seconds"]))
        while not component.is_stopping:
            event = component.next_event(timeout=1, in_flight=IN_FLIGHT)
            ended = windows.add(event) if event is not None else windows.end_by(time.time())
            if ended is not None:
                component.finish(ended.events, *ended.means())


if __name__ == "__main__":
    main()
