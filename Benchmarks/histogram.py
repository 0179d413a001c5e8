"""How values are spread, drawn with characters."""

import math

WIDTH, ROWS = 50, 24
# Medians; what lies beyond is no part of the picture's scale.
REACH = 4


def histogram(values, unit):
    """A line for each span of values, up to the 99th percentile or four medians; what is beyond is one line more."""
    values = sorted(values)
    low, high = values[0], values[math.ceil(len(values) * 0.99) - 1]
    high = max(low, min(high, REACH * values[len(values) // 2]))
    step = next(step for step in steps() if (math.floor(high / step) - math.floor(low / step)) < ROWS)
    first, last = math.floor(low / step), math.floor(high / step)
    counts = [0] * (last - first + 1)
    beyond = 0
    for value in values:
        index = math.floor(value / step) - first
        if index < len(counts):
            counts[index] += 1
        else:
            beyond += 1
    digits = max(0, -math.floor(math.log10(step)))
    rows = [(f"{(first + index) * step:.{digits}f} to {(first + index + 1) * step:.{digits}f}", count)
            for index, count in enumerate(counts)]
    if beyond:
        rows.append((f"to {values[-1]:.{digits}f}", beyond))
    label, number = max(len(name) for name, _ in rows), max(len(str(count)) for _, count in rows)
    most = max(count for _, count in rows)
    return "\n".join(f"{name:>{label}} {unit} {count:>{number}} {'#' * math.ceil(count * WIDTH / most)}".rstrip()
                     for name, count in rows)


def steps():
    """0.1, 0.2, 0.5, 1, 2, 5 and so on."""
    power = -1
    while True:
        yield from (digit * 10.0**power for digit in (1, 2, 5))
        power += 1
