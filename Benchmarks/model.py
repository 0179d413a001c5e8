"""A model beside a core: the component of Examples/rain-predictor, once for each runtime, on a core of its own."""

import json
import pathlib
import subprocess
import sys

from fleet import Fleet
from processes import PATIENCE, Failure

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "Examples/rain-predictor"
LOOP = pathlib.Path(__file__).resolve().with_name("model_loop.py")
RUNTIMES = {"onnx": ("model.onnx", "ONNX Runtime"), "litert": ("model.tflite", "LiteRT")}
RECIPE = """\
kind: Component
name: %(name)s
version: 1.0.0
process:
  run: ['%(python)s', '%(loop)s', '%(example)s', '%(model)s', %(seconds)s]
  settle: 0s
  sandbox: none
access: {shadows: write}
"""
# Each program has a shadow of its own thing. Neither is synced: what is measured is the core.
GROUP = """\
kind: Group
name: bench
cores: [core-1]
things: [%s]
components:
  - {name: %s, version: 1.0.0, shadows: [bench-1], environment: {THING_NAME: bench-1}}
"""


class Models(Fleet):
    """A fleet whose core runs one program after the other."""

    def deploy_model(self, name, python, model, seconds):
        """Deploys a component that measures, and returns what it finds."""
        recipe = self.path / f"{name}.yaml"
        recipe.write_text(RECIPE % {"name": name, "python": python, "loop": LOOP, "example": EXAMPLE, "model": model,
                                    "seconds": seconds})
        self.hedgerow("components", "push", recipe)
        group = self.path / "models.yaml"
        group.write_text(GROUP % (", ".join(self.group), name))
        self.hedgerow("apply", "-f", group)
        self.hedgerow("deploy", "bench", "--wait")
        found = self.path / "core/programs" / name / "data/found"
        self.core.wait_for(f"what {name} finds", found.exists, PATIENCE + seconds)
        return json.loads(found.read_text())


def environment(scratch):
    """An environment with the package of this tree and the runtimes."""
    place = scratch / "models"
    python = place / "bin/python"
    if not (place / "complete").exists():
        pip = [python, "-m", "pip", "-q", "--disable-pip-version-check", "install"]
        requirements = ["-c", ROOT / "python/requirements-test.txt", "-r", ROOT / "python/requirements-models.txt"]
        for command in ([sys.executable, "-m", "venv", place], [*pip, *requirements, ROOT / "python"]):
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
            if done.returncode:
                raise Failure(f"the environment for models could not be made: {done.stderr.strip()[-400:]}")
        (place / "complete").touch()
    # Built anew each time: it is the code of this tree that is measured.
    done = subprocess.run([str(python), "-m", "pip", "-q", "--disable-pip-version-check", "install", "--no-deps",
                           "--force-reinstall", str(ROOT / "python")], capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"the package hedgerow could not be installed: {done.stderr.strip()[-400:]}")
    return python


def model(samples, programs, directory, quick):
    """Takes the figures."""
    python = environment(pathlib.Path(programs).parent)
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True)
    command = [python, EXAMPLE / "train.py", "--hours", "20000", "--hidden", "16"]
    for file, _ in RUNTIMES.values():
        command += ["--out", directory / file]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"no model could be trained: {done.stderr.strip()[-400:]}")
    fleet = Models(programs, directory / "fleet")
    try:
        fleet.set_up()
        for name, (file, runtime) in RUNTIMES.items():
            found = fleet.deploy_model(f"predict-{name}", python, directory / file, 3 if quick else 15)
            take(samples, found, name, runtime)
    finally:
        fleet.stop()


def take(samples, found, name, runtime):
    """The figures of one runtime. Those of ONNX are the component's, since that is what the example comes with."""
    prefix = "model" if name == "onnx" else f"model.{name}"
    samples.add(f"{prefix}.predictions_per_second", found["looks_per_second"], "1/s",
                f"{runtime}: the shadow read, the model run, the prediction written durably, one after the other")
    for quantile in ("p50", "p99"):
        samples.add(f"{prefix}.prediction.{quantile}_ms", found[f"look_{quantile}_us"] / 1e3, "ms", "one of these")
    for quantile in ("p50", "p99"):
        samples.add(f"{prefix}.run.{quantile}_us", found[f"run_{quantile}_us"], "µs", "the model alone, 20,000 runs")
    samples.add(f"{prefix}.start_ms", found["start_ms"], "ms",
                "from the start of the process until its first prediction is in the shadow, imports included")
    samples.add(f"{prefix}.rss_mib", found["rss_mib"], "MiB",
                f"VmRSS after these; of its own (RssAnon) {found['own_mib']:.0f} MiB")
