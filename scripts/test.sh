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
# Says again at the end what failed: a run prints thousands of lines.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
part() {
  local code=0
  say "$1"
  shift
  "${run[@]}" "$@" 2>&1 | tee "$log" || code=$?
  ((code == 0)) && return
  say "failed (exit $code); what the tests said:"
  grep -a -A 3 '^✘' "$log" | tail -n 120 >&2 || tail -n 40 "$log" >&2
  exit "$code"
}

# Those that only compute first and by themselves: beside them, on a small machine, a call over a socket waits
# for a turn until its deadline has passed.
computing='^(BME680|Components|Expressions|Identity|Manifests|Messaging|Observability|PKI|ShadowStore|Shadows|StreamStore|Transforms)Tests\.'
part "running the tests of the parts that compute (vectors: $HEDGEROW_VECTORS)" --filter "$computing"
part "running the tests of the parts that talk" --skip "$computing" --skip '^EndToEndTests\.'
# One at a time: they start whole fleets, kill processes and count what is left, and need the machine.
part "running the tests of the whole, some minutes; each prints its progress" --filter '^EndToEndTests\.' --no-parallel
