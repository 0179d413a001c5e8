"""ShadowService as the protocol says, in memory, for tests of what programs do with shadows."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from hedgerow.shadow.v1 import shadow_pb2 as pb
from hedgerow.shadow.v1 import shadow_pb2_grpc as rpc

Refuse = Callable[..., Any]

Key = tuple[str, str]


def merged(section: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """A merge patch: only what is named changes, null deletes."""
    result = dict(section)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            before = result.get(name)
            result[name] = merged(before if isinstance(before, dict) else {}, value)
        else:
            result[name] = value
    return result


def stamped(patch: dict[str, Any], now: int) -> dict[str, Any]:
    """The metadata of a patch: the same tree with the time at its leaves."""
    return {
        name: stamped(value, now) if isinstance(value, dict) else None if value is None else {"timestamp": now}
        for name, value in patch.items()
    }


def difference(desired: dict[str, Any], reported: dict[str, Any]) -> dict[str, Any]:
    """What is desired and not reported so."""
    found: dict[str, Any] = {}
    for name, value in desired.items():
        other = reported.get(name)
        if isinstance(value, dict) and isinstance(other, dict):
            if below := difference(value, other):
                found[name] = below
        elif value != other:
            found[name] = value
    return found


class FakeShadows(rpc.ShadowServiceServicer):
    """Shadows, and what happened to them."""

    def __init__(self, authenticate: Callable[[grpc.ServicerContext], None], refuse: Refuse) -> None:
        self.changed = threading.Condition()
        self.states: dict[Key, dict[str, dict[str, Any]]] = {}
        self.metadata: dict[Key, dict[str, dict[str, Any]]] = {}
        self.versions: dict[Key, int] = {}
        self.clock: Callable[[], float] = time.time
        self.events: list[pb.WatchShadowResponse] = []
        """All that happened; an event's position is its number in it, from 1."""
        self.reports: list[tuple[Key, dict[str, Any]]] = []
        """What was reported, in the order in which it came."""
        self.watches: list[pb.WatchShadowRequest] = []
        self.kept = 1_000
        """How many events are kept."""
        self.before: Callable[[str, grpc.ServicerContext], None] = lambda method, context: None
        """Called with the name of each method before it does anything."""
        self.after: Callable[[str, grpc.ServicerContext], None] = lambda method, context: None
        """Called when it is done, before it is answered."""
        self.forbidden: set[str] = set()
        """Things that the program may not use."""
        self._authenticate = authenticate
        self._refuse = refuse
        self._stopped = 0

    def stop(self) -> None:
        """Ends all watches, as a server that ends."""
        with self.changed:
            self._stopped += 1
            self.changed.notify_all()

    def set(self, thing: str, name: str = "", **sections: dict[str, Any] | None) -> int:
        """Changes a shadow from elsewhere; returns its version."""
        with self.changed:
            return self._change((thing, name), sections, "")

    def _change(self, key: Key, sections: dict[str, Any], token: str) -> int:
        state = dict(self.states.get(key, {}))
        metadata = self.metadata.setdefault(key, {})
        for section, patch in sections.items():
            if patch is None:
                state.pop(section, None)
                metadata.pop(section, None)
            else:
                state[section] = merged(state.get(section, {}), patch)
                metadata[section] = merged(metadata.get(section, {}), stamped(patch, int(self.clock())))
        before, self.states[key] = self.states.get(key, {}), state
        version = self.versions[key] = self.versions.get(key, 0) + 1
        accepted = {"state": sections, "version": version} | ({"clientToken": token} if token else {})
        self._tell(key, pb.SHADOW_EVENT_KIND_ACCEPTED, accepted)
        documents = {"previous": {"state": before}, "current": {"state": state, "version": version}}
        self._tell(key, pb.SHADOW_EVENT_KIND_DOCUMENTS, documents)
        if delta := self.delta(key):
            self._tell(key, pb.SHADOW_EVENT_KIND_DELTA, {"state": delta, "version": version})
        return version

    def delta(self, key: Key) -> dict[str, Any]:
        """What is desired and not reported so."""
        state = self.states.get(key, {})
        return difference(state.get("desired", {}), state.get("reported", {}))

    def _tell(self, key: Key, kind: pb.ShadowEventKind, document: dict[str, Any]) -> None:
        event = pb.WatchShadowResponse(
            thing=key[0],
            name=key[1],
            kind=kind,
            version=self.versions[key],
            document=json.dumps(document),
            position=str(len(self.events) + 1),
        )
        self.events.append(event)
        self.changed.notify_all()

    # The service

    def _begin(self, method: str, thing: str, context: grpc.ServicerContext) -> None:
        self._authenticate(context)
        self.before(method, context)
        if thing in self.forbidden:
            text = f"The instance may not use shadows of {thing}."
            self._refuse(context, grpc.StatusCode.PERMISSION_DENIED, "NOT_YOUR_RESOURCE", text)

    def GetShadow(self, request: pb.GetShadowRequest, context: grpc.ServicerContext) -> pb.GetShadowResponse:
        self._begin("get", request.thing, context)
        key = request.thing, request.name
        with self.changed:
            document = self._document(key)
            if document is None:
                self._refuse(context, grpc.StatusCode.NOT_FOUND, "SHADOW_NOT_FOUND", "There is no such shadow.")
            answer = pb.GetShadowResponse(document=document, version=self.versions[key])
            answer.update_time.FromSeconds(1_700_000_000)
            return answer

    def _document(self, key: Key) -> str | None:
        state: dict[str, Any] | None = self.states.get(key)
        if state is None:
            return None
        shown = {**state, "delta": self.delta(key)}
        document = {"state": {section: value for section, value in shown.items() if value}}
        metadata = self.metadata[key]
        return json.dumps({**document, "metadata": metadata, "version": self.versions[key], "timestamp": 1_700_000_000})

    def UpdateShadow(
        self, request: pb.UpdateShadowRequest, context: grpc.ServicerContext
    ) -> pb.UpdateShadowResponse:
        self._begin("update", request.thing, context)
        key = request.thing, request.name
        document = json.loads(request.document)
        with self.changed:
            wanted = document.get("version")
            if wanted is not None and wanted != self.versions.get(key, 0) + (key not in self.states):
                text = f"The shadow has version {self.versions.get(key, 0)}."
                self._refuse(context, grpc.StatusCode.ABORTED, "SHADOW_VERSION_CONFLICT", text)
            if request.condition and not self._holds(key, request.condition, context):
                self._refuse(context, grpc.StatusCode.ABORTED, "SHADOW_CONDITION_FALSE", "The condition is false.")
            if len(request.document) > 30_720:
                text = "The shadow would be too large."
                self._refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "SHADOW_TOO_LARGE", text)
            if "reported" in document["state"]:
                self.reports.append((key, document["state"]["reported"]))
            version = self._change(key, document["state"], document.get("clientToken", ""))
            self.after("update", context)
            delta = self.delta(key)
            text = json.dumps({"state": delta, "version": version}) if delta else ""
            return pb.UpdateShadowResponse(document=request.document, version=version, delta=text)

    def _holds(self, key: Key, condition: str, context: grpc.ServicerContext) -> bool:
        """``state.reported.NAME < NUMBER`` is all it knows."""
        found = re.fullmatch(r"state\.reported\.(\w+) < ([\d.]+)", condition)
        if found is None:
            text = "The condition is no expression."
            self._refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_EXPRESSION", text)
            return False
        value = self.states.get(key, {}).get("reported", {}).get(found[1])
        return isinstance(value, (int, float)) and value < float(found[2])

    def DeleteShadow(
        self, request: pb.DeleteShadowRequest, context: grpc.ServicerContext
    ) -> pb.DeleteShadowResponse:
        self._begin("delete", request.thing, context)
        key = request.thing, request.name
        with self.changed:
            if key not in self.states:
                self._refuse(context, grpc.StatusCode.NOT_FOUND, "SHADOW_NOT_FOUND", "There is no such shadow.")
            if request.version and request.version != self.versions[key]:
                text = f"The shadow has version {self.versions[key]}."
                self._refuse(context, grpc.StatusCode.ABORTED, "SHADOW_VERSION_CONFLICT", text)
            del self.states[key], self.metadata[key]
            self.versions[key] += 1
            self._tell(key, pb.SHADOW_EVENT_KIND_DELETED, {"version": self.versions[key]})
            self.after("delete", context)
            return pb.DeleteShadowResponse(document="{}", version=self.versions[key])

    def WatchShadow(
        self, request: pb.WatchShadowRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.WatchShadowResponse]:
        self._begin("watch", request.thing, context)
        with self.changed:
            self.watches.append(request)
            life = self._stopped
            place = int(request.after_position or 0)
        context.add_callback(self._wake)
        always = (pb.SHADOW_EVENT_KIND_CURRENT, pb.SHADOW_EVENT_KIND_SKIPPED)
        if not request.after_position:
            first, place = self._opening(request)
            yield from first
        caught_up = False
        while True:
            with self.changed:
                while self._stopped == life and context.is_active() and caught_up and place >= len(self.events):
                    self.changed.wait()
                if self._stopped != life or not context.is_active():
                    return
                oldest = max(len(self.events) - self.kept, 0)
                found: list[pb.WatchShadowResponse] = []
                if place < oldest:
                    found, place = self._skipped(request), len(self.events)
                found += [event for event in self.events[place:] if self._concerns(request, event)]
                place = len(self.events)
            for event in found:
                if not request.kinds or event.kind in (*request.kinds, *always):
                    yield event
            if not caught_up:
                caught_up = True
                yield pb.WatchShadowResponse(caught_up=True)

    def _wake(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def _opening(self, request: pb.WatchShadowRequest) -> tuple[list[pb.WatchShadowResponse], int]:
        """What a watch begins with, and behind which event it goes on."""
        with self.changed:
            if not request.after_version:
                return self._current(request), len(self.events)
            older = [
                number
                for number, event in enumerate(self.events, 1)
                if self._concerns(request, event) and event.version <= request.after_version
            ]
            return [], max(older, default=0)

    def _current(self, request: pb.WatchShadowRequest) -> list[pb.WatchShadowResponse]:
        found = []
        for key in sorted(self.states):
            event = pb.WatchShadowResponse(thing=key[0], name=key[1], version=self.versions[key])
            event.kind = pb.SHADOW_EVENT_KIND_CURRENT
            event.document = self._document(key) or ""
            event.position = str(len(self.events))
            if self._concerns(request, event):
                found.append(event)
        return found

    def _skipped(self, request: pb.WatchShadowRequest) -> list[pb.WatchShadowResponse]:
        skipped = pb.WatchShadowResponse(thing=request.thing, name=request.name, kind=pb.SHADOW_EVENT_KIND_SKIPPED)
        skipped.position = str(len(self.events))
        return [skipped, *self._current(request)]

    @staticmethod
    def _concerns(request: pb.WatchShadowRequest, event: pb.WatchShadowResponse) -> bool:
        return event.thing == request.thing and (request.all_names or event.name == request.name)
