#!/usr/bin/env bash
# Builds the programs and libraries (debug).
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scripts/bootstrap.sh demo
say "building; the first time takes several minutes, after that seconds"
swift build --scratch-path "$scratch"
say "programs are in $(swift build --scratch-path "$scratch" --show-bin-path)"
