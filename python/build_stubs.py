"""Generates the Python code for the protocol from Protos/.

The build of the package calls :func:`generate` (see ``hatch_build.py``). By hand::

    python build_stubs.py --out DIR      # needs grpcio-tools

writes ``DIR/hedgerow/telemetry/v1/telemetry_pb2.py`` and so on, for programs that want the plain stubs without the
package.
"""

from __future__ import annotations

import argparse
import sys
from importlib import resources
from pathlib import Path

HERE = Path(__file__).resolve().parent


def find_protos(here: Path = HERE) -> Path:
    """Returns the folder of the .proto files: beside this one in an sdist, one higher in the repository."""
    for folder in (here / "Protos", here.parent / "Protos"):
        if (folder / "hedgerow").is_dir():
            return folder
    raise FileNotFoundError(f"there is no folder Protos beside or above {here}")


def generate(protos: Path, out: Path) -> list[Path]:
    """Compiles every file of the package ``hedgerow`` and returns what was written, relative to ``out``.

    ``grpc/health/v1`` is left out: the package grpcio-health-checking has it, and a folder ``grpc`` would hide grpcio.
    """
    from grpc_tools import protoc

    sources = sorted((protos / "hedgerow").rglob("*.proto"))
    if not sources:
        raise FileNotFoundError(f"there are no .proto files in {protos / 'hedgerow'}")
    services = [source for source in sources if "\nservice " in source.read_text(encoding="utf-8")]
    includes = ["-I", str(protos), "-I", str(resources.files("grpc_tools") / "_proto")]
    out.mkdir(parents=True, exist_ok=True)
    for outputs, files in (
        (["--python_out", str(out), "--pyi_out", str(out)], sources),
        (["--grpc_python_out", str(out)], services),
    ):
        names = [file.relative_to(protos).as_posix() for file in files]
        status = protoc.main(["protoc", *includes, *outputs, *names])
        if status != 0:
            raise RuntimeError(f"protoc failed with status {status}; see its messages above")
    folders = {path.parent for path in out.rglob("*_pb2.py")}
    for folder in sorted(folders | {folder.parent for folder in folders}):
        name = ".".join(folder.relative_to(out).parts)
        (folder / "__init__.py").write_text(f'"""Generated from the protos of {name}."""\n', encoding="utf-8")
    written = [path for path in out.rglob("*") if path.suffix in (".py", ".pyi")]
    return sorted(path.relative_to(out) for path in written if path.parent != out / "hedgerow")


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Generate the Python code for Hedgerow's protocol.")
    parser.add_argument("--out", type=Path, required=True, help="folder that gets hedgerow/…/v1/…_pb2.py")
    parser.add_argument("--protos", type=Path, help="folder of the .proto files (default: found by itself)")
    arguments = parser.parse_args()
    for path in generate(arguments.protos or find_protos(), arguments.out):
        print(arguments.out / path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
