"""A file of 50 MiB from the cloud to a core, against what a bare server stream moves in the same run."""

import hashlib
import os
import pathlib
import threading
import time

from bare import Bare
from fleet import GROUP, RECIPE, Fleet
from processes import Failure, running

MIB = 1 << 20
SIZE = 50 * MIB


def artifacts(samples, programs, directory, runs):
    """Takes the figures, each run with a bare stream directly before the download."""
    programs, directory = pathlib.Path(programs), pathlib.Path(directory)
    bare = Bare(programs / "hedgerow-bench", directory / "bare")
    fleet = Fleet(programs, directory / "fleet")
    try:
        fleet.set_up()
        for number in range(1, runs + 1):
            ceiling = stream(bare)
            seconds, before, most = download(fleet, number)
            rate = SIZE / MIB / seconds
            samples.add("ceiling.server_stream_mib_s", ceiling, "MiB/s",
                        "bare server stream of 256 KiB chunks from memory, mTLS, window 512 KiB, thrown away")
            samples.add("artifact.mib_s", rate, "MiB/s",
                        "50 MiB, cloud to core: verified, synced and in its place")
            samples.add("artifact.ratio_to_stream", rate / ceiling, "",
                        "artifact.mib_s to ceiling.server_stream_mib_s in the same run")
            samples.add("artifact.core.peak_mib", most - before, "MiB",
                        f"most memory of the core's own (RssAnon) during the download ({most:.0f}) above that before")
    finally:
        fleet.stop()


def stream(bare):
    """MiB per second of a bare server stream."""
    arguments = [bare.bench, "serve-bare-download", "--identity", bare.identity, "--bytes", SIZE]
    with running(arguments, bare.log("bare-download")) as server:
        port = int(server.wait_for("a bare server", server.json_line)["port"])
        found = bare.run(["download-bare", "--to", port])
        return found["bytes"] / MIB / found["seconds"]


def download(fleet, number):
    """Deploys a component with a new file; returns seconds, and the core's memory before and at most."""
    content = os.urandom(SIZE)
    digest = hashlib.sha256(content).hexdigest()
    folder = fleet.path / f"artifact-{number}"
    folder.mkdir()
    (folder / "model.bin").write_bytes(content)
    version = f"1.{number}.0"
    lines = f"artifacts:\n  - {{name: model.bin, sha256: {digest}, size: {SIZE}}}\n"
    (folder / "recipe.yaml").write_text(RECIPE.replace("1.0.0", version) + lines)
    (folder / "group.yaml").write_text(
        GROUP.replace("version: 1.0.0", f"version: {version}") % ", ".join(fleet.group))
    fleet.hedgerow("components", "push", folder / "recipe.yaml")
    fleet.hedgerow("apply", "-f", folder / "group.yaml")
    watch = Watch(fleet.core, fleet.path / "core/artifacts" / digest)
    before = fleet.core.own_mib()
    watch.start()
    fleet.hedgerow("deploy", "bench", "--wait")
    watch.join(60)
    if not watch.seconds:
        raise Failure("the core did not fetch the artifact of its deployment")
    return watch.seconds, before, watch.most


class Watch(threading.Thread):
    """Sees how long a file takes from its first byte's place to its name, and what memory the core has meanwhile."""

    def __init__(self, core, path):
        super().__init__(daemon=True)
        self.core, self.most = core, 0
        self.path, self.partial = path, path.with_name(path.name + ".partial")
        self.seconds = None

    def run(self):
        began, looks = None, 0
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if began is None and (self.partial.exists() or self.path.exists()):
                began = time.monotonic()
            if began is not None and self.path.exists():
                self.seconds = time.monotonic() - began
                return
            # Seldom: each look stops the core for a moment.
            if began is not None and time.monotonic() > looks:
                self.most = max(self.most, self.core.own_mib())
                looks = time.monotonic() + 0.02
            time.sleep(0.001)
