"""Waiting between attempts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Backoff"]


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next attempt.

    1 s, then 1.6 times as long each time, at most 120 s, each spread by 20 % either way so that a fleet does not come
    back in step.
    """

    initial: float = 1.0
    """The first wait in seconds, above 0."""
    maximum: float = 120.0
    """The longest wait in seconds, before the spread."""
    factor: float = 1.6
    """By how much each wait is longer than the one before, at least 1."""
    jitter: float = 0.2
    """The spread, 0 to 1: 0.2 means 20 % either way."""

    def __post_init__(self) -> None:
        if not (self.initial > 0 and self.maximum >= self.initial and self.factor >= 1 and 0 <= self.jitter <= 1):
            raise ValueError(f"{self} is no backoff: see the limits of its fields")

    def waits(self, generator: random.Random | None = None) -> Iterator[float]:
        """The waits, without end. Begin anew with a new iterator after a success."""
        uniform = (generator or random.SystemRandom()).uniform
        wait = self.initial
        while True:
            yield wait * uniform(1 - self.jitter, 1 + self.jitter)
            wait = min(wait * self.factor, self.maximum)
