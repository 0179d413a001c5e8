"""A line that can go dead: a TCP relay that stops passing anything on, without closing anything."""

from __future__ import annotations

import socket
import threading
import time


class Relay:
    """Listens at a port of loopback and passes everything on to another one."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        """Where to connect."""
        self.lines: list[Line] = []
        """Every connection so far."""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._to), timeout=10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self.lines.append(Line(client, server))

    def cut(self) -> list[Line]:
        """Makes the lines that are there dead, and returns them. New connections pass."""
        lines = [line for line in self.lines if line.is_alive]
        for line in lines:
            line.cut()
        return lines

    def close(self) -> None:
        """Ends everything."""
        self._listener.close()
        for line in self.lines:
            line.close()


class Line:
    """One connection through a relay."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self._client = client
        self._server = server
        self._cut_at: float | None = None
        self.client_ended: float | None = None
        """Seconds from the cut until the client closed its end."""
        self.server_ended: float | None = None
        """Seconds from the cut until the server closed its end."""
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """Whether neither end has closed."""
        return self.client_ended is None and self.server_ended is None

    def cut(self) -> None:
        """From now on everything is taken and nothing is passed on, not even an end."""
        self._cut_at = time.monotonic()

    def close(self) -> None:
        """Closes both ends."""
        for end in (self._client, self._server):
            end.close()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        while True:
            try:
                data = source.recv(65_536)
                if data and self._cut_at is None:
                    sink.sendall(data)
            except OSError:
                data = b""
            if not data:
                break
        passed = time.monotonic() - self._cut_at if self._cut_at is not None else 0.0
        if source is self._client:
            self.client_ended = passed
        else:
            self.server_ended = passed
        if self._cut_at is None:
            try:
                sink.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
