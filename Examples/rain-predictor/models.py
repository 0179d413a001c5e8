"""Runs a model, whatever it was exported as; the suffix of its file decides.

A model has one input with the shape [samples, features], float32; its name lists the features, joined by "_". It gives
one probability.
"""

from __future__ import annotations

import importlib
import math
import re
import shutil
import tempfile
import weakref
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

# What a SavedModel may have unpacked; the archive comes with a digest, and is not trusted with the disk for that.
_MOST_UNPACKED = 512 << 20
_FEATURES = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z][A-Za-z0-9]*)*")


class ModelError(Exception):
    """The model cannot be loaded, or gives nothing of use; the sentence says why."""


class Model(Protocol):
    """A model that is loaded."""

    features: tuple[str, ...]
    """What it is to be given, in this order."""

    def probability(self, values: Sequence[float]) -> float:
        """The probability, 0 to 1.

        :raises ModelError: It gave no number.
        """


def load(path: Path) -> Model:
    """Loads a model.

    :raises ModelError: There is none, its runtime is not installed, or it is of another kind.
    """
    kinds: dict[str, Callable[[Path], Model]] = {
        ".onnx": OnnxModel,
        ".tflite": LiteRtModel,
        ".zip": SavedModel,
        "": SavedModel,
    }
    kind = kinds.get(path.suffix)
    if kind is None:
        raise ModelError(f"{path}: no runtime has models with the suffix {path.suffix!r}; use .onnx, .tflite or .zip")
    if not path.exists():
        raise ModelError(f"{path} is not there; is it an artifact of the recipe?")
    try:
        model = kind(path)
    except ModelError:
        raise
    except Exception as error:
        # Each runtime has errors of its own, some of them without a class of their own.
        raise ModelError(f"{path} cannot be loaded: {error}") from error
    # So that what does not run is found now, and not with the first reading.
    model.probability([0.0] * len(model.features))
    return model


class OnnxModel:
    """ONNX by ``onnxruntime``."""

    def __init__(self, path: Path) -> None:
        runtime = _needed("onnxruntime")
        options = runtime.SessionOptions()
        # A model this small is slower on several threads, and needs no memory in reserve.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = _only(path, [given.name for given in self._session.get_inputs()])
        self.features = _features(path, self._input)

    def probability(self, values: Sequence[float]) -> float:
        """Runs it."""
        return _checked(self._session.run(None, {self._input: _row(values)})[0])


class LiteRtModel:
    """TensorFlow Lite by ``ai-edge-litert``."""

    def __init__(self, path: Path) -> None:
        interpreter = _needed("ai_edge_litert.interpreter", "ai-edge-litert").Interpreter
        self._interpreter = interpreter(model_path=str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        details = self._interpreter.get_input_details()
        self.features = _features(path, _only(path, [given["name"] for given in details]))
        self._input = details[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def probability(self, values: Sequence[float]) -> float:
        """Runs it."""
        self._interpreter.set_tensor(self._input, _row(values))
        self._interpreter.invoke()
        return _checked(self._interpreter.get_tensor(self._output))


class SavedModel:
    """TensorFlow's SavedModel, a directory or a ZIP of one, where TensorFlow is installed."""

    def __init__(self, path: Path) -> None:
        tensorflow = _needed("tensorflow")
        place = path
        if path.is_file():
            place = Path(tempfile.mkdtemp(prefix="model-"))
            weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
            _unpack(path, place)
        # The signature lives as long as what it is of.
        self._loaded = tensorflow.saved_model.load(str(place))
        self._run = self._loaded.signatures["serving_default"]
        self._constant = tensorflow.constant
        _, named = self._run.structured_input_signature
        self._input = _only(path, list(named))
        self.features = _features(path, self._input)

    def probability(self, values: Sequence[float]) -> float:
        """Runs it."""
        [output] = self._run(**{self._input: self._constant(_row(values))}).values()
        return _checked(output.numpy())


def _needed(module: str, package: str = "") -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ModelError(
            f"{package or module} is not installed; name it in requirements.txt and pack the component again"
        ) from error


def _only(path: Path, inputs: list[str]) -> str:
    if len(inputs) != 1:
        raise ModelError(f"{path} has {len(inputs)} inputs; one with all features is wanted")
    return inputs[0]


def _features(path: Path, name: str) -> tuple[str, ...]:
    if not _FEATURES.fullmatch(name):
        raise ModelError(f"{path}: the input's name {name!r} does not list features joined by '_'")
    return tuple(name.split("_"))


def _row(values: Sequence[float]) -> Any:
    return np.array([values], dtype=np.float32)


def _checked(output: Any) -> float:
    if output.size != 1:
        raise ModelError(f"the model gave {output.size} values in place of one probability")
    value = float(output.reshape(-1)[0])
    if not math.isfinite(value) or not -1e-6 <= value <= 1 + 1e-6:
        raise ModelError(f"the model gave {value}, which is no probability")
    return min(max(value, 0.0), 1.0)


def _unpack(archive: Path, place: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > _MOST_UNPACKED:
            raise ModelError(f"{archive} is more than {_MOST_UNPACKED >> 20} MiB unpacked")
        packed.extractall(place)
