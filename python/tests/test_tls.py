"""Every listener, looked at from outside: which TLS it speaks, and to whom.

docs/security.md has the table that this makes; it is compared here. After a change on purpose, write it anew:

    HEDGEROW_WRITE_DOCS=1 scripts/python-test.sh tests/test_tls.py
"""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fleet import REPOSITORY, Fleet, eventually
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived
from tls_probe import ClientFiles, Findings, Listener, answers_ssl_2, openssl, scan

from hedgerow.registry.v1 import registry_pb2, registry_pb2_grpc

PAGE = REPOSITORY / "docs" / "security.md"
BEGIN, END = "<!-- tls-scan: begin -->", "<!-- tls-scan: end -->"
LISTENERS = ["cloud", "enrolment", "core"]
# A client that asks for old versions has to allow itself their signatures.
OLD = ("-cipher", "DEFAULT:@SECLEVEL=0")


@pytest.fixture(scope="module")
def listeners(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Listener]:
    folder = tmp_path_factory.mktemp("roots")
    cloud, _ = fleet.server("cloud", "prober-tls")
    core, _ = fleet.server("core-1", "prober-tls")
    (folder / "cloud.pem").write_text(cloud.roots)
    (folder / "core.pem").write_text(core.roots)
    every = [
        Listener("cloud", fleet.port("cloud listen"), cloud.server_name, folder / "cloud.pem", True),
        Listener("enrolment", fleet.port("cloud enrollment"), cloud.server_name, folder / "cloud.pem", False),
        Listener("core", fleet.port("core-1"), core.server_name, folder / "core.pem", True),
    ]
    return {listener.name: listener for listener in every}


@pytest.fixture(scope="module")
def client(fleet: Fleet, listeners: dict[str, Listener], tmp_path_factory: pytest.TempPathFactory) -> ClientFiles:
    return client_files(fleet.state("prober-tls"), tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> ClientFiles:
    """A certificate that says it is the thing, by an authority of its own."""
    folder = tmp_path_factory.mktemp("stranger")
    files = ClientFiles(folder / "leaf.pem", folder / "leaf.pem", folder / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
        + ["-subj", "/CN=prober-tls", "-addext", "subjectAltName=URI:spiffe://hedgerow/thing/prober-tls"]
        + ["-addext", "extendedKeyUsage=clientAuth", "-keyout", files.key, "-out", files.leaf],
        check=True,
        capture_output=True,
    )
    return files


def client_files(state: Path, folder: Path) -> ClientFiles:
    chain = re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----\n", (state / "chain.pem").read_text(), re.DOTALL)
    files = ClientFiles(folder / "leaf.pem", folder / "issuers.pem", folder / "key.pem")
    files.leaf.write_text(chain[0])
    files.issuers.write_text("".join(chain[1:]))
    files.key.write_text((state / "key.pem").read_text())
    return files


@pytest.mark.parametrize("name", LISTENERS)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_tls_1_2_and_1_3_are_spoken(
    listeners: dict[str, Listener], client: ClientFiles, name: str, version: str
) -> None:
    listener = listeners[name]
    shown = client if listener.demands_certificate else None
    seen = openssl(listener, "-tls" + version.replace(".", "_"), client=shown)
    assert seen.let_in, seen.output
    assert seen.protocol == f"TLSv{version}" and "GCM" in seen.cipher or "POLY1305" in seen.cipher
    assert "Verify return code: 0 (ok)" in seen.output, "the server's chain and name are good"
    assert "Compression: NONE" in seen.output and "ALPN protocol: h2" in seen.output


@pytest.mark.parametrize("name", LISTENERS)
def test_nothing_may_be_sent_before_the_handshake_is_done(
    listeners: dict[str, Listener], client: ClientFiles, name: str
) -> None:
    """A session's ticket says how much early data, which could be replayed, the server would take."""
    # With -msg openssl does not keep back what it has printed.
    ticket = re.compile(rb"Max Early Data: \d+\n")
    seen = openssl(listeners[name], "-tls1_3", "-msg", client=client, until=ticket)
    assert seen.found(r"Max Early Data: (\d+)") == "0", seen.output


@pytest.mark.parametrize("name", LISTENERS)
@pytest.mark.parametrize("version", ["1", "1_1"])
def test_older_versions_are_refused(
    listeners: dict[str, Listener], client: ClientFiles, name: str, version: str
) -> None:
    seen = openssl(listeners[name], f"-tls{version}", *OLD, client=client)
    assert not seen.let_in and seen.cipher == "(NONE)", seen.output
    assert seen.alert == "protocol version", seen.output


@pytest.mark.parametrize("name", LISTENERS)
def test_suites_that_http_2_prohibits_are_refused(
    listeners: dict[str, Listener], client: ClientFiles, name: str
) -> None:
    """Without forward secrecy, or with CBC."""
    for suites in ("ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA", "AES256-GCM-SHA384:AES128-SHA", "aNULL:eNULL"):
        seen = openssl(listeners[name], "-tls1_2", "-cipher", f"{suites}:@SECLEVEL=0", client=client)
        assert not seen.let_in and seen.cipher == "(NONE)", seen.output
        assert seen.alert == "handshake failure", seen.output


@pytest.mark.parametrize("name", LISTENERS)
def test_only_http_2_is_spoken(listeners: dict[str, Listener], client: ClientFiles, name: str) -> None:
    seen = openssl(listeners[name], "-tls1_3", client=client, alpn="http/1.1", until=None)
    assert "No ALPN negotiated" in seen.output and seen.ended, seen.output


@pytest.mark.parametrize("name", LISTENERS)
def test_ssl_2_is_not_answered(listeners: dict[str, Listener], name: str) -> None:
    assert not answers_ssl_2(listeners[name])


@pytest.mark.parametrize("version", ["1_2", "1_3"])
@pytest.mark.parametrize("name", LISTENERS)
def test_a_client_certificate_is_demanded_everywhere_but_at_enrolment(
    listeners: dict[str, Listener], stranger: ClientFiles, name: str, version: str
) -> None:
    listener = listeners[name]
    nothing = openssl(listener, f"-tls{version}", "-msg")
    foreign = openssl(listener, f"-tls{version}", client=stranger)
    if listener.demands_certificate:
        assert not nothing.let_in and not foreign.let_in
        assert nothing.alert in ("certificate required", "handshake failure"), nothing.output
        assert foreign.alert in ("bad certificate", "unknown ca", "certificate unknown"), foreign.output
        assert "CertificateRequest" in nothing.output
    else:
        assert nothing.let_in, nothing.output
        assert "CertificateRequest" not in nothing.output, "nobody is asked for one"


# Resumption


def exchange(connection: ssl.SSLSocket, server_name: str) -> str:
    """Asks for the server's health over a TLS connection, with h2 alone; returns the status of the call."""
    http = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    http.initiate_connection()
    headers = {":method": "POST", ":scheme": "https", ":authority": server_name}
    headers |= {":path": "/grpc.health.v1.Health/Check", "content-type": "application/grpc", "te": "trailers"}
    http.send_headers(1, list(headers.items()))
    http.send_data(1, bytes(5), end_stream=True)
    connection.sendall(http.data_to_send())
    status = ""
    while data := connection.recv(65_536):
        for event in http.receive_data(data):
            match event:
                case ResponseReceived(headers=answer) | TrailersReceived(headers=answer):
                    status = next((str(value) for name, value in answer or [] if str(name) == "grpc-status"), status)
                case DataReceived(flow_controlled_length=length, stream_id=stream):
                    http.acknowledge_received_data(length or 0, stream or 1)
                case StreamEnded() | StreamReset():
                    return status
        connection.sendall(http.data_to_send())
    return status


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["cloud", "core"])
def test_a_resumed_session_is_the_same_identity_and_checked_at_every_call(
    fleet: Fleet,
    listeners: dict[str, Listener],
    new_thing: Callable[[], str],
    name: str,
    version: ssl.TLSVersion,
) -> None:
    """TLS lets a client resume without showing its certificate again. Revocation must not be escaped that way."""
    thing = new_thing()
    fleet.server("cloud", thing)
    listener = listeners[name]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    context.load_verify_locations(listener.roots)
    context.load_cert_chain(fleet.state(thing) / "chain.pem", fleet.state(thing) / "key.pem")
    context.set_alpn_protocols(["h2"])

    def ask(session: ssl.SSLSession | None) -> tuple[str, bool, ssl.SSLSession | None]:
        plain = socket.create_connection(("127.0.0.1", listener.port), timeout=30)
        with context.wrap_socket(plain, server_hostname=listener.server_name, session=session) as connection:
            status = exchange(connection, listener.server_name)
            return status, bool(connection.session_reused), connection.session

    status, reused, session = ask(None)
    assert (status, reused) == ("0", False)
    status, reused, again = ask(session)
    assert status == "0"
    print(f"{name}, {version.name}: sessions are {'resumed' if reused else 'not resumed'}")
    with fleet.channel() as channel:
        request = registry_pb2.RevokeCertificatesRequest(role=registry_pb2.IDENTITY_ROLE_THING, name=thing)
        registry_pb2_grpc.RegistryServiceStub(channel).RevokeCertificates(request, timeout=30)

    def is_refused() -> bool:
        try:
            return ask(again or session)[0] == "16"
        except (ssl.SSLError, ConnectionError):
            # Refused already by TLS, which is as good.
            return True

    eventually("the revoked certificate is refused, resumed or not", is_refused)


# The scan


def table(found: dict[str, Findings]) -> str:
    """What was found; what differs is said by listener."""
    lines = ["| Check | Result |", "|---|---|"]
    for check in found[LISTENERS[0]].rows:
        results: dict[str, list[str]] = {}
        for name in LISTENERS:
            results.setdefault(found[name].rows[check], []).append(name)
        if len(results) == 1:
            lines.append(f"| {check} | {next(iter(results))} |")
        else:
            parts = [f"{result}: {' and '.join(names)}" for result, names in results.items()]
            lines.append(f"| {check} | {'; '.join(parts)} |")
    return "\n".join(lines)


# sslyze reads the system's trust stores, in which not every certificate is beyond reproach.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_a_scan_finds_no_surprise(listeners: dict[str, Listener], client: ClientFiles, fleet: Fleet) -> None:
    if importlib.util.find_spec("sslyze") is None:
        pytest.skip("sslyze is not installed (python/requirements-scan.txt); openssl's tests have run")
    found = scan(list(listeners.values()), client, fleet.state("prober-tls") / "chain.pem")
    for name in LISTENERS:
        demanded = listeners[name].demands_certificate
        found[name].rows = {
            "Client certificate": "demanded" if demanded else "not asked for",
            "SSL 2.0": "refused",
            **found[name].rows,
        }
    text = table(found)
    print(text)
    for name in LISTENERS:
        rows = found[name].rows
        assert {rows[old] for old in ("SSL 3.0", "TLS 1.0", "TLS 1.1")} == {"refused"}
        assert set(rows["TLS 1.2"].split(", ")) == {
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        }
        assert set(rows["TLS 1.3"].split(", ")) == {
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
        }
        assert set(rows["Key exchange"].split(", ")) <= {"X25519", "prime256v1", "secp256r1", "secp384r1"}
        for bad in ("Compression (CRIME)", "Heartbleed", "CCS injection", "ROBOT"):
            assert rows[bad] == "no", bad
        assert rows["Renegotiation by the client"] == "refused"
        assert rows["Extended master secret"] == rows["Fallback signal (RFC 7507)"] == "yes"
        assert rows["Certificate"] == "secp256r1, sha256"
    if not PAGE.is_file():
        return  # The page is in the repository only.
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    shown, tail = rest.split(END)
    if os.environ.get("HEDGEROW_WRITE_DOCS") == "1":
        PAGE.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")
    else:
        assert shown.strip() == text, "docs/security.md shows another result"
