"""Ascending, disjoint, inclusive ranges of sequences.

The lists are short: one range for each time that something was lost or refused between two acknowledgements.
"""

from __future__ import annotations

__all__ = ["Ranges", "count", "dropping", "inserting", "intersecting", "subtracting"]

Ranges = list[tuple[int, int]]


def inserting(first: int, last: int, into: Ranges) -> Ranges:
    """The list with a range added, overlapping and neighbouring ranges merged."""
    result: Ranges = []
    placed = False
    for low, high in into:
        if high + 1 < first:
            result.append((low, high))
        elif last + 1 < low:
            if not placed:
                result.append((first, last))
                placed = True
            result.append((low, high))
        else:
            first, last = min(first, low), max(last, high)
    if not placed:
        result.append((first, last))
    return result


def intersecting(ranges: Ranges, first: int, last: int) -> Ranges:
    """The parts of a list that lie in a window."""
    return [(max(low, first), min(high, last)) for low, high in ranges if high >= first and low <= last]


def subtracting(ranges: Ranges, first: int, last: int) -> Ranges:
    """What is left of a window without the ranges of a list."""
    result: Ranges = []
    for low, high in intersecting(ranges, first, last):
        if low > first:
            result.append((first, low - 1))
        first = high + 1
    if first <= last:
        result.append((first, last))
    return result


def dropping(through: int, ranges: Ranges) -> Ranges:
    """The list without what lies at or below a sequence."""
    return [(max(low, through + 1), high) for low, high in ranges if high > through]


def count(ranges: Ranges) -> int:
    """How many sequences a list names."""
    return sum(high - low + 1 for low, high in ranges)
