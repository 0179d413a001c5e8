"""Shadows and predictions with a real cloud, a real core, and components on it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fleet import REPOSITORY, Fleet, eventually, running
from test_component_fleet import pack, push

import hedgerow

EXAMPLE = REPOSITORY / "Examples" / "rain-predictor"
HAS_MODELS = all(importlib.util.find_spec(name) for name in ("numpy", "onnx", "onnxruntime"))

GROUP = """
kind: Group
name: hall
cores: [core-1]
things: [bme680-1, bme680-2, bme680-3]
components:
  - {name: shade, version: ^1.0, shadows: [bme680-1]}
  - {name: report-readings, version: ^1.0}
subscriptions:
  - {from: component:shade, topic: shade/+, to: cloud}
  - {from: thing:bme680-2, topic: bme680-2/readings, to: component:report-readings}
  - {from: thing:bme680-2, topic: bme680-2/readings, to: cloud}
  - {from: component:report-readings, topic: $dead-letter/report-readings, to: cloud}
shadows: {sync: [bme680-1, bme680-2, bme680-3]}
"""
PREDICTOR = """  - name: rain-predictor
    version: '@live'
    shadows: [bme680-2]
    environment: {THING_NAME: bme680-2}
    configuration: {merge: {interval: 0.2}}
subscriptions:
"""

# Asks what it may and may not, and then does what is desired.
SHADE = """
from hedgerow import Component, HedgerowError

with Component() as component:
    shadow = component.shadow("bme680-1", "shade")
    found = {"version": shadow.report({"started": True}).version >= 1}
    for what, ask in {
        "foreign": lambda: component.shadow("bme680-3").get(),
        "conflict": lambda: shadow.update(reported={"a": 1}, version=1_000_000),
        "condition": lambda: shadow.update(reported={"a": 1}, condition="!state.reported.started"),
        "expression": lambda: shadow.update(reported={"a": 1}, condition="state."),
        "large": lambda: shadow.report({"a": "x" * 40_000}),
        "missing": lambda: component.shadow("bme680-1", "nothing").delete(),
    }.items():
        try:
            ask()
        except HedgerowError as error:
            found[what] = f"{type(error).__name__} {error.reason}"
    shadow.update(reported={"ready": True}, condition="state.reported.started")
    component.publish("shade/result", found)
    for event in shadow.watch(kinds=["delta"]):
        if event.delta:
            shadow.report(event.delta)
"""


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running(tmp_path_factory.mktemp("shadows")) as fleet:
        fleet.start_cloud()
        fleet.client().close()
        fleet.register(cores=["core-1"], things=["bme680-1", "bme680-2", "bme680-3"])
        push(fleet, "shade", SHADE, "access: {shadows: write}\n")
        fleet.command("components", "push", str(EXAMPLE / "report-readings.yaml"))
        fleet.apply(GROUP)
        fleet.start_core("core-1", wait=False)
        fleet.deploy("hall")
        fleet.wait_until_listening("core-1")
        yield fleet


def test_a_component_may_what_its_instance_says(hall: Fleet) -> None:
    def found() -> list[hedgerow.Record]:
        with hall.client() as cloud:
            return list(cloud.query(topic="shade/result"))

    assert eventually("it says what it found", found)[-1].values == {
        "version": True,
        "foreign": "HedgerowError NOT_YOUR_RESOURCE",
        "conflict": "ShadowConflictError SHADOW_VERSION_CONFLICT",
        "condition": "ShadowConflictError SHADOW_CONDITION_FALSE",
        "expression": "InvalidShadowError INVALID_EXPRESSION",
        "large": "ShadowTooLargeError SHADOW_TOO_LARGE",
        "missing": "ShadowNotFoundError SHADOW_NOT_FOUND",
    }


def test_what_the_cloud_desires_a_component_does(hall: Fleet) -> None:
    with hall.client() as cloud:
        shadow = cloud.shadow("bme680-1", "shade")
        for light in (1, 2, 3):
            shadow.desire({"light": light})

            def done(light: int = light) -> bool:
                document = shadow.get()
                return document is not None and document.reported.get("light") == light and not document.delta

            eventually(f"the light is {light}", done, within=60)


def test_a_thing_watches_its_shadow_over_restarts_of_the_core(hall: Fleet) -> None:
    with hall.thing("bme680-3") as thing:
        shadow = thing.shadow()
        assert shadow.get() is None
        shadow.report({"number": 0})
        seen: list[int] = []

        def read() -> None:
            with shadow.watch(kinds=["accepted"]) as watch:
                for event in watch:
                    if event.kind == "accepted" and "number" in event.state.get("reported", {}):
                        seen.append(event.state["reported"]["number"])

        reader = threading.Thread(target=read)
        reader.start()
        # The watch begins with the shadow as it is; whatever comes after that is told.
        shadow.report({"number": 1})
        for number in range(2, 41):
            shadow.report({"number": number})
            if number % 20 == 10:
                eventually("the watch is under way", lambda: seen)
                hall.kill("core-1")
                hall.start_core("core-1")
        eventually("everything is seen", lambda: seen and seen[-1] == 40, within=60)
        assert thing.name == "bme680-3"
    reader.join(60)
    assert not reader.is_alive()
    # An update whose answer was lost is repeated, and told twice. None is missing.
    first = seen[0]
    assert first <= 10 and sorted(set(seen)) == list(range(first, 41)) and seen == sorted(seen)
    with hall.client() as cloud:
        document = eventually(
            "the cloud has it",
            lambda: (found := cloud.shadow("bme680-3").get()) and found.reported == {"number": 40} and found,
            within=60,
        )
    assert document


def test_a_thing_may_not_use_the_shadows_of_others(hall: Fleet) -> None:
    with hall.thing("bme680-3") as thing:
        other = hedgerow.Shadow(thing._shadows, "bme680-1", "", thing._watches)
        with pytest.raises(hedgerow.HedgerowError) as refused:
            other.get()
    assert refused.value.reason == "NOT_YOUR_RESOURCE"


# Machine learning


def push_model(fleet: Fleet, module: Callable[[str], Any], version: str, **training: Any) -> None:
    """Trains a model and pushes it as a version that runs with the interpreter of the tests."""
    place = fleet.directory / f"rain-{version}"
    place.mkdir()
    network, weather = module("network"), module("weather")
    trained = network.train(*weather.generate(training.pop("hours"), seed=1), **training)
    module("exports").write_onnx(place / "model.onnx", trained, weather.FEATURES, {})
    if version == "1.2.0":
        (place / "model.onnx").write_bytes((place / "model.onnx").read_bytes()[:100])
    for name in ("predictor.py", "models.py"):
        shutil.copyfile(EXAMPLE / name, place / name)
    text = module("package").recipe((EXAMPLE / "recipe.yaml").read_text(), "model.onnx", version)
    packages = Path(hedgerow.__file__).parent.parent
    run = f"  run: ['{sys.executable}', predictor.py]\n  settle: 1s\n  environment: {{PYTHONPATH: '{packages}'}}\n"
    text = re.sub(r"^  run: .*\n", run, text, flags=re.MULTILINE)
    text = re.sub(r"^  install: .*\n", "", text, flags=re.MULTILINE)
    # Address space is not what a container of a test machine has to spare; confinement is tested elsewhere.
    text = text.replace("sandbox: required", "sandbox: none")
    recipe = place / "recipe.yaml"
    recipe.write_text(pack().with_artifacts(text, [place / name for name in ("predictor.py", "models.py", "model.onnx")]))
    fleet.command("components", "push", str(recipe))


@pytest.mark.skipif(not HAS_MODELS, reason="onnxruntime is not installed; see requirements-models.txt")
def test_a_better_model_takes_over_without_a_lost_reading(hall: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))

    def module(name: str) -> Any:
        return importlib.import_module(name)

    push_model(hall, module, "1.0.0", hours=300, epochs=5)
    hall.command("components", "alias", "rain-predictor", "live", "1.0.0")
    hall.apply(GROUP.replace("subscriptions:\n", PREDICTOR))
    published = 0
    ended = threading.Event()

    def predicted() -> dict[str, Any]:
        with hall.client() as cloud:
            document = cloud.shadow("bme680-2").get()
        return document.reported if document is not None else {}

    def predicts_with(version: str) -> bool:
        found = predicted()
        return found.get("rain_model") == version and found.get("rain_prediction") in (0, 1)

    def publish() -> None:
        nonlocal published
        with hall.thing("bme680-2") as thing:
            while not ended.wait(0.02):
                published += 1
                values = {"temperature": 12.0 + published % 7, "pressure": 995.0, "humidity": 97.0}
                thing.publish("bme680-2/readings", {**values, "number": published})

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        hall.deploy("hall")
        eventually("1.0.0 predicts, and the cloud knows", lambda: predicts_with("1.0.0"), within=90)
        push_model(hall, module, "1.1.0", hours=3_000, epochs=10, hidden=(8,))
        hall.command("components", "alias", "rain-predictor", "live", "1.1.0")
        hall.deploy("hall")
        eventually("1.1.0 has taken over", lambda: predicts_with("1.1.0"), within=90)
        # One whose model is broken goes back by itself.
        push_model(hall, module, "1.2.0", hours=300, epochs=1)
        hall.command("components", "alias", "rain-predictor", "live", "1.2.0")
        with pytest.raises(AssertionError, match="rain-predictor"):
            hall.command("deploy", "hall", "--wait")
        eventually("1.1.0 predicts again", lambda: predicts_with("1.1.0"), within=90)
    finally:
        ended.set()
        publisher.join(60)
    with hall.client() as cloud:
        def complete() -> bool:
            ledger = cloud.ledger("bme680-2")
            return ledger.received >= published and ledger.lost == 0 and ledger.missing == 0

        eventually("every reading is in the cloud", complete, within=60)
        numbers = [record.values["number"] for record in cloud.query(thing="bme680-2", topic="bme680-2/readings")]
        assert numbers == list(range(published, 0, -1))
        eventually("and in the shadow", lambda: "rain_prediction" in predicted())
