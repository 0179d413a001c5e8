"""Programs that the benchmarks start: each a process of its own, ended with the run."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

PATIENCE = 60.0


class Failure(Exception):
    """A measurement that did not happen, in words for people."""


class Program:
    """A process that goes on until it is stopped; its output is in a log file."""

    def __init__(self, arguments, log, environment=None):
        self.log = pathlib.Path(log)
        self.started = time.monotonic()
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                [str(argument) for argument in arguments], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})})

    def wait_for(self, what, condition, patience=PATIENCE):
        """Waits until a condition gives something, which it returns."""
        deadline = time.monotonic() + patience
        while not (value := condition()):
            if self.process.poll() is not None:
                raise Failure(f"{self.log.stem} ended while waiting for {what}:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise Failure(f"waited {patience:.0f} s for {what}:\n{self.last_lines()}")
            time.sleep(0.01)
        return value

    def last_lines(self):
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])

    def json_line(self, member=""):
        """The first line of JSON that it printed, or the first with a member; None before."""
        for line in self.log.read_text(errors="replace").splitlines(keepends=True):
            if line.startswith("{") and line.endswith("\n") and f'"{member}' in line:
                return json.loads(line)
        return None

    def finish(self, timeout):
        """Waits until it has ended well; returns the last line of JSON that it printed."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.log.stem} took more than {timeout} s:\n{self.last_lines()}") from None
        if code != 0:
            raise Failure(f"{self.log.stem} failed ({code}):\n{self.last_lines()}")
        return json.loads(self.log.read_text().strip().splitlines()[-1])

    def resident_mib(self, most=False):
        """VmRSS, or the most that it ever was, in MiB."""
        wanted = "VmHWM:" if most else "VmRSS:"
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(wanted):
                return int(line.split()[1]) / 1024
        raise Failure(f"{self.log.stem} has no {wanted[:-1]}")

    def own_mib(self):
        """RssAnon: its own memory, without the text of the program, in MiB."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
        raise Failure(f"{self.log.stem} has no RssAnon")

    def written_bytes(self):
        """Bytes that it has had written to a disk, so far."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/io").read_text().splitlines():
            if line.startswith("write_bytes:"):
                return int(line.split()[1])
        raise Failure(f"{self.log.stem} has no write_bytes")

    def kill(self):
        """Ends it at once, as a power cut does."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it as an operator does, and by force where that takes too long."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


@contextlib.contextmanager
def running(arguments, log):
    """A program for the time of a block."""
    program = Program(arguments, log)
    try:
        yield program
    finally:
        program.kill()


def run(arguments, environment=None, timeout=300):
    """Runs a program to its end and returns what it printed."""
    arguments = [str(argument) for argument in arguments]
    try:
        result = subprocess.run(
            arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False,
            env={**os.environ, **(environment or {})})
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(arguments)} took more than {timeout} s") from None
    if result.returncode != 0:
        raise Failure(f"{' '.join(arguments)} failed ({result.returncode}):\n{result.stderr.strip()}")
    return result.stdout


def run_json(arguments, timeout=300):
    """Runs a program to its end and reads the last line that it printed as JSON."""
    return json.loads(run(arguments, timeout=timeout).strip().splitlines()[-1])


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
