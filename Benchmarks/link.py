"""The line between a core and its cloud: it can be cut, and counts what goes over it."""

import contextlib
import socket
import threading
import time

# As much as is passed on at a time.
PIECE = 1 << 18


class Connection:
    """One connection from the core's side, and what it carried."""

    def __init__(self, near, far):
        self.near, self.far = near, far
        self.accepted = time.monotonic()
        # Bytes from the core's side, and to it.
        self.up = self.down = 0

    @property
    def carried(self):
        """Bytes both ways."""
        return self.up + self.down


class Link:
    """Passes connections on from an address to the same port of 127.0.0.1."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.lock = threading.Lock()
        self.listener = None
        # Connections that there are, and all since the line was opened last.
        self.live, self.connections = set(), []

    def open(self):
        """Takes connections."""
        listener = socket.create_server((self.host, self.port), backlog=64)
        with self.lock:
            self.listener, self.connections = listener, []
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def cut(self):
        """Ends every connection, and takes none."""
        with self.lock:
            listener, self.listener = self.listener, None
            live = list(self.live)
        if listener is not None:
            # Closing alone does not wake who waits for it.
            hang_up(listener)
            listener.close()
        for connection in live:
            hang_up(connection.near, connection.far)

    def accept(self, listener):
        """Takes what comes, until the line is cut."""
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                near.close()
                continue
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(near, far)
            with self.lock:
                if self.listener is not listener:
                    hang_up(near, far)
                self.live.add(connection)
                self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        """Carries one connection, a thread each way, until one of its ends closes."""
        down = threading.Thread(target=carry, args=(connection, False), daemon=True)
        down.start()
        carry(connection, True)
        down.join()
        with self.lock:
            self.live.discard(connection)
        connection.near.close()
        connection.far.close()


def carry(connection, is_up):
    """Passes on what comes, one way."""
    source, target = (connection.near, connection.far) if is_up else (connection.far, connection.near)
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            if is_up:
                connection.up += len(piece)
            else:
                connection.down += len(piece)
            target.sendall(piece)
    hang_up(source, target)


def hang_up(*ends):
    """Wakes whoever waits for these, and tells the other side."""
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
