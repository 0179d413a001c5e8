"""Reads history into CSV, and says whether anything is missing from it.

    pip install ./python
    hedgerow init state/cloud/operator.token      # once: this script uses the command line's identity
    python Examples/python/history.py --thing bme680-1 --topic '+/readings' > readings.csv

For a notebook:

    import hedgerow, pandas
    with hedgerow.Client() as cloud:
        frame = pandas.DataFrame(record.to_dict() for record in cloud.query(thing="bme680-1"))
    frame.set_index("time")["values.temperature"].plot()
"""

from __future__ import annotations

import argparse
import csv
import sys

import hedgerow


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Write history as CSV.")
    parser.add_argument("--home", help="directory with your identity (default: that of the command line)")
    parser.add_argument("--thing", required=True)
    parser.add_argument("--topic", default="#", help="topic filter")
    parser.add_argument("--limit", type=int)
    arguments = parser.parse_args()
    with hedgerow.Client(home=arguments.home) as cloud:
        rows = csv.writer(sys.stdout)
        rows.writerow(["time", "topic", "field", "value", "unit", "epoch", "sequence"])
        for record in cloud.query(thing=arguments.thing, topic=arguments.topic, limit=arguments.limit):
            time = record.time.isoformat() if record.time else ""
            for field, value in sorted(record.values.items()):
                unit = record.units.get(field, "")
                rows.writerow([time, record.topic, field, value, unit, record.epoch, record.sequence])
        ledger = cloud.ledger(arguments.thing)
    print(f"received {ledger.received}, lost {ledger.lost}, missing {ledger.missing}", file=sys.stderr)


if __name__ == "__main__":
    main()
