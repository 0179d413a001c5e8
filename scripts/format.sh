#!/usr/bin/env bash
# Formats all Swift code of ours in place, by .swift-format (Tests/ has its own).
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

mapfile -d '' -t files < <(
  find Package.swift Sources Tests Benchmarks -name '*.swift' -not -path '*/Generated/*' -not -path '*/.build/*' \
    -print0 | sort -z
)
say "formatting ${#files[@]} files"
swift format --in-place --parallel "${files[@]}"
say "done"
