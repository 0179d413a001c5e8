"""Publishes events as a thing and waits for what a component makes of each.

usage: round_trips.py STATE COUNT

Prints the quantiles as JSON.
"""

import json
import sys
import time

from hedgerow import Thing


def main():
    """Measures."""
    state, count = sys.argv[1], int(sys.argv[2])
    took = []
    with Thing(state=state) as thing:
        arrivals = iter(thing.subscribe("bench/handled"))
        for number in range(count + 20):
            began = time.monotonic()
            thing.publish("bench/event", {"n": number})
            while next(arrivals).values["n"] != number:
                pass
            if number >= 20:
                took.append(time.monotonic() - began)
            time.sleep(max(0.0, 0.05 - (time.monotonic() - began)))
    took.sort()
    print(json.dumps({"p50_ms": took[len(took) // 2] * 1000, "p99_ms": took[min(len(took) - 1, len(took) * 99 // 100)] * 1000}))


if __name__ == "__main__":
    main()
