"""Trains a model that says whether it will rain within three hours, from temperature, pressure and humidity.

    python train.py --out model.onnx                              from three weeks that it makes up
    python train.py --hours 20000 --hidden 16 --out model.onnx    from more than two years, and with a hidden layer
    python train.py --data mine.csv --out model.onnx              from your own measurements

The suffix of --out says what is written: .onnx (needs the package onnx), .tflite (ai-edge-litert), .zip (a TensorFlow
SavedModel; tensorflow). --out may be repeated. Beside each model lies a file .json for people: how it was trained, the
scale of the features, and how good it is on samples that it has not seen.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import exports
import network
import weather

# The weather that a model is tried on: the same for all of them, and another than any learns from.
_TEST_HOURS, _TEST_SEED = 8_760, 1_000_003


def load(options: argparse.Namespace) -> tuple[weather.Array, ...]:
    """What to learn from, and what to try it on.

    Of one's own measurements the last fifth is held out. It is not drawn from all of them: neighbouring hours are so alike
    that the model would meet what it knows.
    """
    if options.data is None:
        return *weather.generate(options.hours, options.seed), *weather.generate(_TEST_HOURS, _TEST_SEED)
    features, target = weather.read_csv(options.data)
    split = len(target) * 4 // 5
    if target[:split].min() == target[:split].max():
        raise weather.DataError(f"{options.data}: rain is the same in the first four fifths of the lines")
    return features[:split], target[:split], features[split:], target[split:]


def describe(trained: network.Network, quality: network.Quality, options: argparse.Namespace) -> dict[str, Any]:
    """What is worth knowing of a model."""
    source = str(options.data.name) if options.data else f"{options.hours} generated hours, seed {options.seed}"
    return {
        "features": list(weather.FEATURES),
        "mean": [round(float(value), 6) for value in trained.mean],
        "deviation": [round(float(value), 6) for value in trained.deviation],
        "hidden": list(options.hidden),
        "source": source,
        "quality": {name: round(value, 4) for name, value in asdict(quality).items()},
    }


def write(path: Path, trained: network.Network, facts: dict[str, Any]) -> None:
    """Writes a model, and what is worth knowing of it."""
    match path.suffix:
        case ".onnx":
            exports.write_onnx(path, trained, weather.FEATURES, facts)
        case ".tflite":
            exports.write_tflite(path, trained, weather.FEATURES)
        case ".zip":
            exports.write_saved_model(path, trained, weather.FEATURES)
        case other:
            raise exports.MissingPackageError(f"{path}: no format has the suffix {other!r}; use .onnx, .tflite or .zip")
    path.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Train a model that predicts rain.")
    parser.add_argument("--data", type=Path, help="CSV with the columns temperature, pressure, humidity and rain")
    parser.add_argument("--hours", type=int, default=500, help="how many hours to make up where there is no CSV (500)")
    parser.add_argument("--seed", type=int, default=1, help="another one makes other weather and other first weights")
    parser.add_argument("--hidden", type=int, nargs="*", default=[], help="neurons of each hidden layer (none)")
    parser.add_argument("--epochs", type=int, default=60, help="how often it goes over the samples (60)")
    parser.add_argument("--out", type=Path, action="append", default=[], help="model to write; may be repeated")
    parser.add_argument("--write-csv", type=Path, help="also writes what it learns from, to look at")
    options = parser.parse_args()
    if options.hours < 20 or options.epochs < 1 or any(not 1 <= size <= 1_024 for size in options.hidden):
        parser.error("at least 20 hours and 1 epoch, and 1 to 1,024 neurons in a layer")
    try:
        features, target, test_features, test_target = load(options)
        if options.write_csv:
            weather.write_csv(options.write_csv, features, target)
        trained = network.train(features, target, hidden=options.hidden, epochs=options.epochs, seed=options.seed)
        quality = network.quality(trained.probability(test_features), test_target)
        facts = describe(trained, quality, options)
        print(f"learnt from {len(target):,} samples of {facts['source']}, tried on {quality.samples:,} others:")
        print(f"  accuracy {quality.accuracy:.3f} (always the more frequent: {quality.baseline:.3f})")
        print(f"  ROC AUC  {quality.roc_auc:.3f} (chance: 0.5)")
        print(f"  log loss {quality.log_loss:.3f}")
        for path in options.out:
            write(path, trained, facts)
            print(f"wrote {path}, {path.stat().st_size:,} bytes")
    except (weather.DataError, exports.MissingPackageError) as error:
        sys.exit(f"train.py: {error}")


if __name__ == "__main__":
    main()
