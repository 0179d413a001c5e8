"""A small neural network in numpy: enough for three sensors, and without a framework of gigabytes.

With no hidden layer it is a logistic regression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """What was learnt: the scale of the features, then layers, each a matrix and a vector."""

    mean: Array
    """Of each feature in what was learnt from."""
    deviation: Array
    """The standard deviation of each, above 0."""
    layers: tuple[tuple[Array, Array], ...]
    """Weights (inputs x outputs) and bias of each layer; ReLU between two, the logistic function behind the last."""

    def probability(self, features: Array) -> Array:
        """The probability for each row of features."""
        return _logistic(_forward(self.layers, (features - self.mean) / self.deviation)[-1][:, 0])


@dataclass(frozen=True)
class Quality:
    """How good a network is on samples that it has not seen."""

    samples: int
    """How many they are."""
    accuracy: float
    """The part that it tells right."""
    baseline: float
    """The part that is right where one always says the more frequent."""
    roc_auc: float
    """The probability that it finds a rainy sample more likely than a dry one: 0.5 is chance, 1 is perfect."""
    log_loss: float
    """The mean of -log of the probability that it gave to what happened; lower is better."""


def train(
    features: Array,
    target: Array,
    *,
    hidden: Sequence[int] = (),
    epochs: int = 60,
    seed: int = 1,
    rate: float = 0.01,
    decay: float = 1e-4,
) -> Network:
    """Learns by Adam on mini-batches of 256 samples, the rate falling to nothing; the same every time.

    :param hidden: Neurons of each hidden layer; none for a logistic regression.
    :param decay: How much large weights are held back.
    """
    random = np.random.default_rng(seed)
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    # A feature that is always the same says nothing, and must not be divided by 0.
    deviation = np.where(deviation > 1e-9, deviation, 1.0)
    scaled = (features - mean) / deviation
    sizes = (features.shape[1], *hidden, 1)
    layers = [
        (random.normal(0, np.sqrt(2 / inputs), (inputs, outputs)), np.zeros(outputs))
        for inputs, outputs in zip(sizes, sizes[1:], strict=False)
    ]
    values = [array for layer in layers for array in layer]
    moments = [(np.zeros_like(array), np.zeros_like(array)) for array in values]
    batches = max(1, len(target) // 256)
    step, last = 0, epochs * batches
    for _ in range(epochs):
        for batch in np.array_split(random.permutation(len(target)), batches):
            step += 1
            gradients = _gradients(layers, scaled[batch], target[batch], decay)
            pace = rate * (1 - step / (last + 1))
            for array, (first, second), gradient in zip(values, moments, gradients, strict=True):
                first += 0.1 * (gradient - first)
                second += 0.001 * (gradient**2 - second)
                corrected = first / (1 - 0.9**step), second / (1 - 0.999**step)
                array -= pace * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
    return Network(mean, deviation, tuple(layers))


def _forward(layers: Sequence[tuple[Array, Array]], inputs: Array) -> list[Array]:
    """What goes into each layer, and what comes out of the last."""
    found = [inputs]
    for index, (weights, bias) in enumerate(layers):
        outputs = found[-1] @ weights + bias
        found.append(np.maximum(outputs, 0) if index < len(layers) - 1 else outputs)
    return found


def _gradients(
    layers: Sequence[tuple[Array, Array]], inputs: Array, target: Array, decay: float
) -> list[Array]:
    """Of the mean log loss, by weights and bias of each layer."""
    found = _forward(layers, inputs)
    error = (_logistic(found[-1]) - target[:, None]) / len(target)
    gradients: list[Array] = []
    for index in range(len(layers) - 1, -1, -1):
        weights, _ = layers[index]
        gradients = [found[index].T @ error + decay * weights, error.sum(axis=0), *gradients]
        if index:
            error = (error @ weights.T) * (found[index] > 0)
    return gradients


def _logistic(values: Array) -> Array:
    # Beyond these it is 0 or 1 in any case.
    return 1 / (1 + np.exp(-np.clip(values, -60, 60)))


def quality(probability: Array, target: Array) -> Quality:
    """Compares probabilities with what happened."""
    rainy = float(target.mean())
    safe = np.clip(probability, 1e-7, 1 - 1e-7)
    return Quality(
        samples=len(target),
        accuracy=float(((probability >= 0.5) == (target == 1)).mean()),
        baseline=max(rainy, 1 - rainy),
        roc_auc=_roc_auc(probability, target),
        log_loss=float(-(target * np.log(safe) + (1 - target) * np.log(1 - safe)).mean()),
    )


def _roc_auc(probability: Array, target: Array) -> float:
    """By ranks (Mann and Whitney); equal probabilities share their ranks. 0.5 where there is only one kind."""
    positive = int(target.sum())
    negative = len(target) - positive
    if not positive or not negative:
        return 0.5
    values, inverse, counts = np.unique(probability, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[target == 1].sum() - positive * (positive + 1) / 2) / (positive * negative))
