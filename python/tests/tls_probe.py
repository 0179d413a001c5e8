"""Looks at a TLS listener from outside: by `openssl s_client`, by bytes of its own, and by sslyze."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import socket
import struct
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# The header of HTTP/2's first frame, SETTINGS on stream 0: the server has let the client in.
_LET_IN = re.compile(rb"\x04\x00\x00\x00\x00\x00", re.DOTALL)
# What a client of HTTP/2 says first. The server's answer to it brings the tickets of TLS 1.3 along.
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")


@dataclass(frozen=True)
class Listener:
    """A listener, and what a client needs for it."""

    name: str
    port: int
    server_name: str
    roots: Path
    """The authorities of its certificate."""
    demands_certificate: bool


@dataclass(frozen=True)
class ClientFiles:
    """A client's certificate, in the files that openssl wants."""

    leaf: Path
    issuers: Path
    key: Path


@dataclass(frozen=True)
class Handshake:
    """What `openssl s_client` saw."""

    let_in: bool
    """Whether the server began to speak HTTP/2."""
    output: str
    """All that it printed."""
    ended: bool = True
    """Whether the server ended the connection."""

    def found(self, pattern: str) -> str:
        """The first group of a pattern in the output, empty where it is not there."""
        match = re.search(pattern, self.output)
        return match[1] if match else ""

    @property
    def protocol(self) -> str:
        """The version of TLS."""
        return self.found(r"(?m)^New, (\S+), Cipher")

    @property
    def cipher(self) -> str:
        """The suite; ``(NONE)`` where there is none."""
        return self.found(r"(?m)^New, .*Cipher is (\S+)")

    @property
    def alert(self) -> str:
        """The server's last word: the name of its alert."""
        return self.found(r"alert ([a-z ]+):.*SSL alert number")


def openssl(
    listener: Listener,
    *options: str,
    client: ClientFiles | None = None,
    alpn: str = "h2",
    until: re.Pattern[bytes] | None = _LET_IN,
    within: float = 20,
) -> Handshake:
    """Runs `openssl s_client` until the server lets it in, or until something else is printed, or to the end."""
    command = ["openssl", "s_client", "-nocommands", "-connect", f"127.0.0.1:{listener.port}"]
    command += ["-servername", listener.server_name, "-verify_hostname", listener.server_name]
    command += ["-CAfile", str(listener.roots), "-alpn", alpn, *options]
    if client is not None:
        command += ["-cert", str(client.leaf), "-key", str(client.key), "-cert_chain", str(client.issuers)]
    output = b""
    with (
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        ) as process,
        selectors.DefaultSelector() as selector,
    ):
        # Standard input stays open: at its end openssl would leave before the server has said what it thinks.
        assert process.stdout is not None and process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(_HELLO)
        selector.register(process.stdout, selectors.EVENT_READ)
        deadline = time.monotonic() + within
        ended = False
        while until is None or not until.search(output):
            if not selector.select(timeout=max(deadline - time.monotonic(), 0)):
                break
            data = os.read(process.stdout.fileno(), 65_536)
            if not data:
                ended = True
                break
            output += data
        process.kill()
    return Handshake(_LET_IN.search(output) is not None, output.decode("utf-8", errors="replace"), ended)


def answers_ssl_2(listener: Listener) -> bool:
    """Whether a ClientHello of SSL 2.0 is answered by a ServerHello of it; openssl has forgotten how to ask."""
    suites = bytes.fromhex("010080 020080 030080 040080 050080 060040 0700c0".replace(" ", ""))
    hello = b"\x01\x00\x02" + struct.pack(">HHH", len(suites), 0, 16) + suites + bytes(16)
    with socket.create_connection(("127.0.0.1", listener.port), timeout=20) as connection:
        connection.sendall(struct.pack(">H", 0x8000 | len(hello)) + hello)
        with contextlib.suppress(ConnectionError):
            answer = connection.recv(64)
            return len(answer) > 2 and answer[0] & 0x80 != 0 and answer[2] == 4
    return False


@dataclass
class Findings:
    """What sslyze found at one listener: a line of words for each check."""

    rows: dict[str, str] = field(default_factory=dict)


def scan(listeners: list[Listener], client: ClientFiles, chain: Path) -> dict[str, Findings]:
    """Runs sslyze's checks against every listener. What it asks in HTTP is left out: who does not agree on HTTP/2 is not
    listened to."""
    import sslyze

    requests = []
    for listener in listeners:
        credentials = None
        if listener.demands_certificate:
            credentials = sslyze.ClientAuthenticationCredentials(chain, client.key)
        requests.append(
            sslyze.ServerScanRequest(
                sslyze.ServerNetworkLocation(listener.server_name, listener.port, ip_address="127.0.0.1"),
                sslyze.ServerNetworkConfiguration(listener.server_name, tls_client_auth_credentials=credentials),
            )
        )
    scanner = sslyze.Scanner()
    scanner.queue_scans(requests)
    names = {listener.port: listener.name for listener in listeners}
    return {names[result.server_location.port]: _findings(result) for result in scanner.get_results()}


def _findings(result: Any) -> Findings:
    found = Findings()
    assert result.scan_result is not None, result.connectivity_error_trace

    def of(command: str) -> Any:
        attempt = getattr(result.scan_result, command)
        assert attempt.result is not None, f"{command}: {''.join(attempt.error_trace.format())}"
        return attempt.result

    def suites(version: str) -> str:
        accepted = of(f"{version}_cipher_suites").accepted_cipher_suites
        assert all(suite.ephemeral_key is not None for suite in accepted), "forward secrecy"
        return ", ".join(sorted(suite.cipher_suite.name for suite in accepted)) or "refused"

    for title, version in (("SSL 3.0", "ssl_3_0"), ("TLS 1.0", "tls_1_0"), ("TLS 1.1", "tls_1_1")):
        found.rows[title] = suites(version)
    found.rows["TLS 1.2"] = suites("tls_1_2")
    found.rows["TLS 1.3"] = suites("tls_1_3")
    curves = of("elliptic_curves").supported_curves
    found.rows["Key exchange"] = ", ".join(sorted(curve.name for curve in curves))
    found.rows["Compression (CRIME)"] = "yes" if of("tls_compression").supports_compression else "no"
    renegotiation = of("session_renegotiation")
    found.rows["Renegotiation by the client"] = (
        "accepted" if renegotiation.is_vulnerable_to_client_renegotiation_dos else "refused"
    )
    found.rows["Secure renegotiation (RFC 5746)"] = "yes" if renegotiation.supports_secure_renegotiation else "no"
    found.rows["Extended master secret"] = (
        "yes" if of("tls_extended_master_secret").supports_ems_extension else "no"
    )
    found.rows["Fallback signal (RFC 7507)"] = "yes" if of("tls_fallback_scsv").supports_fallback_scsv else "no"
    found.rows["Heartbleed"] = "vulnerable" if of("heartbleed").is_vulnerable_to_heartbleed else "no"
    injection = of("openssl_ccs_injection")
    found.rows["CCS injection"] = "vulnerable" if injection.is_vulnerable_to_ccs_injection else "no"
    robot = of("robot").robot_result.name
    found.rows["ROBOT"] = "no" if robot.startswith("NOT_VULNERABLE") else robot
    [deployment] = of("certificate_info").certificate_deployments
    leaf = deployment.received_certificate_chain[0]
    assert deployment.received_chain_has_valid_order
    key = leaf.public_key()
    found.rows["Certificate"] = f"{key.curve.name}, {leaf.signature_hash_algorithm.name}"
    return found
