"""Weather to learn from: a generator of plausible hours, and a reader of one's own CSV.

The generator is no model of the atmosphere. It has what a forecast from three sensors can use: pressure that wanders
over days, falls before rain and recovers after it; temperatures of seasons and days, which drop where fronts pass; moisture
that makes the air humid when it cools. Whether it rains within the next three hours is drawn with a probability that
rises as the dew point comes close to the temperature, as pressure is low and falling, and as it gets cold quickly. So
much of it is chance that nobody can be right always.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FEATURES = ("temperature", "pressure", "humidity")
"""The columns of a sample, in °C, hPa and % of relative humidity."""
TARGET = "rain"
_FEWEST_ROWS = 20
# Beyond these a value is a mistake: another unit, or a sensor's default.
_RANGES = {"temperature": (-60.0, 60.0), "pressure": (800.0, 1_100.0), "humidity": (0.0, 100.0)}


class DataError(Exception):
    """The data cannot be learnt from; the sentence says where and why."""


def generate(hours: int, seed: int = 1) -> tuple[Array, Array]:
    """So many hours of weather: the features, one row an hour, and whether it rained within three hours, 0 or 1."""
    random = np.random.default_rng(seed)
    front = _wander(random, hours, memory=0.94, spread=1.0)
    pressure = 1_013 + 9 * front + _wander(random, hours, memory=0.8, spread=0.8)
    # How much it fell in three hours; none of the sensors says so, but low pressure hints at it.
    before = np.concatenate([np.repeat(pressure[:1], 3), pressure])[:hours]
    fallen = before - pressure
    hour = np.arange(hours)
    season = -8 * np.cos(2 * math.pi * hour / (24 * 365))
    day = 4 * np.sin(2 * math.pi * (hour % 24 - 9) / 24)
    drop = 0.5 * np.maximum(fallen, 0)
    temperature = 11 + season + day - drop + _wander(random, hours, memory=0.95, spread=2.5)
    # What water the air holds follows the season more than the day, and comes with low pressure.
    dew_point = 4 + 0.8 * season - 2.6 * front + _wander(random, hours, memory=0.9, spread=2.0)
    dew_point = np.minimum(dew_point, temperature)
    humidity = 100 * np.exp(17.62 * dew_point / (243.1 + dew_point) - 17.62 * temperature / (243.1 + temperature))
    score = 1.9 - 0.62 * (temperature - dew_point) + 0.11 * (1_009 - pressure) + 0.35 * fallen
    rain = random.random(hours) < 1 / (1 + np.exp(-score))
    noise = random.normal(0, [0.2, 0.3, 1.0], (hours, 3))
    features = np.stack([temperature, pressure, humidity], axis=1) + noise
    features[:, 2] = np.clip(features[:, 2], 1, 100)
    return features, rain.astype(np.float64)


def _wander(random: np.random.Generator, hours: int, memory: float, spread: float) -> Array:
    """A value that goes up and down around 0 and remembers where it was."""
    steps = random.normal(0, spread * math.sqrt(1 - memory**2), hours)
    values = np.empty(hours)
    value = random.normal(0, spread)
    for index, step in enumerate(steps):
        value = memory * value + step
        values[index] = value
    return values


def read_csv(path: Path) -> tuple[Array, Array]:
    """Samples of one's own: a CSV with the columns temperature, pressure, humidity and rain (0 or 1); more are ignored.

    :raises DataError: It cannot be read, or a value in it makes no sense; says the line.
    """
    rows: list[list[float]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in (*FEATURES, TARGET) if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"{path}, line 1: there is no column {', '.join(missing)}; the first line names the columns "
                    f"{', '.join((*FEATURES, TARGET))}, in any order"
                )
            for row in reader:
                rows.append([_number(path, reader.line_num, row, name) for name in (*FEATURES, TARGET)])
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8; save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path}, line {len(rows) + 2}: {error}") from error
    if len(rows) < _FEWEST_ROWS:
        raise DataError(f"{path} has {len(rows)} samples; at least {_FEWEST_ROWS} are needed")
    table = np.array(rows)
    target = table[:, -1]
    if target.min() == target.max():
        raise DataError(f"{path}: {TARGET} is {target[0]:g} in every line; there is nothing to tell apart")
    return table[:, :-1], target


def _number(path: Path, line: int, row: dict[str, str | None], name: str) -> float:
    text = row[name]
    place = f"{path}, line {line}: {name}"
    if text is None or not text.strip():
        raise DataError(f"{place} is empty; fill it in, or remove the line")
    try:
        value = float(text)
    except ValueError:
        raise DataError(f"{place} is {text[:40]!r}, not a number (with a point, not a comma)") from None
    if name == TARGET and value not in (0, 1):
        raise DataError(f"{place} is {text.strip()[:40]}, not 0 or 1")
    low, high = _RANGES.get(name, (0.0, 1.0))
    # Not in it either: no number at all (NaN).
    if not low <= value <= high:
        raise DataError(f"{place} is {text.strip()[:40]}, not between {low:g} and {high:g}")
    return value


def write_csv(path: Path, features: Array, rain: Array) -> None:
    """Writes samples as :func:`read_csv` reads them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*FEATURES, TARGET])
        for row, label in zip(features, rain, strict=True):
            writer.writerow([*(f"{value:.2f}" for value in row), int(label)])
