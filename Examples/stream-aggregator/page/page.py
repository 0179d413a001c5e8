"""A web page with the aggregates as they come, on the core itself: it needs no cloud.

http://127.0.0.1:8182/           the page
http://127.0.0.1:8182/events     what it shows, as Server-Sent Events
http://127.0.0.1:8182/latest     the newest values, as JSON
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hedgerow import Component, ComponentEvent

# Browsers that look at once, and what one may be behind.
MOST_VIEWERS = 32
MOST_WAITING = 100
# An idle line is kept alive, and one that is gone is noticed.
BEAT_SECONDS = 10.0

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Aggregates</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 48rem; padding: 0 1rem; color: #222 }
  table { border-collapse: collapse; width: 100% }
  th, td { text-align: right; padding: .4rem .8rem; border-bottom: 1px solid #ddd; font-variant-numeric: tabular-nums }
  th:first-child, td:first-child { text-align: left }
  #line { color: #666 }
</style>
<h1>Aggregates</h1>
<p id="line">connecting</p>
<table>
<thead><tr><th>Sensor<th>Temperature<th>Humidity<th>Readings<th>Time</tr></thead>
<tbody id="rows"></tbody>
</table>
<script>
  const line = document.getElementById("line"), rows = document.getElementById("rows");
  const text = (value, unit) => value === undefined ? "" : value.toFixed(2) + (unit ? " " + unit : "");
  const source = new EventSource("events");
  source.onopen = () => line.textContent = "live from the core";
  source.onerror = () => line.textContent = "the core does not answer; trying again";
  source.onmessage = message => {
    const found = JSON.parse(message.data);
    let row = document.getElementById("row " + found.sensor);
    if (!row) {
      row = document.createElement("tr");
      row.id = "row " + found.sensor;
      row.append(...Array.from({length: 5}, () => document.createElement("td")));
      const after = [...rows.children].find(other => other.id.localeCompare(row.id, "en", {numeric: true}) > 0);
      rows.insertBefore(row, after ?? null);
    }
    const {temperature, humidity, readings} = found.values, cells = row.children;
    cells[0].textContent = found.sensor;
    cells[1].textContent = text(temperature, found.units.temperature);
    cells[2].textContent = text(humidity, found.units.humidity);
    cells[3].textContent = readings ?? "";
    cells[4].textContent = found.time ? new Date(found.time).toLocaleTimeString() : "";
  };
</script>
</html>
"""


def row(event: ComponentEvent) -> dict[str, object]:
    """What the page shows of an aggregate."""
    return {
        "sensor": event.topic.rpartition("/")[2],
        "values": event.values,
        "units": event.units,
        "time": event.time.isoformat() if event.time is not None else None,
    }


class Board:
    """The newest row of each sensor, and who wants to hear of new ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, dict[str, object]] = {}
        self._viewers: list[queue.Queue[dict[str, object]]] = []

    def show(self, shown: dict[str, object]) -> None:
        """Puts up a row. A viewer that is far behind misses it, and gets the next one."""
        with self._lock:
            self._rows[str(shown["sensor"])] = shown
            viewers = list(self._viewers)
        for viewer in viewers:
            if not viewer.full():
                viewer.put(shown)

    def rows(self) -> list[dict[str, object]]:
        """The newest row of each sensor."""
        with self._lock:
            return [self._rows[name] for name in sorted(self._rows)]

    def watch(self) -> queue.Queue[dict[str, object]] | None:
        """Rows as they come, the newest ones first of all; None where too many look."""
        viewer: queue.Queue[dict[str, object]] = queue.Queue(MOST_WAITING)
        with self._lock:
            if len(self._viewers) >= MOST_VIEWERS:
                return None
            for shown in list(self._rows.values())[:MOST_WAITING]:
                viewer.put(shown)
            self._viewers.append(viewer)
        return viewer

    def leave(self, viewer: queue.Queue[dict[str, object]]) -> None:
        """A viewer is gone."""
        with self._lock:
            self._viewers.remove(viewer)


def serve(board: Board, address: str, port: int) -> ThreadingHTTPServer:
    """Serves the page on threads of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/":
                    self.answer("text/html; charset=utf-8", PAGE.encode())
                case "/latest":
                    self.answer("application/json", json.dumps(board.rows()).encode() + b"\n")
                case "/events":
                    self.stream()
                case _:
                    self.send_error(HTTPStatus.NOT_FOUND)

        def answer(self, kind: str, body: bytes) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def stream(self) -> None:
            viewer = board.watch()
            if viewer is None:
                self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, "Too many look at this page")
                return
            try:
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                while True:
                    try:
                        data = f"data: {json.dumps(viewer.get(timeout=BEAT_SECONDS))}\n\n"
                    except queue.Empty:
                        data = ": still here\n\n"
                    self.wfile.write(data.encode())
                    self.wfile.flush()
            except OSError:
                # The browser is gone.
                pass
            finally:
                board.leave(viewer)

        def log_message(self, format: str, *arguments: object) -> None:
            """The component's log is for what matters."""

    server = ThreadingHTTPServer((address, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="page", daemon=True).start()
    return server


def main() -> None:
    """Runs until the core asks it to end."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    component = Component()
    board = Board()
    server = serve(board, component.configuration["address"], component.configuration["port"])
    logging.info("the page is at http://%s:%d/", *server.server_address[:2])
    component.handler(lambda event: board.show(row(event)))
    component.run()


if __name__ == "__main__":
    main()
