"""The line between a core and its cloud: it can be cut, and counts what goes over it."""

import contextlib
import socket
import threading

# As much as is passed on at a time.
PIECE = 1 << 18


class Link:
    """Passes connections on from an address to the same port of 127.0.0.1."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.lock = threading.Lock()
        self.listener, self.pairs = None, set()
        # Bytes both ways, those that came from the core's side, and connections, since the last `reset`.
        self.carried = self.up = self.accepted = 0

    def open(self):
        """Takes connections."""
        listener = socket.create_server((self.host, self.port), backlog=64)
        with self.lock:
            self.listener = listener
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def cut(self):
        """Ends every connection, and takes none."""
        with self.lock:
            listener, self.listener = self.listener, None
            pairs = list(self.pairs)
        if listener is not None:
            # Closing alone does not wake who waits for it.
            hang_up(listener)
            listener.close()
        for pair in pairs:
            hang_up(*pair)

    def reset(self):
        """Counts from nothing."""
        with self.lock:
            self.carried = self.up = self.accepted = 0

    @property
    def live(self):
        """How many connections there are."""
        with self.lock:
            return len(self.pairs)

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
            pair = (near, far)
            for end in pair:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                if self.listener is not listener:
                    hang_up(*pair)
                self.pairs.add(pair)
                self.accepted += 1
            threading.Thread(target=self.serve, args=(pair,), daemon=True).start()

    def serve(self, pair):
        """Carries one connection, a thread each way, until one of its ends closes."""
        down = threading.Thread(target=self.carry, args=(*pair[::-1], False), daemon=True)
        down.start()
        self.carry(*pair, True)
        down.join()
        with self.lock:
            self.pairs.discard(pair)
        for end in pair:
            end.close()

    def carry(self, source, target, is_up):
        """Passes on what comes."""
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                with self.lock:
                    self.carried += len(piece)
                    self.up += len(piece) if is_up else 0
                target.sendall(piece)
        hang_up(source, target)


def hang_up(*ends):
    """Wakes whoever waits for these, and tells the other side."""
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
