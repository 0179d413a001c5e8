"""Writes a network as a model that runtimes at the edge load: ONNX, TensorFlow Lite, and TensorFlow's SavedModel.

The scaler is the first part of each model's graph: it cannot be forgotten, nor come from another training. The model's
one input has the shape [samples, features]; its name lists the features, joined by "_", so that whoever runs the model
knows what to give it. The output is the probability, with the shape [samples, 1].
"""

from __future__ import annotations

import importlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from network import Network

OUTPUT = "probability"
# Old enough for every runtime that is about.
_OPSET, _IR_VERSION = 13, 8


class MissingPackageError(Exception):
    """A format needs a package that is not installed; the sentence says which."""


def input_name(features: Sequence[str]) -> str:
    """What the model's input is called."""
    return "_".join(features)


def write_onnx(path: Path, network: Network, features: Sequence[str], facts: Mapping[str, object]) -> None:
    """Writes ONNX; the facts (how it was trained) go into its metadata."""
    onnx = _needed("onnx", "onnx")
    helper, array = onnx.helper, onnx.numpy_helper.from_array
    name = input_name(features)
    weights = [array(_single(network.mean), "mean"), array(_single(network.deviation), "deviation")]
    nodes = [
        helper.make_node("Sub", [name, "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "deviation"], ["scaled"]),
    ]
    value = "scaled"
    for index, (matrix, bias) in enumerate(network.layers):
        weights += [array(_single(matrix), f"weights{index}"), array(_single(bias), f"bias{index}")]
        last = index == len(network.layers) - 1
        nodes.append(
            helper.make_node("Gemm", [value, f"weights{index}", f"bias{index}"], [f"sum{index}"], name=f"layer{index}")
        )
        value = OUTPUT if last else f"active{index}"
        nodes.append(helper.make_node("Sigmoid" if last else "Relu", [f"sum{index}"], [value]))
    single = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "rain",
        [helper.make_tensor_value_info(name, single, ["samples", len(features)])],
        [helper.make_tensor_value_info(OUTPUT, single, ["samples", 1])],
        weights,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="hedgerow-rain-predictor",
    )
    helper.set_model_props(model, {key: json.dumps(value) for key, value in sorted(facts.items())})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def write_tflite(path: Path, network: Network, features: Sequence[str]) -> None:
    """Writes TensorFlow Lite, without TensorFlow: the file is put together by the schema that comes with LiteRT."""
    schema = _needed("ai_edge_litert.schema_py_generated", "ai-edge-litert")
    flatbuffers = _needed("flatbuffers", "flatbuffers")
    model = schema.ModelT()
    model.version = 3
    model.description = "rain"
    # The first one is empty by convention: tensors without data refer to it.
    model.buffers = [schema.BufferT()]
    model.operatorCodes = []
    graph = schema.SubGraphT()
    graph.name, graph.tensors, graph.operators = "main", [], []

    def tensor(name: str, shape: Sequence[int], data: Any = None) -> int:
        made = schema.TensorT()
        made.name, made.shape, made.type = name, list(shape), schema.TensorType.FLOAT32
        made.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(_single(data)).tobytes(), np.uint8)
            made.buffer = len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    def operator(code: int, inputs: list[int], output: int, kind: int = 0, options: Any = None) -> int:
        codes = [known.builtinCode for known in model.operatorCodes]
        if code not in codes:
            made = schema.OperatorCodeT()
            made.builtinCode, made.deprecatedBuiltinCode, made.version = code, min(code, 127), 1
            model.operatorCodes.append(made)
            codes.append(code)
        step = schema.OperatorT()
        step.opcodeIndex, step.inputs, step.outputs = codes.index(code), inputs, [output]
        step.builtinOptionsType, step.builtinOptions = kind, options
        graph.operators.append(step)
        return output

    codes, kinds = schema.BuiltinOperator, schema.BuiltinOptions
    width = len(features)
    given = tensor(input_name(features), [1, width])
    centred = operator(
        codes.SUB, [given, tensor("mean", [width], network.mean)], tensor("centred", [1, width]),
        kinds.SubOptions, schema.SubOptionsT(),
    )  # fmt: skip
    # A product, since not every delegate divides.
    value = operator(
        codes.MUL, [centred, tensor("scale", [width], 1 / network.deviation)], tensor("scaled", [1, width]),
        kinds.MulOptions, schema.MulOptionsT(),
    )  # fmt: skip
    for index, (matrix, bias) in enumerate(network.layers):
        options = schema.FullyConnectedOptionsT()
        if index < len(network.layers) - 1:
            options.fusedActivationFunction = schema.ActivationFunctionType.RELU
        inputs, outputs = matrix.shape
        parameters = [
            tensor(f"weights{index}", [outputs, inputs], matrix.T),
            tensor(f"bias{index}", [outputs], bias),
        ]
        value = operator(
            codes.FULLY_CONNECTED, [value, *parameters], tensor(f"sum{index}", [1, outputs]),
            kinds.FullyConnectedOptions, options,
        )  # fmt: skip
    graph.inputs, graph.outputs = [given], [operator(codes.LOGISTIC, [value], tensor(OUTPUT, [1, 1]))]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1_024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))


def write_saved_model(path: Path, network: Network, features: Sequence[str]) -> None:
    """Writes a SavedModel, packed as ZIP since an artifact is one file. Needs TensorFlow."""
    tensorflow = _needed("tensorflow", "tensorflow")
    single = tensorflow.float32
    module = tensorflow.Module()
    module.mean = tensorflow.Variable(_single(network.mean), trainable=False)
    module.deviation = tensorflow.Variable(_single(network.deviation), trainable=False)
    module.layers = [
        (tensorflow.Variable(_single(matrix)), tensorflow.Variable(_single(bias))) for matrix, bias in network.layers
    ]

    def predict(given: Any) -> dict[str, Any]:
        value = (given - module.mean) / module.deviation
        for index, (matrix, bias) in enumerate(module.layers):
            value = tensorflow.matmul(value, matrix) + bias
            value = tensorflow.sigmoid(value) if index == len(module.layers) - 1 else tensorflow.nn.relu(value)
        return {OUTPUT: value}

    shape = tensorflow.TensorSpec([None, len(features)], single, name=input_name(features))
    signature = tensorflow.function(predict, input_signature=[shape]).get_concrete_function()
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory) / "model"
        tensorflow.saved_model.save(module, str(place), signatures={"serving_default": signature})
        made = shutil.make_archive(str(Path(directory) / "packed"), "zip", place)
        shutil.move(made, path)


def _single(values: Any) -> Any:
    return np.asarray(values, dtype=np.float32)


def _needed(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackageError(f"{package} is not installed; pip install {package}") from error
