"""Packs a component in Python for `hedgerow components push`: its files, install.sh, a lock and the wheels it needs.

    python3 Examples/python-environment/pack.py Examples/republish --out packed/republish
    hedgerow components push packed/republish/recipe.yaml

The wheels are artifacts of the recipe, so that a core gets them as it gets everything else: checked by their SHA-256,
once for all components that name them, and without an index of packages on the core's side. By default they are those
for this machine; for a Raspberry Pi with Debian 12 say

    --platform manylinux_2_28_aarch64 --platform manylinux2014_aarch64 --python-version 3.11

A component may have requirements of its own beside those of the package `hedgerow`: a file requirements.txt in its
directory. `--update RECIPE` only puts the digests of the files beside a recipe into it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent.parent / "python"
LOCK = "requirements.lock"
_BLOCK = re.compile(r"^artifacts:\n(?:  - .*\n)*", re.MULTILINE)
_NAME = re.compile(r"^  - \{name: ([^,}]+)", re.MULTILINE)


def artifact_line(path: Path) -> str:
    """The line of a recipe for a file."""
    data = path.read_bytes()
    return f"  - {{name: {path.name}, sha256: {hashlib.sha256(data).hexdigest()}, size: {len(data)}}}\n"


def with_artifacts(recipe: str, files: list[Path]) -> str:
    """The recipe with these files as its artifacts. Its block ``artifacts:`` has one line for each file."""
    block = "artifacts:\n" + "".join(map(artifact_line, files))
    if _BLOCK.search(recipe):
        return _BLOCK.sub(lambda _: block, recipe, count=1)
    return recipe + block


def named_files(recipe: Path) -> list[Path]:
    """The files beside a recipe that it names as artifacts."""
    found = _BLOCK.search(recipe.read_text(encoding="utf-8"))
    names = _NAME.findall(found[0]) if found else []
    missing = [name for name in names if not (recipe.parent / name).is_file()]
    if missing:
        sys.exit(
            f"pack.py: {recipe} names {', '.join(missing)}, which is not beside it; add the file or remove the line"
        )
    return [recipe.parent / name for name in names]


def update(recipe: Path) -> bool:
    """Puts the digests of the files beside a recipe into it; returns whether anything changed."""
    text = recipe.read_text(encoding="utf-8")
    changed = with_artifacts(text, named_files(recipe))
    if changed != text:
        recipe.write_text(changed, encoding="utf-8")
    return changed != text


def lock(wheels: list[Path]) -> str:
    """What pip has to find: each wheel's name, version and digest."""
    lines = []
    for wheel in wheels:
        name, version = wheel.name.split("-")[:2]
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{name.replace('_', '-').lower()}=={version} --hash=sha256:{digest}\n")
    return "".join(sorted(lines))


def gather_wheels(out: Path, requirements: Path, platforms: list[str], python_version: str | None) -> list[Path]:
    """Builds the wheel of ``hedgerow`` and gets those that it and the component need."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    # What the build needs may be there already, as in the environment of `make python-test`.
    ready = all(importlib.util.find_spec(name) for name in ("hatchling", "grpc_tools"))
    isolation = ["--no-build-isolation"] if ready else []
    subprocess.run([*pip, "wheel", "--no-deps", *isolation, "--wheel-dir", str(out), str(PACKAGE)], check=True)
    [own] = out.glob("hedgerow-*.whl")
    wanted = [str(own), "--constraint", str(PACKAGE / "requirements-test.txt")]
    if requirements.exists():
        wanted += ["--requirement", str(requirements)]
    for platform in platforms:
        wanted += ["--platform", platform]
    if python_version:
        wanted += ["--python-version", python_version]
    subprocess.run([*pip, "download", "--only-binary", ":all:", "--dest", str(out), *wanted], check=True)
    return sorted(out.glob("*.whl"))


def pack(component: Path, out: Path, platforms: list[str], python_version: str | None) -> Path:
    """Writes everything into a directory; returns the recipe there."""
    recipe = component / "recipe.yaml"
    files = named_files(recipe)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        wheels = gather_wheels(Path(directory), component / "requirements.txt", platforms, python_version)
        locked = Path(directory) / LOCK
        locked.write_text(lock(wheels), encoding="utf-8")
        copied = [out / file.name for file in (*files, HERE / "install.sh", locked, *wheels)]
        for source, target in zip((*files, HERE / "install.sh", locked, *wheels), copied, strict=True):
            shutil.copyfile(source, target)
    packed = out / "recipe.yaml"
    packed.write_text(with_artifacts(recipe.read_text(encoding="utf-8"), copied), encoding="utf-8")
    return packed


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Pack a component in Python with what it needs.")
    parser.add_argument("component", type=Path, help="directory with recipe.yaml; with --update the recipe")
    parser.add_argument("--out", type=Path, help="directory that gets everything")
    parser.add_argument(
        "--platform", action="append", default=[], help="the core's, as pip names it; may be repeated"
    )
    parser.add_argument("--python-version", help="the core's, for example 3.11")
    parser.add_argument("--update", action="store_true", help="only put digests of files into the recipe")
    options = parser.parse_args()
    if options.update:
        print("updated" if update(options.component) else "up to date")
        return
    if options.out is None:
        parser.error("--out is needed")
    if bool(options.platform) != bool(options.python_version):
        parser.error("--platform and --python-version go together")
    print(pack(options.component, options.out, options.platform, options.python_version))


if __name__ == "__main__":
    main()
