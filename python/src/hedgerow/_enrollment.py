"""Getting certificates: the first one for a token, the next ones for the one before.

Keys are made here and are on disk before a request with them leaves, so that a lost answer costs nothing: the same key
asks again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import grpc
from cryptography import x509

from ._errors import EnrollmentRefusedError, HedgerowError, InvalidConfigurationError
from ._identity import Identity, IdentityDirectory, TokenFile, default_home, default_state, signing_request
from ._wire import CLOUD, Provisioning, Target, cloud_targets, dial, moment
from .provisioning.v1 import provisioning_pb2

__all__ = ["enroll", "enroll_into", "locate", "renew", "with_first"]

_T = TypeVar("_T")
# Trying again does not help against these.
_FINAL: Final = frozenset({"TOKEN_NOT_ACCEPTED", "BAD_SIGNING_REQUEST", "INVALID_FIELD", "REVOKED"})


def enroll(
    token: str | os.PathLike[str], state: str | os.PathLike[str] | None = None, *, timeout: float = 15.0
) -> Identity:
    """Enrols with a token file and stores the identity: one attempt at each address of the cloud.

    Repeat it as often as you like: an enrolled identity is returned as it is, and a lost answer is asked for again
    with the same key.

    :param token: Path of the token file from ``hedgerow things create``.
    :param state: Directory of the identity. Default: ``$XDG_STATE_HOME/hedgerow/things/NAME`` for a thing, the
        command line's home directory for an operator.
    :param timeout: Seconds that one address may take.
    :raises InvalidConfigurationError: The token file cannot be used, or the directory is another one's.
    :raises EnrollmentRefusedError: The cloud refuses for good.
    :raises StateError: The directory cannot be read or written.
    :raises HedgerowError: No address answered.
    """
    file = TokenFile.read(token)
    directory, identity = locate(file, state)
    return identity or enroll_into(file, directory, timeout)


def locate(
    token: TokenFile | None, state: str | os.PathLike[str] | None
) -> tuple[IdentityDirectory, Identity | None]:
    """Finds the state directory, and the identity in it where there is one.

    :raises InvalidConfigurationError: Neither a token nor a directory was given, or they are of two identities.
    :raises StateError: There is an identity that cannot be read.
    """
    if state is not None:
        path = Path(state)
    elif token is None:
        raise InvalidConfigurationError(
            "Neither a token file (from `hedgerow things create`) nor the state directory of an earlier enrolment was "
            "given."
        )
    elif token.role == "core":
        raise InvalidConfigurationError(
            f"The token file is for the core {token.name!r}; start it with `hedgerow-core run --token`."
        )
    else:
        path = default_state(token.name) if token.role == "thing" else default_home()
    directory = IdentityDirectory(path)
    identity = directory.load()
    if identity is not None and token is not None:
        mine, wanted = f"{identity.role} {identity.name!r}", f"{token.role} {token.name!r}"
        if (mine, identity.trust_domain) != (wanted, token.trust_domain):
            raise InvalidConfigurationError(
                f"The directory {directory.path} holds the identity of {mine} of {identity.trust_domain}, the token "
                f"file is for {wanted} of {token.trust_domain}; use another directory."
            )
    return directory, identity


def enroll_into(token: TokenFile, directory: IdentityDirectory, timeout: float) -> Identity:
    """Enrols whatever the directory holds already, and stores the identity there; see :func:`enroll`."""
    key = directory.pending_key()
    request = provisioning_pb2.EnrollRequest(
        token=token.token, signing_request=signing_request(key, token.name)
    )
    targets = [
        Target(CLOUD, endpoint, token.cloud_server_name, token.root_certificate) for endpoint in token.enrollment
    ]
    answer = _ask(targets, None, lambda channel: Provisioning(channel).enroll(request, timeout=timeout))
    identity = Identity(
        role=token.role,
        name=token.name,
        trust_domain=token.trust_domain,
        cloud=token.cloud,
        cloud_server_name=token.cloud_server_name,
        key_pem=key,
        chain_pem=answer.certificate_chain,
        # What the token pins stays the root, whatever the answer says.
        root_pem=token.root_certificate,
        renew_time=_renew_time(answer),
    )
    directory.save(identity)
    return identity


def renew(identity: Identity, directory: IdentityDirectory, timeout: float) -> Identity:
    """Exchanges an identity for a fresh one, with a new key, and stores it.

    :raises EnrollmentRefusedError: The cloud refuses for good.
    :raises StateError: The directory cannot be written.
    :raises HedgerowError: No address answered.
    """
    key = directory.pending_key()
    request = provisioning_pb2.RenewRequest(signing_request=signing_request(key, identity.name))
    answer = _ask(
        cloud_targets(identity), identity, lambda channel: Provisioning(channel).renew(request, timeout=timeout)
    )
    renewed = identity.renewed(
        key_pem=key, chain_pem=answer.certificate_chain, renew_time=_renew_time(answer)
    )
    directory.save(renewed)
    return renewed


def with_first(
    targets: Sequence[Target], identity: Identity | None, call: Callable[[grpc.Channel], _T]
) -> _T:
    """The first answer of several addresses of one server; a refusal is an answer, silence is none.

    :raises HedgerowError: What the server answered, else why the last address did not.
    """
    failure = HedgerowError("No address of the cloud is known; enrol again with a new token.")
    for target in targets:
        with dial(target, identity) as channel:
            try:
                return call(channel)
            except grpc.RpcError as error:
                failure = HedgerowError.from_rpc(error, at=str(target.endpoint))
        if not failure.is_unreachable:
            break
    raise failure


def _ask(
    targets: Sequence[Target], identity: Identity | None, call: Callable[[grpc.Channel], _T]
) -> _T:
    try:
        return with_first(targets, identity, call)
    except HedgerowError as error:
        if error.reason not in _FINAL:
            raise
        raise EnrollmentRefusedError(
            f"The cloud refused: {error.message}",
            code=error.code,
            reason=error.reason,
            violations=error.violations,
        ) from error


def _renew_time(
    answer: provisioning_pb2.EnrollResponse | provisioning_pb2.RenewResponse,
) -> datetime:
    if answer.HasField("renew_time"):
        return moment(answer.renew_time)
    try:
        leaf = x509.load_pem_x509_certificates(answer.certificate_chain.encode())[0]
    except ValueError as error:
        raise HedgerowError(f"The cloud answered with a certificate that cannot be read: {error}.") from error
    begin, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    return begin.astimezone(UTC) + (end - begin) * 2 / 3
