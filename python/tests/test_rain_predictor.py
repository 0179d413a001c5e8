"""Examples/rain-predictor: training, the formats of models, and the component beside a core of the tests' own."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_core import TOKEN, FakeCore
from fleet import REPOSITORY, eventually

import hedgerow
from hedgerow import Component

EXAMPLE = REPOSITORY / "Examples" / "rain-predictor"
if not EXAMPLE.is_dir():
    pytest.skip("the examples are in the repository only", allow_module_level=True)

np: Any = pytest.importorskip("numpy", reason="numpy is not installed; see requirements-models.txt")
sys.path.insert(0, str(EXAMPLE))
exports: Any = importlib.import_module("exports")
models: Any = importlib.import_module("models")
network: Any = importlib.import_module("network")
package: Any = importlib.import_module("package")
predictor: Any = importlib.import_module("predictor")
weather: Any = importlib.import_module("weather")

THING = "bme680-1"
FEATURES = ("temperature", "pressure", "humidity")
READING = {"temperature": 12.0, "pressure": 995.0, "humidity": 97.0}
DRY = {"temperature": 24.0, "pressure": 1_030.0, "humidity": 30.0}

# The module of a format's package, and the suffix.
FORMATS = {".onnx": "onnx", ".tflite": "ai_edge_litert", ".zip": "tensorflow"}
RUNTIMES = {".onnx": "onnxruntime", ".tflite": "ai_edge_litert", ".zip": "tensorflow"}
EACH_FORMAT = pytest.mark.parametrize("suffix", FORMATS)


def need(suffix: str) -> None:
    """Leaves a test out where a format's packages are not there. Looked up, not imported: TensorFlow takes seconds."""
    for module in (FORMATS[suffix], RUNTIMES[suffix]):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed; see requirements-models.txt")


def write(path: Path, trained: Any) -> Path:
    if path.suffix == ".onnx":
        exports.write_onnx(path, trained, FEATURES, {"source": "a test"})
    elif path.suffix == ".tflite":
        exports.write_tflite(path, trained, FEATURES)
    else:
        exports.write_saved_model(path, trained, FEATURES)
    return path


@pytest.fixture(scope="module")
def trained() -> Any:
    return network.train(*weather.generate(4_000, seed=5), hidden=(8, 4), epochs=10)


# Training


def test_the_same_seed_makes_the_same_weather() -> None:
    features, rain = weather.generate(400, seed=3)
    again, rain_again = weather.generate(400, seed=3)
    assert np.array_equal(features, again) and np.array_equal(rain, rain_again)
    assert not np.array_equal(features, weather.generate(400, seed=4)[0])
    assert features.shape == (400, 3) and set(rain) == {0.0, 1.0}
    for column, name in zip(features.T, FEATURES, strict=True):
        low, high = weather._RANGES[name]
        assert low <= column.min() and column.max() <= high, name


@pytest.mark.parametrize("hidden", [(), (8,), (8, 4)])
def test_what_is_learnt_is_better_than_a_guess(hidden: Sequence[int]) -> None:
    trained = network.train(*weather.generate(3_000, seed=1), hidden=hidden, epochs=20)
    features, rain = weather.generate(4_000, seed=2)
    quality = network.quality(trained.probability(features), rain)
    assert quality.accuracy > quality.baseline + 0.05
    assert quality.roc_auc > 0.85
    assert quality.log_loss < 0.5


def test_more_data_and_a_hidden_layer_are_better() -> None:
    features, rain = weather.generate(4_000, seed=2)
    poor = network.train(*weather.generate(500, seed=1))
    rich = network.train(*weather.generate(8_000, seed=1), hidden=(16,), epochs=20)
    first, second = (network.quality(made.probability(features), rain) for made in (poor, rich))
    assert second.log_loss < first.log_loss and second.roc_auc > first.roc_auc


def test_gradients_are_those_of_the_loss() -> None:
    random = np.random.default_rng(1)
    layers = [(random.normal(size=(3, 4)), random.normal(size=4)), (random.normal(size=(4, 1)), random.normal(size=1))]
    inputs, target = random.normal(size=(5, 3)), np.array([0.0, 1, 1, 0, 1])

    def loss() -> float:
        probability = network._logistic(network._forward(layers, inputs)[-1][:, 0])
        return float(network.quality(probability, target).log_loss)

    found = network._gradients(layers, inputs, target, 0.0)
    for array, gradient in zip([array for layer in layers for array in layer], found, strict=True):
        for place in np.ndindex(array.shape):
            before = array[place]
            array[place] = before + 1e-6
            above = loss()
            array[place] = before - 1e-6
            slope = (above - loss()) / 2e-6
            array[place] = before
            assert gradient[place] == pytest.approx(slope, abs=1e-5)


def test_roc_auc_counts_pairs() -> None:
    probability = np.array([0.1, 0.4, 0.4, 0.8, 0.8, 0.3])
    target = np.array([0.0, 0, 1, 1, 0, 1])
    pairs = [
        1.0 if wet > dry else 0.5 if wet == dry else 0.0
        for wet in probability[target == 1]
        for dry in probability[target == 0]
    ]
    assert network._roc_auc(probability, target) == pytest.approx(sum(pairs) / len(pairs))
    assert network._roc_auc(probability, np.ones(6)) == 0.5


def test_a_feature_that_never_changes_does_no_harm() -> None:
    features, rain = weather.generate(500, seed=1)
    features[:, 1] = 1_000.0
    trained = network.train(features, rain, epochs=5)
    assert np.isfinite(trained.probability(features)).all()


# CSV


def csv(path: Path, *rows: str, header: str = "time,rain,humidity,pressure,temperature") -> Path:
    filler = [f"12:00,{number % 2},50,1013.2,20.5" for number in range(25)]
    path.write_text("\n".join([header, *rows, *filler]) + "\n")
    return path


def test_a_csv_comes_back_as_it_was_written(tmp_path: Path) -> None:
    features, rain = weather.generate(50, seed=1)
    weather.write_csv(tmp_path / "a.csv", features, rain)
    read, read_rain = weather.read_csv(tmp_path / "a.csv")
    assert np.allclose(read, features, atol=0.006) and np.array_equal(read_rain, rain)


def test_columns_of_a_csv_come_in_any_order(tmp_path: Path) -> None:
    features, rain = weather.read_csv(csv(tmp_path / "a.csv", "12:00,1,90,990,5"))
    assert features[0].tolist() == [5, 990, 90] and rain[0] == 1 and len(rain) == 26


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("12:00,1,90,990", "line 2: temperature is empty"),
        ("12:00,1,90,,5", "line 2: pressure is empty"),
        ("12:00,1,90,990,warm", "line 2: temperature is 'warm', not a number"),
        ('12:00,1,"90,5",990,5', "line 2: humidity is '90,5', not a number"),
        ("12:00,2,90,990,5", "line 2: rain is 2, not 0 or 1"),
        ("12:00,1,101,990,5", "line 2: humidity is 101, not between 0 and 100"),
        ("12:00,1,90,99000,5", "line 2: pressure is 99000, not between 800 and 1100"),
        ("12:00,1,90,990,nan", "line 2: temperature is nan, not between"),
    ],
)
def test_a_wrong_value_in_a_csv_is_named_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(weather.DataError, match=message):
        weather.read_csv(csv(tmp_path / "a.csv", row))


def test_a_csv_that_cannot_be_learnt_from_says_why(tmp_path: Path) -> None:
    place = tmp_path / "a.csv"
    with pytest.raises(weather.DataError, match="cannot be read: No such file"):
        weather.read_csv(place)
    with pytest.raises(weather.DataError, match="line 1: there is no column rain"):
        weather.read_csv(csv(place, header="time,wet,humidity,pressure,temperature"))
    place.write_text("temperature,pressure,humidity,rain\n20,1000,50,1\n")
    with pytest.raises(weather.DataError, match="has 1 samples; at least 20"):
        weather.read_csv(place)
    place.write_text("temperature,pressure,humidity,rain\n" + "20,1000,50,0\n" * 30)
    with pytest.raises(weather.DataError, match="rain is 0 in every line"):
        weather.read_csv(place)
    place.write_bytes(b"temperature,pressure,humidity,rain\n\xff")
    with pytest.raises(weather.DataError, match="is not UTF-8"):
        weather.read_csv(place)


def run_train(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLE / "train.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=110)


def test_the_command_line_trains_from_a_csv(tmp_path: Path) -> None:
    need(".onnx")
    weather.write_csv(tmp_path / "mine.csv", *weather.generate(1_000, seed=1))
    done = run_train("--data", tmp_path / "mine.csv", "--out", tmp_path / "model.onnx")
    assert done.returncode == 0, done.stderr
    assert "learnt from 800 samples of mine.csv, tried on 200 others" in done.stdout
    facts = json.loads((tmp_path / "model.json").read_text())
    assert facts["features"] == list(FEATURES) and len(facts["mean"]) == len(facts["deviation"]) == 3
    assert facts["quality"]["accuracy"] > facts["quality"]["baseline"] - 0.05
    assert models.load(tmp_path / "model.onnx").features == FEATURES


def test_the_command_line_says_what_is_wrong(tmp_path: Path) -> None:
    done = run_train("--data", csv(tmp_path / "a.csv", "12:00,1,90,990,warm"), "--out", tmp_path / "model.onnx")
    assert done.returncode == 1 and done.stderr.startswith("train.py: ") and "line 2" in done.stderr
    done = run_train("--hours", 100, "--out", tmp_path / "model.bin")
    assert done.returncode == 1 and "use .onnx, .tflite or .zip" in done.stderr


def test_the_model_of_the_example_is_the_one_that_train_makes(tmp_path: Path) -> None:
    need(".onnx")
    assert run_train("--out", tmp_path / "model.onnx").returncode == 0
    ours, theirs = models.load(EXAMPLE / "model.onnx"), models.load(tmp_path / "model.onnx")
    for reading in (READING, DRY):
        values = [reading[name] for name in FEATURES]
        assert ours.probability(values) == pytest.approx(theirs.probability(values), abs=1e-4)


# Formats


@EACH_FORMAT
def test_a_model_says_what_numpy_says(suffix: str, trained: Any, tmp_path: Path) -> None:
    need(suffix)
    model = models.load(write(tmp_path / f"model{suffix}", trained))
    assert model.features == FEATURES
    features, _ = weather.generate(200, seed=9)
    wanted = trained.probability(features)
    found = [model.probability(row) for row in features]
    assert np.allclose(found, wanted, atol=1e-5)
    assert max(found) - min(found) > 0.5


@EACH_FORMAT
def test_a_model_without_a_hidden_layer(suffix: str, tmp_path: Path) -> None:
    need(suffix)
    plain = network.train(*weather.generate(500, seed=5), epochs=5)
    model = models.load(write(tmp_path / f"model{suffix}", plain))
    assert model.probability([10.0, 1_000.0, 90.0]) == pytest.approx(
        plain.probability(np.array([[10.0, 1_000.0, 90.0]]))[0], abs=1e-5
    )


def test_a_model_has_its_facts_with_it(trained: Any, tmp_path: Path) -> None:
    need(".onnx")
    onnxruntime: Any = importlib.import_module("onnxruntime")
    path = write(tmp_path / "model.onnx", trained)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map == {"source": '"a test"'}


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_a_damaged_model_is_not_loaded(suffix: str, trained: Any, tmp_path: Path) -> None:
    need(suffix)
    path = write(tmp_path / f"model{suffix}", trained)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(models.ModelError, match="cannot be loaded"):
        models.load(path)


def test_what_is_no_model_is_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(models.ModelError, match="is not there"):
        models.load(tmp_path / "model.onnx")
    (tmp_path / "model.pickle").write_bytes(b"")
    with pytest.raises(models.ModelError, match="no runtime has models"):
        models.load(tmp_path / "model.pickle")


def test_a_format_without_its_package_says_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(exports.MissingPackageError, match="onnx is not installed; pip install onnx"):
        write(tmp_path / "model.onnx", network.train(*weather.generate(100), epochs=1))
    (tmp_path / "model.onnx").write_bytes(b"x")
    with pytest.raises(models.ModelError, match="onnxruntime is not installed"):
        models.load(tmp_path / "model.onnx")


def test_what_is_no_probability_is_refused() -> None:
    for output in (np.array([np.nan]), np.array([1.5]), np.array([0.1, 0.2]), np.array([])):
        with pytest.raises(models.ModelError):
            models._checked(output)
    assert models._checked(np.array([[1.0000001]])) == 1.0


def test_a_package_of_a_model_is_a_recipe_of_its_version(tmp_path: Path) -> None:
    model = tmp_path / "better.tflite"
    model.write_bytes(b"TFL3")
    place = tmp_path / "stage"
    place.mkdir()
    made = package.stage(model, "1.1.0", place).read_text()
    assert "\nversion: 1.1.0\n" in made and "\n  model: model.tflite\n" in made
    assert "name: model.tflite, sha256: " in made and "model.onnx" not in made
    assert "ai-edge-litert" in (place / "requirements.txt").read_text()
    assert (EXAMPLE / "requirements.txt").read_text() == package.requirements_of(Path("model.onnx"))


# The component


class Fixed:
    """A model that says what it was given."""

    features = FEATURES

    def __init__(self) -> None:
        self.answer: float | Exception = 0.75
        self.asked: list[list[float]] = []

    def probability(self, values: Sequence[float]) -> float:
        self.asked.append(list(values))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def core(tmp_path: Path) -> Iterator[FakeCore]:
    core = FakeCore(tmp_path)
    core.info.version = "1.0.0"
    core.start()
    yield core
    core.stop()


class Clock:
    """Both clocks, which stand still unless they are told."""

    def __init__(self) -> None:
        self.monotonic = 100.0
        self.wall = 1_800_000_000.0

    def go(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds


@pytest.fixture
def clock(core: FakeCore) -> Clock:
    clock = Clock()
    core.shadows.clock = lambda: clock.wall
    return clock


@pytest.fixture
def looker(core: FakeCore, clock: Clock) -> Iterator[Any]:
    with Component(socket=str(core.socket), token=TOKEN) as component:
        silence = predictor.Silence(lambda: clock.monotonic, lambda: clock.wall)
        yield predictor.Predictor(component.shadow(THING), Fixed(), "1.0.0", silence)


def reported(core: FakeCore) -> dict[str, Any]:
    return dict(core.shadows.states.get((THING, ""), {}).get("reported", {}))


def test_it_predicts_from_what_was_reported(core: FakeCore, looker: Any) -> None:
    core.shadows.set(THING, reported=READING)
    assert looker.look() == {"rain_prediction": 1, "rain_probability": 0.75, "rain_model": "1.0.0"}
    assert looker.model.asked == [[12.0, 995.0, 97.0]]
    assert reported(core) == {**READING, "rain_prediction": 1, "rain_probability": 0.75, "rain_model": "1.0.0"}
    looker.model.answer = 0.25
    core.shadows.set(THING, reported=DRY)
    assert looker.look() == {"rain_prediction": 0, "rain_probability": 0.25}
    # The threshold is a setting.
    looker.threshold = 0.2
    assert looker.look() == {"rain_prediction": 1}


def test_what_is_there_is_not_written_again(core: FakeCore, looker: Any) -> None:
    core.shadows.set(THING, reported=READING)
    looker.look()
    version = core.shadows.versions[THING, ""]
    assert [looker.look(), looker.look()] == [None, None]
    assert core.shadows.versions[THING, ""] == version


@pytest.mark.parametrize("value", [None, "wet", True, [1], {"mean": 3}])
def test_without_a_number_there_is_no_prediction(core: FakeCore, looker: Any, value: object) -> None:
    core.shadows.set(THING, reported=READING)
    looker.look()
    core.shadows.set(THING, reported={"humidity": value})
    looker.look()
    found = reported(core)
    assert "rain_prediction" not in found and "rain_probability" not in found
    assert found["rain_problem"].startswith("humidity ")
    assert len(looker.model.asked) == 1
    core.shadows.set(THING, reported={"humidity": 97.0} if value is None else {"humidity": None})
    core.shadows.set(THING, reported={"humidity": 97.0})
    looker.look()
    assert reported(core)["rain_prediction"] == 1 and "rain_problem" not in reported(core)


def test_without_a_shadow_there_is_no_prediction(core: FakeCore, looker: Any) -> None:
    looker.look()
    assert reported(core) == {"rain_problem": "bme680-1 has no shadow yet", "rain_model": "1.0.0"}


def test_values_that_do_not_come_any_more_are_not_predicted_from(
    core: FakeCore, looker: Any, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    core.shadows.set(THING, reported=READING)
    looker.look()
    clock.go(59)
    assert looker.look() is None
    clock.go(2)
    looker.look()
    assert reported(core)["rain_problem"] == "temperature was last reported more than 60 s ago"
    assert "rain_prediction" not in reported(core)
    clock.go(1_000)
    assert looker.look() is None
    # The same values, but new ones.
    core.shadows.set(THING, reported=READING)
    looker.look()
    assert reported(core)["rain_prediction"] == 1
    assert [record.message for record in caplog.records] == [
        "no prediction: temperature was last reported more than 60 s ago",
        "predicting again",
    ]


def test_one_value_that_stays_away_is_enough(core: FakeCore, looker: Any, clock: Clock) -> None:
    core.shadows.set(THING, reported=READING)
    looker.look()
    for _ in range(7):
        clock.go(10)
        core.shadows.set(THING, reported={"temperature": 12.0, "humidity": 97.0})
        looker.look()
    assert reported(core)["rain_problem"].startswith("pressure was last reported")


def test_what_was_old_when_it_started_is_old(core: FakeCore, looker: Any, clock: Clock) -> None:
    core.shadows.set(THING, reported=READING)
    clock.go(3_600)
    looker.look()
    assert "rain_problem" in reported(core) and not looker.model.asked


def test_a_jump_of_the_time_of_day_makes_nothing_old(core: FakeCore, looker: Any, clock: Clock) -> None:
    core.shadows.set(THING, reported=READING)
    looker.look()
    clock.wall += 86_400
    assert looker.look() is None and reported(core)["rain_prediction"] == 1
    clock.wall -= 10 * 86_400
    assert looker.look() is None and reported(core)["rain_prediction"] == 1


def test_a_new_version_takes_over_what_is_in_the_shadow(core: FakeCore, looker: Any) -> None:
    core.shadows.set(THING, reported=READING)
    looker.look()
    with Component(socket=str(core.socket), token=TOKEN) as component:
        newer = predictor.Predictor(component.shadow(THING), Fixed(), "1.1.0")
        newer.stale_after = float("inf")
        assert newer.look() == {"rain_model": "1.1.0"}


# As a program


def settings(core: FakeCore, **changes: object) -> dict[str, Any]:
    configuration = {"model": "model.onnx", "interval": 0.05, "staleAfter": 60.0, "threshold": 0.5, **changes}
    core.configure(configuration)
    return configuration


@contextlib.contextmanager
def program(core: FakeCore, directory: Path, log: Path, code: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """The predictor as a core runs it. It has to end as it should when it is asked to."""
    variables = {
        **os.environ,
        "HEDGEROW_SOCKET": str(core.socket),
        "HEDGEROW_TOKEN": TOKEN,
        "THING_NAME": THING,
        "PYTHONPATH": str(Path(hedgerow.__file__).parent.parent),
    }
    with log.open("ab") as output:
        started = subprocess.Popen(
            [sys.executable, str(EXAMPLE / "predictor.py")], cwd=directory, env=variables, stdout=output, stderr=output
        )
    try:
        yield started
        if started.poll() is None:
            started.send_signal(signal.SIGTERM)
        assert started.wait(60) == code, log.read_text()
    finally:
        started.kill()
        started.wait(60)


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_the_program_predicts_until_it_is_asked_to_end(
    suffix: str, core: FakeCore, trained: Any, tmp_path: Path
) -> None:
    need(suffix)
    write(tmp_path / f"model{suffix}", trained)
    settings(core, model=f"model{suffix}")
    core.shadows.set(THING, reported=READING)
    with program(core, tmp_path, tmp_path / "log"):
        eventually("it predicts rain", lambda: reported(core).get("rain_prediction") == 1, within=60)
        wanted = trained.probability(np.array([[READING[name] for name in FEATURES]]))[0]
        assert reported(core)["rain_probability"] == pytest.approx(wanted, abs=1e-4)
        core.shadows.set(THING, reported=DRY)
        eventually("it predicts none", lambda: reported(core)["rain_prediction"] == 0)
        # The core may restart meanwhile.
        core.stop()
        core.shadows.set(THING, reported=READING)
        core.start()
        eventually("it predicts rain again", lambda: reported(core)["rain_prediction"] == 1)
    assert core.health and all(report.healthy for report in core.health)


def test_a_better_model_takes_over_without_losing_a_reading(
    core: FakeCore, trained: Any, tmp_path: Path
) -> None:
    """As a deployment does it: the old program ends, the new one starts, and readings go on meanwhile."""
    need(".onnx")
    settings(core)
    for version, made in (("1.0.0", network.train(*weather.generate(300), epochs=2)), ("1.1.0", trained)):
        (tmp_path / version).mkdir()
        write(tmp_path / version / "model.onnx", made)
    count = 0
    for version in ("1.0.0", "1.1.0"):
        core.info.version = version
        with program(core, tmp_path / version, tmp_path / "log"):
            for _ in range(20):
                count += 1
                core.shadows.set(THING, reported={**READING, "count": count})
                time.sleep(0.01)
            eventually(
                f"{version} predicts",
                lambda version=version: reported(core).get("rain_model") == version,  # type: ignore[misc]
                within=60,
            )
        count += 1
        core.shadows.set(THING, reported={**READING, "count": count})
    readings = [
        json.loads(event.document)["state"]["reported"]["count"]
        for event in core.shadows.events
        if event.kind == 2 and "count" in event.document
    ]
    assert readings == list(range(1, count + 1)) and reported(core)["count"] == count


def test_settings_change_without_a_restart(core: FakeCore, trained: Any, tmp_path: Path) -> None:
    need(".onnx")
    write(tmp_path / "model.onnx", trained)
    configuration = settings(core, interval=3_600.0)
    core.shadows.set(THING, reported=READING)
    with program(core, tmp_path, tmp_path / "log") as started:
        eventually("it predicts rain", lambda: reported(core).get("rain_prediction") == 1, within=60)
        core.configure({**configuration, "interval": 0.05, "threshold": 1.0})
        eventually("the threshold holds", lambda: reported(core)["rain_prediction"] == 0)
        # A model that is not there: the one from before goes on, and the core hears of it.
        core.configure({**configuration, "interval": 0.05, "model": "none.onnx"})
        eventually("it says so", lambda: [report for report in core.health if not report.healthy])
        eventually("the threshold holds", lambda: reported(core)["rain_prediction"] == 1)
        core.configure({**configuration, "interval": 0.05})
        eventually("it is well", lambda: core.health[-1].healthy)
        assert started.poll() is None
    assert "none.onnx is not there" in next(report.reason for report in core.health if not report.healthy)


def test_a_version_whose_model_does_not_run_never_becomes_ready(core: FakeCore, tmp_path: Path) -> None:
    need(".onnx")
    settings(core)
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with program(core, tmp_path, tmp_path / "log", code=1) as started:
        started.wait(60)
    assert not core.health and "model.onnx cannot be loaded" in (tmp_path / "log").read_text()


def test_a_shadow_that_it_may_not_use_is_reported_as_health(core: FakeCore, trained: Any, tmp_path: Path) -> None:
    need(".onnx")
    write(tmp_path / "model.onnx", trained)
    settings(core)
    core.shadows.forbidden.add(THING)
    with program(core, tmp_path, tmp_path / "log"):
        eventually("it says so", lambda: [report for report in core.health if not report.healthy], within=60)
        core.shadows.forbidden.clear()
        eventually("it is well", lambda: core.health[-1].healthy)
        eventually("it goes on", lambda: reported(core).get("rain_problem"))
