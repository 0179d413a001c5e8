#!/usr/bin/env bash
# Removes what was built and the Python environments. The next build compiles everything again.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

say "removing $scratch, .build-release, .build-deploy, Benchmarks/.build, .venv and .venv-python"
rm -rf -- "${scratch:?}" .build-release .build-deploy Benchmarks/.build .venv .venv-python
