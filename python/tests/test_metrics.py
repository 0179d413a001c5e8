"""The metrics that cloud and core serve, read by the parsers of prometheus-client."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from fleet import Fleet, eventually, free_port


def _scrape(port: int, accept: str = "text/plain") -> tuple[str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read().decode("utf-8")


def _families(port: int) -> dict[str, Metric]:
    return {family.name: family for family in parse_prometheus(_scrape(port)[1])}


def _value(families: dict[str, Metric], sample: str, **labels: str) -> float:
    for family in families.values():
        for found in family.samples:
            if found.name == sample and found.labels == labels:
                return float(found.value)
    return 0.0


def test_metrics_say_what_came_and_what_waits(own_fleet: Fleet) -> None:
    fleet = own_fleet
    ports = {name: free_port(set()) for name in ("cloud", "core-1")}
    for name, port in ports.items():
        fleet.options[name] = ["--metrics-listen", f"127.0.0.1:{port}"]
    fleet.build(cores=["core-1"], things=["thing-1"])
    with fleet.thing("thing-1") as thing:
        for number in range(20):
            thing.publish("thing-1/readings", {"number": float(number)})
        thing.flush()

    def appended() -> bool:
        families = _families(ports["core-1"])
        return _value(families, "hedgerow_stream_appended_messages_total", stream="default") >= 20

    eventually("the core counts what came", appended)

    def stored() -> bool:
        return _value(_families(ports["cloud"]), "hedgerow_ledger_messages_total", outcome="received") >= 20

    eventually("the cloud counts what it stored", stored)

    core = _families(ports["core-1"])
    assert core["hedgerow_ingest_messages"].type == "counter"
    assert _value(core, "hedgerow_cloud_attached") == 1
    assert core["hedgerow_commit_duration_seconds"].type == "histogram"
    assert _value(core, "hedgerow_commit_duration_seconds_count") > 0
    assert _value(core, "hedgerow_metrics_dropped_series_total") == 0

    def reported() -> bool:
        return "hedgerow_stream_messages" in _families(ports["core-1"])

    eventually("the streams were looked at", reported)
    for port in ports.values():
        content_type, text = _scrape(port, "application/openmetrics-text; version=1.0.0")
        assert content_type.startswith("application/openmetrics-text")
        families = list(parse_openmetrics(text))
        assert families
        for family in families:
            assert family.documentation and family.documentation != family.name, family.name
            assert re.fullmatch(r"hedgerow_[a-z_]+", family.name), family.name


def test_there_are_none_unless_they_are_asked_for(fleet: Fleet, new_thing: Callable[[], str]) -> None:
    assert "metrics are served" not in fleet.log("cloud") + fleet.log("core-1")


def test_an_address_that_cannot_be_read_is_refused(own_fleet: Fleet) -> None:
    own_fleet.options["cloud"] = ["--metrics-listen", "9464"]
    with pytest.raises(AssertionError, match="no address; write HOST:PORT"):
        own_fleet.start_cloud()
