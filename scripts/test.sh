#!/usr/bin/env bash
# Builds everything with the tests (debug) and runs the tests. Arguments go to `swift test`, for example
# `--filter PKITests`.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Cases from elsewhere; tests that need them say so where the folder is absent.
export HEDGEROW_VECTORS=${HEDGEROW_VECTORS:-$(dirname "$root")/shared/vectors}

scripts/bootstrap.sh
say "building with tests; the first time takes several minutes"
swift build --scratch-path "$scratch" --build-tests
# A few at a time: with all at once on a small machine, each waits long enough for its deadlines to pass.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH:-4}
run=(env -u SWIFT_DETERMINISTIC_HASHING swift test --scratch-path "$scratch" --skip-build)
if (($#)); then
  say "running the tests: $*"
  exec "${run[@]}" "$@"
fi
say "running the tests of the parts (vectors: $HEDGEROW_VECTORS)"
"${run[@]}" --skip EndToEndTests
# One at a time: they start whole fleets, kill processes and count what is left, and need the machine.
say "running the tests of the whole, some minutes; each prints its progress"
exec "${run[@]}" --filter EndToEndTests --no-parallel
