"""Two hundred simulated cores against one cloud: a rollout that stops by itself, and one that reaches all."""

import json
import time

from fleet import Fleet
from processes import Failure, run

CORES = 200
FAILING = 10
IN_FLIGHT = 20


def rollout(samples, programs, directory, quick):
    """One in ten cores fails on purpose; counts must add up."""
    count = 50 if quick else CORES
    fleet = Fleet(programs, directory)
    crowd = None
    try:
        fleet.start_cloud()
        fleet.hedgerow("init", fleet.path / "cloud/operator.token")
        fleet.cloud_name = json.loads((fleet.path / "operator/identity.json").read_text())["cloudServerName"]
        (fleet.path / "crowd").mkdir()
        for number in range(1, count + 1):
            state = fleet.path / f"crowd/load-{number:04}"
            state.mkdir()
            run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                 "/CN=x", "-keyout", state / "key.pem", "-outform", "DER", "-out", state / "request.der"])
        fleet.bench("enroll-cores", *fleet.cloud_options(), "--enrollment", f"{fleet.cloud_name}@"
                    f"{fleet.enrollment_port}", "--directory", fleet.path / "crowd", "--count", count)
        names = [f"load-{number:04}" for number in range(1, count + 1)]
        (fleet.path / "crowd.yaml").write_text(f"kind: Group\nname: crowd\ncores: [{', '.join(names)}]\n")
        fleet.hedgerow("apply", "-f", fleet.path / "crowd.yaml")
        before = fleet.cloud.resident_mib()
        crowd = fleet.start_bench(
            "core-crowd", "core-crowd", "--cloud", f"{fleet.cloud_name}@{fleet.cloud_port}", "--directory",
            fleet.path / "crowd", "--count", count, "--failing", FAILING)
        attached = crowd.wait_for("all cores to attach", lambda: crowd.json_line("attached"), 120)
        time.sleep(2)
        samples.add(
            "rollout.cloud_kib_per_core", (fleet.cloud.resident_mib() - before) * 1024 / count, "KiB",
            f"VmRSS of the cloud with {count} attached cores less that with none, for each; all attached in "
            f"{attached['seconds']:.2f} s")

        stopped = deploy(fleet, "--max-in-flight", IN_FLIGHT, "--abort-above", 5, "--abort-after", 20)
        tally = counted(stopped, count)
        if stopped["state"] != "ABORTED" or not tally.get("CANCELED"):
            raise Failure(f"one core in {FAILING} failed, and the rollout did not stop: {tally}")
        samples.add(
            "rollout.begun_before_abort", count - tally["CANCELED"], "cores",
            f"of {count}, {IN_FLIGHT} at once, one in {FAILING} fails, to stop above 5 % once 20 have ended: {tally}")

        started = time.monotonic()
        reached = deploy(fleet, "--max-in-flight", IN_FLIGHT)
        took = time.monotonic() - started
        tally = counted(reached, count)
        if tally != {"SUCCEEDED": count - count // FAILING, "FAILED": count // FAILING}:
            raise Failure(f"the counts do not add up: {tally}")
        samples.add(
            "rollout.ms_per_core", took * 1000 / count, "ms",
            f"{count} cores, {IN_FLIGHT} at once, 20 ms of work each: {took:.2f} s from `hedgerow deploy --wait` to its "
            f"end; {tally}; VmRSS of the cloud then {fleet.cloud.resident_mib():.0f} MiB")
    finally:
        if crowd is not None:
            crowd.kill()
        fleet.stop()


def change(samples, programs, directory, quick):
    """A change of routes and of a stream on a connected core, from `hedgerow deploy` to SUCCEEDED."""
    fleet = Fleet(programs, directory)
    try:
        fleet.set_up()
        definition = (fleet.path / "group.yaml").read_text()
        for number in range(2 if quick else 5):
            (fleet.path / "group.yaml").write_text(
                definition + f"  extra: {{priority: {number % 10 + 1}}}\n")
            fleet.hedgerow("apply", "-f", fleet.path / "group.yaml")
            started = time.monotonic()
            fleet.hedgerow("deploy", "bench", "--wait")
            samples.add(
                "deploy.config_change_ms", (time.monotonic() - started) * 1000, "ms",
                "`hedgerow deploy --wait`, its start and its connection included, until the core runs the change; "
                "nothing is fetched")
    finally:
        fleet.stop()


def deploy(fleet, *options):
    """Deploys and waits; returns the deployment as it ended."""
    made = json.loads(fleet.hedgerow("deploy", "crowd", *options, "-o", "json"))
    deadline = time.monotonic() + 120
    while True:
        now = json.loads(fleet.hedgerow("deployments", "show", made["id"], "-o", "json"))
        if all(core["status"] not in ("PENDING", "IN_PROGRESS") for core in now["cores"]):
            return now
        if time.monotonic() > deadline:
            raise Failure("the rollout did not come to an end within two minutes")
        time.sleep(0.05)


def counted(deployment, count):
    """How many cores have each status."""
    tally = {}
    for core in deployment["cores"]:
        tally[core["status"]] = tally.get(core["status"], 0) + 1
    if sum(tally.values()) != count:
        raise Failure(f"{sum(tally.values())} cores of {count} are accounted for")
    return tally
