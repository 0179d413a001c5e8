#!/usr/bin/env bash
# Removes what was built and the Python environment. The next build compiles everything again.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

say "removing $scratch and .venv"
rm -rf -- "${scratch:?}" .venv
