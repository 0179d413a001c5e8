# shellcheck shell=bash
# Sourced by the other scripts: where the repository is, where builds go, how to speak.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# One scratch path for every build, so that nothing is compiled twice.
# shellcheck disable=SC2034  # used by the scripts that source this
scratch=${HEDGEROW_SCRATCH:-.build}

script_name=$(basename "$0")

# One line of progress.
say() { printf '%s: %s\n' "$script_name" "$*"; }

# Ends the script with one sentence that says what is wrong and what to do.
die() {
  printf '%s: error: %s\n' "$script_name" "$*" >&2
  exit 1
}

# SwiftPM writes the traits of a package into compiler flags in the order of a Set, which differs from run to
# run, and recompiles the package when the order changed. With this variable the order stays. What runs the
# programs or the tests takes it away again: there, an order must not be relied on.
export SWIFT_DETERMINISTIC_HASHING=1
