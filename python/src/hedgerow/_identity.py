"""Who this process is: the token file that it enrols with, and the identity that it keeps.

The formats are those of every Hedgerow program: a state directory that this package made works with
``hedgerow thing run --state``, and the other way round.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from . import _files as files
from ._errors import HedgerowError, InvalidConfigurationError, StateError

__all__ = ["Endpoint", "Identity", "IdentityDirectory", "TokenFile", "default_home", "default_state"]

_VERSION: Final = 1
_MAXIMUM_TOKEN_FILE: Final = 64 << 10
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ROLES: Final = ("thing", "core", "operator", "app")


def is_name(text: str) -> bool:
    """Whether a text may be the name of a thing, a core, a stream or an operator."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and a port to dial."""

    host: str
    """DNS name or IP literal, without brackets."""
    port: int
    """TCP port."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def target(self) -> str:
        """The name to give to gRPC. An IP literal is dialled as such and never looked up."""
        try:
            version = ipaddress.ip_address(self.host).version
        except ValueError:
            return f"dns:///{self.host}:{self.port}"
        return f"ipv{version}:{self}".replace("%", "%25")

    @property
    def is_local(self) -> bool:
        """Whether a proxy makes no sense: an IP literal or this machine."""
        return not self.target.startswith("dns:") or self.host == "localhost"


@dataclass(frozen=True, slots=True)
class TokenFile:
    """What something needs to enrol: where, whom to trust there, and a token that works once. A secret."""

    role: str
    """``thing``, ``core``, ``operator`` or ``app``."""
    name: str
    """Its name."""
    cloud: tuple[Endpoint, ...]
    """The cloud's mutually authenticated listener, the best address first."""
    enrollment: tuple[Endpoint, ...]
    """The cloud's enrolment listener, the best address first."""
    root_certificate: str
    """The cloud's root certificate, PEM; nothing else is trusted."""
    token: str
    """The token."""
    trust_domain: str
    """The cloud's trust domain."""
    cloud_server_name: str
    """DNS name that the cloud's certificate carries, whatever its address is."""

    def __repr__(self) -> str:
        return f"<TokenFile for {self.role}/{self.name}>"

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Reads a token file.

        :raises InvalidConfigurationError: There is none, or it is not one.
        """
        place = Path(path)
        try:
            data = files.read(place)
        except StateError as error:
            raise InvalidConfigurationError(f"The token file: {error}") from error
        if data is None:
            raise InvalidConfigurationError(
                f"There is no token file at {place}; make one with `hedgerow things create`."
            )
        try:
            if len(data) > _MAXIMUM_TOKEN_FILE:
                raise ValueError(f"it has {len(data)} bytes; at most {_MAXIMUM_TOKEN_FILE} are read")
            content = _object(data)
            file = cls(
                role=_text(content, "role"),
                name=_text(content, "name"),
                cloud=_endpoints(content, "cloud"),
                enrollment=_endpoints(content, "enrollment"),
                root_certificate=_text(content, "rootCertificate"),
                token=_text(content, "token"),
                trust_domain=_text(content, "trustDomain"),
                cloud_server_name=_text(content, "cloudServerName"),
            )
            if file.role not in _ROLES or not is_name(file.name) or not file.token or not file.enrollment:
                raise ValueError("it lacks a valid role, name, token or address")
            x509.load_pem_x509_certificates(file.root_certificate.encode())
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidConfigurationError(f"{place} is not a token file: {_explain(error)}.") from error
        return file


@dataclass(frozen=True, slots=True)
class Identity:
    """Who, with which key and certificates, and where its cloud is."""

    role: str
    """``thing``, ``core``, ``operator`` or ``app``."""
    name: str
    """Its name."""
    trust_domain: str
    """The cloud's trust domain."""
    cloud: tuple[Endpoint, ...]
    """The cloud's mutually authenticated listener, the best address first."""
    cloud_server_name: str
    """DNS name that the cloud's certificate carries."""
    key_pem: str
    """The private key, PEM. A secret."""
    chain_pem: str
    """Leaf first, then the issuing authority, PEM."""
    root_pem: str
    """The cloud's root certificate, PEM."""
    renew_time: datetime
    """When to renew at the latest: two thirds of the validity."""

    def __repr__(self) -> str:
        return f"<Identity of {self.role}/{self.name} in {self.trust_domain}>"

    @property
    def spiffe_id(self) -> str:
        """The name in its certificate."""
        return f"spiffe://{self.trust_domain}/{self.role}/{self.name}"

    def renewed(self, *, key_pem: str, chain_pem: str, renew_time: datetime) -> Identity:
        """The same identity with a new certificate."""
        return replace(self, key_pem=key_pem, chain_pem=chain_pem, renew_time=renew_time)

    def validate(self) -> None:
        """Checks that the parts belong together: the key to the leaf, the leaf to the name.

        :raises StateError: They do not.
        """
        try:
            leaf = x509.load_pem_x509_certificates(self.chain_pem.encode())[0]
            x509.load_pem_x509_certificates(self.root_pem.encode())
            key = serialization.load_pem_private_key(self.key_pem.encode(), password=None)
            names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            leaf_ids = names.get_values_for_type(x509.UniformResourceIdentifier)
        except (ValueError, TypeError, x509.ExtensionNotFound) as error:
            raise StateError(f"The identity of {self.role}/{self.name} cannot be used: {error}.") from error
        public = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        if key.public_key().public_bytes(*public) != leaf.public_key().public_bytes(*public):
            raise StateError(
                f"The identity of {self.role}/{self.name} cannot be used: its key does not belong to its certificate."
            )
        if leaf_ids != [self.spiffe_id]:
            raise StateError(f"The identity says {self.spiffe_id}, but its certificate is for {leaf_ids}.")

    def to_json(self) -> bytes:
        """The content of identity.json."""
        content = {
            "version": _VERSION,
            "principal": {"role": self.role, "name": self.name},
            "trustDomain": self.trust_domain,
            "cloud": [{"host": endpoint.host, "port": endpoint.port} for endpoint in self.cloud],
            "cloudServerName": self.cloud_server_name,
            "keyPEM": self.key_pem,
            "chainPEM": self.chain_pem,
            "rootPEM": self.root_pem,
            "renewTime": self.renew_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return json.dumps(content, indent=2, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Reads the content of identity.json.

        :raises ValueError: It is none; also KeyError and TypeError.
        """
        content = _object(data)
        principal = content["principal"]
        return cls(
            role=_text(principal, "role"),
            name=_text(principal, "name"),
            trust_domain=_text(content, "trustDomain"),
            cloud=_endpoints(content, "cloud"),
            cloud_server_name=_text(content, "cloudServerName"),
            key_pem=_text(content, "keyPEM"),
            chain_pem=_text(content, "chainPEM"),
            root_pem=_text(content, "rootPEM"),
            renew_time=datetime.fromisoformat(_text(content, "renewTime")),
        )


class IdentityDirectory:
    """The directory that holds an identity.

    ``identity.json`` (mode 0600) has everything and is replaced as a whole. ``key.pem``, ``chain.pem`` and
    ``root.pem`` are copies for other programs and are never read. ``pending-key.pem`` is the key of a request whose
    answer has not arrived: a token stays bound to it over a restart.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path).expanduser().absolute()
        """The directory. Nothing is read or made yet."""

    def load(self) -> Identity | None:
        """Reads the identity; None where there is none yet.

        :raises StateError: There is one that cannot be read or used; it is never taken for none.
        """
        place = self.path / "identity.json"
        data = files.read(place)
        if data is None:
            return None
        try:
            identity = Identity.from_json(data)
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"{place} is damaged ({_explain(error)}); restore it from a backup, or move the directory away and "
                "enrol with a new token."
            ) from error
        identity.validate()
        return identity

    def save(self, identity: Identity) -> None:
        """Stores an identity in the place of the one before, and forgets the pending key where it is the new one.

        :raises StateError: Its parts do not belong together (nothing is written then), or it cannot be written.
        """
        identity.validate()
        files.make_directory(self.path)
        files.write(self.path / "identity.json", identity.to_json())
        files.write(self.path / "key.pem", identity.key_pem.encode())
        files.write(self.path / "chain.pem", identity.chain_pem.encode(), mode=0o644)
        files.write(self.path / "root.pem", identity.root_pem.encode(), mode=0o644)
        if files.read(self.path / "pending-key.pem") == identity.key_pem.encode():
            files.remove(self.path / "pending-key.pem")

    def pending_key(self) -> str:
        """The key (PEM) for the next request: the pending one, else a new one that is on disk before this returns.

        :raises StateError: It cannot be read or written.
        """
        place = self.path / "pending-key.pem"
        data = files.read(place)
        if data is not None:
            try:
                serialization.load_pem_private_key(data, password=None)
            except (ValueError, TypeError) as error:
                raise StateError(f"{place} is damaged; delete it to enrol with a new token.") from error
            return data.decode("ascii")
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        files.make_directory(self.path)
        files.write(place, pem)
        return pem.decode("ascii")


def signing_request(key_pem: str, name: str) -> bytes:
    """A certificate signing request (PKCS #10, DER). The name is for people; whoever signs ignores it.

    :raises StateError: The key is none that can sign.
    """
    key = serialization.load_pem_private_key(key_pem.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise StateError("The key in the state directory is not one of an elliptic curve; delete pending-key.pem.")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)


def default_state(thing: str, environment: Mapping[str, str] | None = None) -> Path:
    """``$XDG_STATE_HOME/hedgerow/things/NAME``, ``~/.local/state`` where the variable is not set."""
    environment = os.environ if environment is None else environment
    base = environment.get("XDG_STATE_HOME", "")
    root = Path(base) if base.startswith("/") else _user_home(environment) / ".local" / "state"
    return root / "hedgerow" / "things" / thing


def default_home(environment: Mapping[str, str] | None = None) -> Path:
    """Where the command line keeps who its user is: ``HEDGEROW_HOME``, else ``$XDG_CONFIG_HOME/hedgerow``, else
    ``~/.config/hedgerow``."""
    environment = os.environ if environment is None else environment
    if environment.get("HEDGEROW_HOME"):
        return Path(environment["HEDGEROW_HOME"])
    base = environment.get("XDG_CONFIG_HOME", "")
    root = Path(base) if base.startswith("/") else _user_home(environment) / ".config"
    return root / "hedgerow"


def _user_home(environment: Mapping[str, str]) -> Path:
    home = environment.get("HOME")
    if not home:
        raise InvalidConfigurationError("HOME is not set; name the state directory.")
    return Path(home)


def _object(data: bytes) -> dict[str, Any]:
    content = json.loads(data)
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    if content.get("version") != _VERSION:
        raise ValueError(f"it has version {content.get('version')!r}, this package reads version {_VERSION}")
    return content


def _text(content: dict[str, Any], key: str) -> str:
    value = content[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    return value


def _endpoints(content: dict[str, Any], key: str) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(_text(entry, "host"), int(entry["port"])) for entry in content[key])


def _explain(error: Exception) -> str:
    if isinstance(error, HedgerowError):
        return error.message
    return f"{error} is missing" if isinstance(error, KeyError) else str(error).rstrip(".")
