#!/usr/bin/env bash
# Builds the programs (debug) and runs the demonstration. Arguments go to `hedgerow demo`.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scripts/bootstrap.sh demo
say "building; the first time takes several minutes, after that seconds"
swift build --scratch-path "$scratch"
bin=$(swift build --scratch-path "$scratch" --show-bin-path)
say "running: hedgerow demo $*"
# exec: Ctrl-C and the exit code belong to the demonstration.
exec env -u SWIFT_DETERMINISTIC_HASHING "$bin/hedgerow" demo "$@"
