"""Predicts rain from a thing's shadow, and writes the prediction back into it.

Every ten seconds (configuration `interval`) it reads temperature, pressure and humidity, or whatever its model wants,
from what THING_NAME reported into its local shadow. The model standardises them and gives a probability, which goes back
as `rain_probability`, with `rain_prediction` (0 or 1) and `rain_model` (the component's version). The shadow is all that
it keeps: started anew, with this model or a better one, it goes on where it was, and readings do not pass through it.

Where a value is missing, is no number, or has not come for `staleAfter` seconds, there is no prediction: the old one
is removed, and `rain_problem` says why. That is for the sensor to put right, and no reason to restart this program. What
is wrong here (a model that gives nothing, a shadow that cannot be written) it reports as its health.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import models

from hedgerow import Component, HedgerowError, Shadow, ShadowDocument

_log = logging.getLogger("rain-predictor")


class Silence:
    """Tells how long ago a value was reported, by the monotonic clock as far as it has watched itself.

    The time of day counts only for what was there before: it may jump.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, time_of_day: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._time_of_day = time_of_day
        self._seen: dict[str, tuple[object, float]] = {}

    def age(self, name: str, value: object, timestamp: float | None) -> float:
        """Seconds since the field was reported.

        :param timestamp: When, in seconds since 1970, as the shadow's metadata say.
        """
        now = self._clock()
        known = self._seen.get(name)
        if known is not None and known[0] == (value, timestamp):
            return now - known[1]
        age = 0.0
        if known is None and timestamp is not None:
            age = max(self._time_of_day() - timestamp, 0.0)
        self._seen[name] = (value, timestamp), now - age
        return age


class Predictor:
    """Looks at the shadow, and says what it finds."""

    def __init__(self, shadow: Shadow, model: models.Model, version: str, silence: Silence | None = None) -> None:
        self._shadow = shadow
        self._version = version
        self._silence = silence or Silence()
        self._said: Mapping[str, object] | None = None
        self.model = model
        self.threshold = 0.5
        self.stale_after = 60.0
        self.problem = ""
        """Why there is no prediction; empty where there is one."""

    def look(self) -> dict[str, Any] | None:
        """Reads, predicts, and reports what is new; returns what it reported.

        :raises ModelError: The model gave nothing of use.
        :raises HedgerowError: The shadow could not be read or written.
        """
        document = self._shadow.get()
        values = self._values(document)
        if isinstance(values, str):
            report: dict[str, Any] = {"rain_prediction": None, "rain_probability": None, "rain_problem": values}
        else:
            probability = self.model.probability(values)
            report = {
                "rain_prediction": int(probability >= self.threshold),
                "rain_probability": round(probability, 4),
                "rain_problem": None,
            }
        report["rain_model"] = self._version
        self._tell(values if isinstance(values, str) else "")
        # What is there already is not written again: every write goes to the disk, and to the cloud.
        there = document.reported if document is not None else {}
        news = {name: value for name, value in report.items() if there.get(name) != value}
        if not news:
            return None
        self._shadow.report(news)
        return news

    def _values(self, document: ShadowDocument | None) -> list[float] | str:
        """What the model wants, in its order; or why it is not to be had."""
        if document is None:
            return f"{self._shadow.thing} has no shadow yet"
        times = document.metadata.get("reported", {})
        found: list[float] = []
        for name in self.model.features:
            value = document.reported.get(name)
            if value is None:
                return f"{name} was not reported"
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                return f"{name} is {str(value)[:40]!r}, not a number"
            leaf = times.get(name)
            age = self._silence.age(name, value, leaf.get("timestamp") if isinstance(leaf, dict) else None)
            if age > self.stale_after:
                return f"{name} was last reported more than {self.stale_after:g} s ago"
            found.append(float(value))
        return found

    def _tell(self, problem: str) -> None:
        if problem != self.problem:
            if problem:
                _log.warning("no prediction: %s", problem)
            else:
                _log.info("predicting again")
        self.problem = problem


class Settings:
    """What the configuration says, and what is wrong with it."""

    def __init__(self, model: str) -> None:
        self.model = model
        """Name of the model's file."""
        self.interval = 10.0
        """Seconds between two looks."""
        self.problem = ""
        """Why the model from before goes on; empty where the wanted one is loaded."""

    def take(self, predictor: Predictor, configuration: Mapping[str, Any]) -> None:
        """Takes a configuration. The model that is there goes on where another one cannot be loaded."""
        # Not a busy loop, whatever somebody writes.
        self.interval = max(float(configuration["interval"]), 0.05)
        predictor.threshold = float(configuration["threshold"])
        predictor.stale_after = float(configuration["staleAfter"])
        wanted = str(configuration["model"])
        self.problem = ""
        if wanted != self.model:
            try:
                predictor.model = models.load(Path(wanted))
            except models.ModelError as error:
                self.problem = str(error)
                _log.error("the model from before goes on: %s", error)
            else:
                self.model = wanted
                _log.info("model %s loaded", wanted)


def pause(component: Component, interval: Callable[[], float]) -> bool:
    """Waits between two looks, as long as the interval is by then; returns False when the program is to end."""
    began = time.monotonic()
    while True:
        left = began + interval() - time.monotonic()
        if not component.wait(min(max(left, 0), 1)):
            return False
        if left <= 1:
            return True


def main() -> None:
    """Runs until the core asks it to end."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    thing = os.environ.get("THING_NAME")
    if not thing:
        raise SystemExit("predictor.py: THING_NAME is not set; give it in the instance's environment")
    component = Component()
    configuration = component.configuration
    name = str(configuration["model"])
    try:
        # Before anything is said of being ready: a version whose model does not run goes back by itself.
        model = models.load(Path(name))
    except models.ModelError as error:
        raise SystemExit(f"predictor.py: {error}") from error
    predictor = Predictor(component.shadow(thing), model, component.info.version)
    settings = Settings(name)
    settings.take(predictor, configuration)
    component.on_configuration(lambda changed: settings.take(predictor, changed))
    _log.info("predicting from %s of %s with %s", ", ".join(model.features), thing, name)
    well = True
    with component:
        while True:
            problem = settings.problem
            try:
                predictor.look()
            except (models.ModelError, HedgerowError) as error:
                problem = str(error)
                _log.error("%s", problem)
            if problem or not well:
                well = not problem
                _report(component, well, problem)
            if not pause(component, lambda: settings.interval):
                break


def _report(component: Component, well: bool, problem: str) -> None:
    try:
        component.report_health(well, problem)
    except HedgerowError as error:
        _log.warning("the program's health could not be reported: %s", error)


if __name__ == "__main__":
    main()
