"""Build hook: puts the generated protocol code into wheels, and the protos into source distributions."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StubsBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles Protos/ while the package is built. Nothing generated is committed."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Generates into a temporary folder; an editable install gets the code beside the sources."""
        here = Path(self.root)
        sys.path.insert(0, str(here))
        try:
            import build_stubs
        finally:
            sys.path.remove(str(here))
        protos = build_stubs.find_protos(here)
        if self.target_name == "sdist":
            build_data["force_include"][str(protos / "hedgerow")] = "Protos/hedgerow"
            return
        if version == "editable":
            build_stubs.generate(protos, here / "src")
            return
        self._generated = Path(tempfile.mkdtemp(prefix="hedgerow-stubs-"))
        for path in build_stubs.generate(protos, self._generated):
            build_data["force_include"][str(self._generated / path)] = path.as_posix()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes the temporary folder."""
        generated = getattr(self, "_generated", None)
        if generated is not None:
            shutil.rmtree(generated, ignore_errors=True)
