"""What a thing knows about the world: its identity, its cores, and how it keeps both fresh."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from typing import Final

from google.protobuf import json_format

from . import _enrollment as enrollment
from . import _events as events
from . import _files as files
from ._backoff import Backoff
from ._errors import EnrollmentRefusedError, HedgerowError, InvalidConfigurationError, StateError
from ._identity import Endpoint, Identity, IdentityDirectory, TokenFile
from ._publisher import Publisher
from ._wire import Discovery, Target, cloud_targets
from .discovery.v1 import discovery_pb2

__all__ = ["Network"]

# Longest sleep before the time of day is looked at again: it may jump, and machines are suspended.
_RENEWAL_CHECK: Final = 3_600.0


class Network:
    """The identity on disk, the cloud's discovery, and the addresses to try."""

    def __init__(
        self,
        token: str | os.PathLike[str] | None,
        state: str | os.PathLike[str] | None,
        direct: bool,
        timeout: float,
        publisher: Publisher,
    ) -> None:
        """Reads token file and state directory; asks nobody.

        :raises InvalidConfigurationError: Neither of them can be used.
        :raises StateError: There is an identity that cannot be read.
        """
        self._direct = direct
        self._timeout = timeout
        self._publisher = publisher
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._token = self._read_token(token, state)
        self._directory, self._identity = enrollment.locate(self._token, state)
        role = self._identity.role if self._identity else self._token.role if self._token else None
        if role is None:
            raise InvalidConfigurationError(
                f"There is no identity in {self._directory.path} and no token file was given; make one with "
                "`hedgerow things create`."
            )
        if role != "thing":
            raise InvalidConfigurationError(f"The identity is that of a {role}, not of a thing.")
        self._known: discovery_pb2.DiscoverResponse | None = None

    @staticmethod
    def _read_token(
        token: str | os.PathLike[str] | None, state: str | os.PathLike[str] | None
    ) -> TokenFile | None:
        if token is None:
            return None
        # An enrolled thing does not need its token file any more.
        if state is not None and not os.path.exists(token) and IdentityDirectory(state).load() is not None:
            return None
        return TokenFile.read(token)

    @property
    def identity(self) -> Identity | None:
        """The newest identity; None before the thing is enrolled."""
        with self._lock:
            return self._identity

    @property
    def name(self) -> str:
        """Name of the thing."""
        identity = self.identity
        return identity.name if identity else self._token.name if self._token else ""

    @property
    def has_stopped(self) -> bool:
        """Whether the thing is over."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Ends every wait."""
        self._stopped.set()

    def prepare(self, backoff: Backoff) -> None:
        """Enrols where there is no identity yet, trying for as long as that can help.

        :raises EnrollmentRefusedError: The cloud refuses for good.
        :raises StateError: The state directory cannot be used.
        """
        waits = backoff.waits()
        enrolled_now = False
        while self.identity is None and not self.has_stopped:
            if self._token is None:
                raise InvalidConfigurationError("There is neither an identity nor a token file.")
            try:
                identity = enrollment.enroll_into(self._token, self._directory, self._timeout)
                enrolled_now = True
                with self._lock:
                    self._identity = identity
            except (EnrollmentRefusedError, StateError):
                raise
            except HedgerowError as error:
                self._publisher.report(events.Problem(f"Enrolling failed and is tried again: {error}"))
                self._stopped.wait(next(waits))
        if not self.has_stopped:
            self._publisher.report(events.Identified(self.name, enrolled_now))
            self._known = self._read_discovery()

    def keep_fresh(self) -> None:
        """Renews the certificate when it is due, until the thing is stopped."""
        backoff = Backoff(initial=60, maximum=3_600)
        waits = backoff.waits()
        while not self.has_stopped:
            identity = self.identity
            if identity is None:
                return
            due = (identity.renew_time - datetime.now(UTC)).total_seconds()
            if due > 0:
                self._stopped.wait(min(due, _RENEWAL_CHECK))
                continue
            try:
                renewed = enrollment.renew(identity, self._directory, self._timeout)
                with self._lock:
                    self._identity = renewed
                waits = backoff.waits()
                self._publisher.report(events.CertificateRenewed())
                if renewed.renew_time > datetime.now(UTC):
                    continue
                # A certificate that is born due would make this loop a hot one.
            except HedgerowError as error:
                self._publisher.report(events.Problem(f"Renewing the certificate failed: {error}"))
            self._stopped.wait(next(waits))

    def targets(self, refresh: bool) -> list[Target]:
        """Where to go, the best first. With ``refresh``, asks the cloud before falling back to what is known.

        :raises HedgerowError: Nothing is known and the cloud did not answer.
        """
        identity = self.identity
        if identity is None:
            return []
        if self._direct:
            return cloud_targets(identity)
        if not refresh and self._known is not None:
            targets = _core_targets(self._known)
            if targets:
                self._publisher.report(events.Discovered(len(targets), fresh=False))
                return targets
        request = discovery_pb2.DiscoverRequest(thing=identity.name)
        try:
            answer = enrollment.with_first(
                cloud_targets(identity),
                identity,
                lambda channel: Discovery(channel).discover(request, timeout=self._timeout),
            )
        except HedgerowError as error:
            # The cloud being away, or of another opinion, does not stop local work: the core decides.
            if self._known is None:
                raise
            self._publisher.report(events.Problem(f"Asking the cloud for cores failed: {error}"))
            targets, fresh = _core_targets(self._known), False
        else:
            if answer != self._known:
                self._known = answer
                self._write_discovery(answer)
            targets, fresh = _core_targets(answer), True
        self._publisher.report(events.Discovered(len(targets), fresh))
        if not targets:
            self._publisher.report(events.Problem("The cloud knows no core for this thing; deploy its group."))
        return targets

    def _read_discovery(self) -> discovery_pb2.DiscoverResponse | None:
        place = self._directory.path / "discovery.json"
        try:
            data = files.read(place)
            if data is None:
                return None
            return json_format.Parse(data, discovery_pb2.DiscoverResponse(), ignore_unknown_fields=True)
        except (StateError, json_format.ParseError, UnicodeDecodeError) as error:
            self._publisher.report(events.Problem(f"The last discovery answer is not used: {place}: {error}"))
            return None

    def _write_discovery(self, answer: discovery_pb2.DiscoverResponse) -> None:
        """So that the thing starts with the cloud away. It holds nothing secret."""
        try:
            text = json_format.MessageToJson(answer, indent=None)
            files.write(self._directory.path / "discovery.json", text.encode())
        except StateError as error:
            self._publisher.report(events.Problem(f"The discovery answer was not kept: {error}"))


def _core_targets(answer: discovery_pb2.DiscoverResponse) -> list[Target]:
    return [
        Target(core.core, Endpoint(endpoint.host, endpoint.port), core.server_name, "\n".join(group.ca_certificates))
        for group in answer.groups
        for core in group.cores
        for endpoint in core.endpoints
    ]
