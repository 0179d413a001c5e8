"""A sensor script: samples, publishes, and takes its interval from commands.

    pip install ./python
    python Examples/python/publish_sensor.py --token bme680-1.token
    hedgerow publish commands/bme680-1/set --value interval=0.5

Put your sensor into read_sensor(). Pull the plug wherever you like: what was acknowledged is stored exactly once.
"""

from __future__ import annotations

import argparse
import logging
import random
import signal
import time

import hedgerow


def read_sensor() -> dict[str, hedgerow.Value]:
    """Samples once. This one makes its values up; yours may raise OSError."""
    return {"temperature": round(random.gauss(21.4, 0.2), 2), "humidity": round(random.gauss(43, 1), 1)}


def stop(number: int, frame: object) -> None:
    """Ends the script as Ctrl-C does, so that what is buffered is still flushed."""
    raise KeyboardInterrupt


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Publish a sensor's readings.")
    parser.add_argument("--token", help="token file; needed for the first time")
    parser.add_argument("--state", help="state directory (default: in ~/.local/state/hedgerow)")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between samples")
    parser.add_argument("--count", type=int, help="end after so many samples")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, stop)

    interval = arguments.interval
    # A sensor's newest values matter most: with the line down for longer than the buffer lasts, the oldest give way,
    # and the ledger names them. Leave overflow out to have publish() wait instead.
    with hedgerow.Thing(arguments.token, state=arguments.state, overflow="drop-oldest") as thing:
        commands = thing.subscribe(f"commands/{thing.name}/#")
        topic = f"{thing.name}/readings"
        sampled = 0
        try:
            while arguments.count is None or sampled < arguments.count:
                try:
                    thing.publish(topic, read_sensor(), units={"temperature": "°C", "humidity": "%RH"})
                except OSError as error:
                    thing.publish_failure(topic, str(error))
                sampled += 1
                # Until the next sample is due, commands are heard.
                due = time.monotonic() + interval
                while (left := due - time.monotonic()) > 0:
                    command = commands.get(timeout=left)
                    wished = command.values.get("interval") if command else None
                    if isinstance(wished, (int, float)) and wished > 0:
                        interval = float(wished)
                        print(f"sampling every {interval:g} s", flush=True)
                        break
        except KeyboardInterrupt:
            pass
    counts = thing.statistics
    print(f"published {counts.published}, acknowledged {counts.acknowledged}, lost {counts.lost}")


if __name__ == "__main__":
    main()
