"""Publishes every reading again under one topic, with the topic that it came on as a further field."""

from __future__ import annotations

from hedgerow import Component, ComponentEvent, Message

component = Component()


@component.handler
def handle(event: ComponentEvent) -> Message:
    """Called with one reading after the other. What it returns is stored when the reading leaves the inbox."""
    return component.reading("republish/reading", {**event.values, "topic": event.topic}, units=event.units)


if __name__ == "__main__":
    component.run()
