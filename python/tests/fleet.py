"""A cloud, cores and an operator as real processes in one directory, for tests.

Every program listens on loopback at a port that was free when it was first asked for, and keeps it over its restarts.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import grpc

import hedgerow
from hedgerow._identity import Identity, IdentityDirectory
from hedgerow._wire import Discovery, Target, cloud_targets, dial
from hedgerow.deployment.v1 import deployment_pb2, deployment_pb2_grpc
from hedgerow.discovery.v1 import discovery_pb2
from hedgerow.registry.v1 import registry_pb2, registry_pb2_grpc, secret_pb2

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAMS = Path(os.environ.get("HEDGEROW_BIN") or REPOSITORY / ".build" / "debug").resolve()
# The pauses between attempts, short so that tests are.
QUICK = hedgerow.Backoff(initial=0.05, maximum=0.5)

_T = TypeVar("_T")


def eventually(what: str, condition: Callable[[], _T | None], within: float = 30.0) -> _T:
    """Returns the condition's result as soon as it is true; fails at the deadline."""
    deadline = time.monotonic() + within
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within:g} s: {what}")
        time.sleep(0.02)


def free_port(taken: set[int]) -> int:
    """A port below the range that the system takes ports for outgoing connections from."""
    for _ in range(200):
        port = random.randrange(18_000, 32_000)
        if port in taken:
            continue
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


class Fleet:
    """Made by :func:`running`, which also kills everything in the end."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.home = directory / "home"
        self.options: dict[str, list[str]] = {}
        """Further arguments of a member."""
        self.environment: dict[str, str] = {}
        """Further variables of every member."""
        self._ports: dict[str, int] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    # Processes

    def port(self, name: str) -> int:
        """The port of a member."""
        if name not in self._ports:
            self._ports[name] = free_port(set(self._ports.values()))
        return self._ports[name]

    def start_cloud(self) -> None:
        """Starts the cloud and waits until it is up."""
        arguments = ["serve", "--state", str(self.directory / "cloud"), "--advertise", "127.0.0.1"]
        arguments += self.options.get("cloud", [])
        for listener in ("listen", "enrollment"):
            arguments += [f"--{listener}-host", "127.0.0.1", f"--{listener}-port", str(self.port(f"cloud {listener}"))]
        self._start("cloud", "hedgerow-cloud", arguments)

    def start_core(self, name: str, wait: bool = True) -> None:
        """Starts a core. Before its first deployment it does not serve, so that there is nothing to wait for."""
        arguments = ["run", "--state", str(self.directory / name), "--token", str(self.token(name))]
        arguments += ["--listen-host", "127.0.0.1", "--listen-port", str(self.port(name))]
        arguments += self.options.get(name, [])
        self._start(name, "hedgerow-core", arguments, wait)

    def _start(self, name: str, program: str, arguments: list[str], wait: bool = True) -> None:
        ports = self.directory / name / "ports.json"
        ports.unlink(missing_ok=True)
        with open(self.directory / f"{name}.log", "ab") as log:
            # They die with the tests, however those end.
            guard = ["/usr/bin/setpriv", "--pdeathsig", "KILL"] if os.path.exists("/usr/bin/setpriv") else []
            self._processes[name] = subprocess.Popen(
                [*guard, str(PROGRAMS / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.variables(),
            )
        if wait:
            self.wait_until_listening(name)

    def variables(self) -> dict[str, str]:
        """What a program of the fleet sees of the environment: nothing of the one that the tests run in but the path."""
        basic = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(self.directory)}
        return {**basic, "HEDGEROW_HOME": str(self.home), **self.environment}

    def command(self, *arguments: str) -> str:
        """Runs the command line as the operator; returns what it prints."""
        result = subprocess.run(
            [str(PROGRAMS / "hedgerow"), *arguments], capture_output=True, text=True, timeout=60, env=self.variables()
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def start_thing(self, name: str, *arguments: str) -> None:
        """Starts a thing with a simulated sensor as a process of its own."""
        options = ["thing", "run", "--token", str(self.token(name)), "--state", str(self.state(name))]
        self._start(name, "hedgerow", [*options, *arguments], wait=False)

    def wait_until_ended(self, name: str) -> None:
        """Waits until a member has ended by itself, well."""
        assert self._processes[name].wait(timeout=60) == 0, self.log(name)

    def wait_until_listening(self, name: str) -> None:
        """Waits until a member says where it listens."""

        def listens() -> bool:
            status = self._processes[name].poll()
            assert status is None, f"{name} ended with {status}: {self.log(name)}"
            return (self.directory / name / "ports.json").exists()

        eventually(f"{name} listens", listens, within=60)

    def kill(self, name: str) -> None:
        """Kills a member (SIGKILL) and returns when it is gone."""
        self._processes[name].send_signal(signal.SIGKILL)
        self._processes[name].wait(timeout=20)

    def stop(self, name: str) -> None:
        """Asks a member to end (SIGTERM) and returns when it is gone."""
        self._processes[name].send_signal(signal.SIGTERM)
        self._processes[name].wait(timeout=20)

    def freeze(self, name: str, frozen: bool) -> None:
        """Stops a member without ending it: its connections stay open, and nobody answers on them."""
        self._processes[name].send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def kill_all(self) -> None:
        """Ends everything that still runs."""
        for process in self._processes.values():
            if process.poll() is None:
                process.kill()
        for process in self._processes.values():
            process.wait(timeout=20)

    def log(self, name: str) -> str:
        """The end of a member's output."""
        return (self.directory / f"{name}.log").read_text(errors="replace")[-4_000:]

    def logs(self) -> str:
        """The end of everybody's output."""
        return "\n".join(f"--- {name}\n{self.log(name)}" for name in self._processes)

    # Operating

    def token(self, name: str) -> Path:
        """The token file of a member."""
        return self.directory / f"{name}.token"

    def state(self, name: str) -> Path:
        """The state directory of a thing."""
        return self.directory / f"state-{name}"

    def client(self, timeout: float = 30) -> hedgerow.Client:
        """The operator's client."""
        return hedgerow.Client(home=self.home, token=self.directory / "cloud" / "operator.token", timeout=timeout)

    def identity(self, directory: Path | None = None) -> Identity:
        """The operator's identity, or the one in a directory."""
        identity = IdentityDirectory(directory or self.home).load()
        assert identity is not None
        return identity

    @contextlib.contextmanager
    def channel(self, directory: Path | None = None) -> Iterator[grpc.Channel]:
        """A channel to the cloud as the operator, or as the identity in a directory."""
        identity = self.identity(directory)
        with dial(cloud_targets(identity)[0], identity) as channel:
            yield channel

    def register(self, *, cores: list[str] | None = None, things: list[str] | None = None) -> None:
        """Registers members and writes their token files."""
        kinds = [(name, registry_pb2.THING_KIND_CORE, registry_pb2.IDENTITY_ROLE_CORE) for name in cores or []]
        kinds += [(name, registry_pb2.THING_KIND_THING, registry_pb2.IDENTITY_ROLE_THING) for name in things or []]
        with self.channel() as channel:
            registry = registry_pb2_grpc.RegistryServiceStub(channel)
            for name, kind, role in kinds:
                thing = registry_pb2.CreateThingRequest(request_id=f"make-{name}", name=name, kind=kind)
                registry.CreateThing(thing, timeout=30)
                answer = registry.CreateToken(registry_pb2.CreateTokenRequest(role=role, name=name), timeout=30)
                self.token(name).write_text(answer.token_file)

    def apply(self, definition: str) -> None:
        """Applies a group."""
        with self.channel() as channel:
            request = registry_pb2.ApplyGroupRequest(definition=definition)
            registry_pb2_grpc.RegistryServiceStub(channel).ApplyGroup(request, timeout=30)

    def set_secret(self, group: str, name: str, value: bytes) -> None:
        """Sets a secret of a group."""
        with self.channel() as channel:
            request = secret_pb2.SetSecretRequest(group=group, name=name, value=value)
            registry_pb2_grpc.RegistryServiceStub(channel).SetSecret(request, timeout=30)

    def deploy(self, group: str) -> None:
        """Deploys a group and waits until its cores run it."""
        with self.channel() as channel:
            service = deployment_pb2_grpc.DeploymentServiceStub(channel)
            request = deployment_pb2.CreateDeploymentRequest(request_id=os.urandom(8).hex(), group=group)
            number = service.CreateDeployment(request, timeout=30).deployment.id

            def is_done() -> bool:
                found = service.GetDeployment(deployment_pb2.GetDeploymentRequest(id=number), timeout=30).deployment
                statuses = {core.status for core in found.cores}
                assert deployment_pb2.DEPLOYMENT_STATUS_FAILED not in statuses, found
                return statuses == {deployment_pb2.DEPLOYMENT_STATUS_SUCCEEDED}

            eventually(f"{group} is deployed", is_done, within=60)

    def build(
        self,
        *,
        cores: list[str],
        things: list[str],
        extra: str = "",
        streams: str = "",
        before_cores: Callable[[], None] = lambda: None,
    ) -> None:
        """Starts a cloud and cores, and deploys a group in which readings go up and commands come down."""
        self.start_cloud()
        self.client().close()
        self.register(cores=cores, things=things)
        routes = ["- {from: 'thing:*', topic: '+/readings', to: cloud}", *filter(None, [extra])]
        routes += [f"- {{from: cloud, topic: 'commands/{name}/#', to: 'thing:{name}'}}" for name in things]
        definition = {"cores": cores, "things": things}
        lines = ["kind: Group", "name: hall"]
        lines += [f"{key}: {json.dumps(value)}" for key, value in definition.items()]
        lines += ["subscriptions:", *(f"  {route}" for route in routes), streams]
        self.apply("\n".join(lines))
        before_cores()
        for name in cores:
            self.start_core(name, wait=False)
        self.deploy("hall")
        for name in cores:
            self.wait_until_listening(name)

    # Servers, from outside

    def server(self, name: str, thing: str) -> tuple[Target, Identity]:
        """The cloud or a core as a thing finds it, with the identity of the thing, which is enrolled first."""
        identity = hedgerow.enroll(self.token(thing), self.state(thing))
        if name == "cloud":
            return cloud_targets(identity)[0], identity
        with dial(cloud_targets(identity)[0], identity) as channel:
            request = discovery_pb2.DiscoverRequest(thing=thing)
            answer = Discovery(channel).discover(request, timeout=30)
        [target] = [
            Target(core.core, hedgerow.Endpoint(end.host, end.port), core.server_name, "\n".join(group.ca_certificates))
            for group in answer.groups
            for core in group.cores
            for end in core.endpoints
            if core.core == name
        ]
        return target, identity

    # Things

    def thing(self, name: str, **options: object) -> hedgerow.Thing:
        """A thing with short pauses."""
        options.setdefault("backoff", QUICK)
        return hedgerow.Thing(self.token(name), state=self.state(name), **options)  # type: ignore[arg-type]


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Fleet]:
    """A fleet without processes; kills those that were started, and shows their logs where the test failed."""
    fleet = Fleet(directory)
    try:
        yield fleet
    except BaseException:
        fleet.kill_all()
        print(fleet.logs())
        raise
    finally:
        fleet.kill_all()
