#!/usr/bin/env bash
# Makes the reference pages from the code and the programs, or checks the documentation (after make build).
#
#   scripts/docs.sh           write docs/reference/
#   scripts/docs.sh --check   links, reference pages current, commands parse, marked commands run; writes nothing
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

bin=$scratch/debug
[[ -x $bin/hedgerow && -x $bin/hedgerow-core && -x $bin/hedgerow-cloud ]] || die "no programs in $bin; run make build"
unset SWIFT_DETERMINISTIC_HASHING
case ${1:-} in
  '') python3 scripts/reference.py --bin "$bin" ;;
  --check)
    python3 scripts/docs-lint.py
    python3 scripts/reference.py --bin "$bin" --check
    python3 scripts/docs-check.py --bin "$bin" --self-test
    python3 scripts/docs-check.py --bin "$bin"
    ;;
  *) die "unknown argument \"$1\"; there is --check" ;;
esac
