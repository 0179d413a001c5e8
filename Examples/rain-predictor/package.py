"""Makes a version of the component from a model: what `hedgerow components push` takes.

    python package.py --model model.onnx --version 1.0.0 --out packed/1.0.0
    hedgerow components push packed/1.0.0/recipe.yaml

The suffix of the model says which runtime comes along (see requirements_of). The other options are those of
../python-environment/pack.py, for another platform than this one.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
PROGRAMS = ("predictor.py", "models.py")


def requirements_of(model: Path) -> str:
    """What a model needs on the core."""
    runtimes = {
        ".onnx": "onnxruntime==1.32.0\n",
        ".tflite": "ai-edge-litert==2.3.0\n",
        ".zip": "tensorflow==2.21.0\n",
    }
    if model.suffix not in runtimes:
        sys.exit(f"package.py: {model} is no model that the predictor runs; it wants .onnx, .tflite or .zip")
    return "numpy==2.4.6\n" + runtimes[model.suffix]


def recipe(text: str, model: str, version: str) -> str:
    """The recipe with another model and version."""
    text, versions = re.subn(r"^version: .*$", f"version: {version}", text, flags=re.MULTILINE)
    text, models = re.subn(r"^(  model: ).*$", rf"\g<1>{model}", text, flags=re.MULTILINE)
    text, artifacts = re.subn(r"^(  - \{name: )model\.onnx", rf"\g<1>{model}", text, flags=re.MULTILINE)
    if (versions, models, artifacts) != (1, 1, 1):
        sys.exit("package.py: recipe.yaml does not have one version, one model and one artifact model.onnx any more")
    return text


def stage(model: Path, version: str, place: Path) -> Path:
    """Writes the component of a model into a directory, without its environment; returns the recipe there."""
    for name in PROGRAMS:
        shutil.copyfile(HERE / name, place / name)
    name = f"model{model.suffix}"
    shutil.copyfile(model, place / name)
    (place / "requirements.txt").write_text(requirements_of(model), encoding="utf-8")
    made = place / "recipe.yaml"
    made.write_text(recipe((HERE / "recipe.yaml").read_text(encoding="utf-8"), name, version), encoding="utf-8")
    packer().update(made)
    return made


def packer() -> ModuleType:
    """../python-environment/pack.py."""
    sys.path.insert(0, str(HERE.parent / "python-environment"))
    import pack

    return pack


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Make a version of rain-predictor from a model.")
    parser.add_argument("--model", type=Path, required=True, help="the model: .onnx, .tflite, or .zip of a SavedModel")
    parser.add_argument("--version", required=True, help="the version to push, for example 1.1.0")
    parser.add_argument("--out", type=Path, required=True, help="directory that gets everything")
    parser.add_argument("--platform", action="append", default=[], help="see pack.py")
    parser.add_argument("--python-version", help="see pack.py")
    options = parser.parse_args()
    if not options.model.is_file():
        parser.error(f"{options.model} is not there; train.py makes one")
    if bool(options.platform) != bool(options.python_version):
        parser.error("--platform and --python-version go together")
    with tempfile.TemporaryDirectory() as directory:
        stage(options.model, options.version, Path(directory))
        print(packer().pack(Path(directory), options.out, options.platform, options.python_version))


if __name__ == "__main__":
    main()
