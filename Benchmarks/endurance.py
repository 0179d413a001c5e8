"""What takes longer and is measured once: a thousand things, ten million readings, and the disk itself."""

import os
import statistics
import time

from fleet import Fleet
from pipeline import CHUNK, IN_FLIGHT

THINGS = 1_000


def things(samples, programs, directory, quick):
    """A thousand things with connections of their own, and how they come back after the core was killed."""
    seconds = 15 if quick else 120
    fleet = Fleet(programs, directory)
    load = None
    try:
        fleet.set_up(crowd=THINGS)
        load = fleet.start_bench(
            "fleet-load", "fleet-load", "--directory", fleet.path / "crowd", "--count", THINGS,
            "--seconds", seconds)
        load.wait_for("all things to connect", lambda: load.json_line("connected"), 200)
        steady = load.wait_for("the steady part", lambda: load.json_line('acknowledged"'), seconds + 60)
        rate = steady["acknowledged"] / steady["measured_s"]
        samples.add(
            "core.rss.things1000_mib", fleet.core.resident_mib(), "MiB",
            f"VmRSS after {seconds} s of {THINGS:,} things at 1 reading/s, each with an mTLS connection of its "
            f"own; at most {fleet.core.resident_mib(most=True):.0f} since the start")
        samples.add(
            "things1000.acknowledged_per_second", rate, "readings/s",
            f"of {THINGS:,} offered, SYNCED; {steady['cuts']:.0f} connections were lost and made again")
        for quantile in ("p50", "p99"):
            samples.add(
                f"things1000.ack.{quantile}_ms", steady[f"ack_{quantile}_ms"], "ms",
                "publish call to acknowledgement (SYNCED), ThingClient")
        fleet.core.kill()
        fleet.start_core()
        back = load.finish(200)
        samples.add(
            "storm.connected_s", back["acknowledged_s"] - fleet.core.started, "s",
            f"exec of the core after SIGKILL until all {THINGS:,} things are connected and acknowledged "
            f"again; all connected after {back['reconnected_s'] - fleet.core.started:.2f} s; "
            f"{back['failures']:.0f} attempts failed meanwhile; VmRSS then "
            f"{fleet.core.resident_mib():.0f} MiB")
    finally:
        if load is not None:
            load.kill()
        fleet.stop()


def flat(samples, programs, directory, quick):
    """Resident memory after a million readings and after ten."""
    first, total = (200_000, 1_000_000) if quick else (1_000_000, 10_000_000)
    fleet = Fleet(programs, directory)
    try:
        fleet.set_up()
        resident = []
        for readings in (first, total - first):
            fleet.publish(100, 600, IN_FLIGHT[100], CHUNK[100], readings=readings)
            time.sleep(5 if quick else 10)
            resident.append(fleet.core.resident_mib())
        samples.add(
            "core.rss.flat_growth_mib", resident[1] - resident[0], "MiB",
            f"VmRSS idle after {total:,} readings ({resident[1]:.1f}) less that after {first:,} "
            f"({resident[0]:.1f})")
    finally:
        fleet.stop()


def fsync(samples, directory):
    """What one small append costs, with its fdatasync, where the databases are."""
    took = []
    path = directory / "fsync"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for _ in range(300):
            started = time.perf_counter()
            os.write(handle, bytes(4096))
            os.fdatasync(handle)
            took.append((time.perf_counter() - started) * 1000)
            time.sleep(0.002)
    finally:
        os.close(handle)
        path.unlink()
    samples.add("disk.fsync.p50_ms", statistics.median(took), "ms",
                "append of 4 KiB and fdatasync, beside the databases")
    samples.add("disk.fsync.p99_ms", statistics.quantiles(took, n=100)[98], "ms", "the same")
