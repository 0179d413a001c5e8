"""The founding documents' way: Mosquitto with mutual TLS, and one Python function beside it."""

import os
import pathlib
import shutil
import subprocess

from certificates import make_certificates
from processes import Failure, free_port, run, run_json, running

HERE = pathlib.Path(__file__).resolve().parent
# What it needs beside Python, as Debian packages.
PACKAGES = ("mosquitto", "libmosquitto-dev", "gcc", "libc6-dev", "python3-venv")
IN_TOPIC, OUT_TOPIC = "bench/readings", "republish/reading"
# Readings that may be under way at full speed: more do not make it faster, only later; and at a steady rate.
WINDOW, STEADY_WINDOW = 200, 2_000


class Absent(Exception):
    """The comparison cannot be made here, in words that say what to install."""


def broker():
    """Path of the broker, None where it is not installed."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def prepare(scratch, tell):
    """Makes the load's program and the function's virtual environment; returns their paths.

    Installs the packages where it may (as root, by apt-get), else raises Absent.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    if not (broker() and shutil.which("cc") and pathlib.Path("/usr/include/mosquitto.h").exists()):
        install(tell)
    load = scratch / "load"
    source = HERE / "load.c"
    if not load.exists() or load.stat().st_mtime < source.stat().st_mtime:
        run(["cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", load, source, "-lmosquitto",
             "-lpthread", "-lm"])
    python = scratch / "venv/bin/python"
    requirements = HERE / "requirements.txt"
    stamp = scratch / "venv/requirements.txt"
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        try:
            run(["python3", "-m", "venv", "--clear", scratch / "venv"])
            run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r",
                 requirements])
        except Failure as failure:
            raise Absent(f"paho-mqtt could not be installed: {failure}") from None
        stamp.write_text(requirements.read_text())
    return load, python


def install(tell):
    """Installs the packages, or says that they are missing."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        tell(f"Installing {' '.join(PACKAGES)}")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *PACKAGES]):
            result = subprocess.run(
                ["apt-get", *words], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                check=False)
        if result.returncode == 0 and broker():
            return
    raise Absent(f"Mosquitto or its library is not installed; run: apt-get install {' '.join(PACKAGES)}")


class Mosquitto:
    """A broker and a function, for the time of a measurement."""

    def __init__(self, load, python, directory, cpu):
        self.load, self.python = load, python
        self.path = pathlib.Path(directory)
        self.path.mkdir(parents=True)
        self.cpu = cpu
        make_certificates(self.path)
        (self.path / "cpu_temperature").write_text(f"{cpu * 1000:.0f}\n")

    def measure(self, seconds, rate=0):
        """Runs the load; returns what it says, and the resident memory of broker and function in MiB.

        rate is readings per second, 0 for as fast as they come out.
        """
        port = free_port()
        lines = [
            f"listener {port} 127.0.0.1", f"cafile {self.path}/root.pem", f"certfile {self.path}/chain.pem",
            f"keyfile {self.path}/key.pem", "require_certificate true", "use_identity_as_username true",
            "allow_anonymous false", "persistence false", "set_tcp_nodelay true", "log_type error",
            # Nothing is held back or thrown away: the load bounds what is under way.
            "max_inflight_messages 0", "max_queued_messages 0"]
        if os.geteuid() == 0:
            lines.append("user root")
        configuration = self.path / "mosquitto.conf"
        configuration.write_text("\n".join(lines) + "\n")
        function = [self.python, HERE / "function.py", port, self.path, IN_TOPIC, OUT_TOPIC,
                    self.path / "cpu_temperature"]
        with running([broker(), "-c", configuration], self.path / f"mosquitto-{port}.log") as server:
            server.wait_for("the broker", lambda: listens(port))
            with running(function, self.path / f"function-{port}.log") as edge:
                edge.wait_for("the function to subscribe", edge.json_line)
                result = run_json(
                    [self.load, port, self.path, IN_TOPIC, OUT_TOPIC, self.cpu, seconds, rate,
                     STEADY_WINDOW if rate else WINDOW])
                return {**result, "broker_mib": server.resident_mib(), "function_mib": edge.resident_mib()}


def listens(port):
    """Whether somebody listens on a port, without connecting."""
    wanted = f":{port:04X}"
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(wanted) and fields[3] == "0A":
            return True
    return False
