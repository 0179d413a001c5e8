#!/usr/bin/env bash
# Fails when the committed Swift in Sources/HedgerowAPI/Generated is not what Protos/ says.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

committed=Sources/HedgerowAPI/Generated
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

scripts/bootstrap.sh
HEDGEROW_SCRATCH=$scratch scripts/protos.sh "$fresh/Generated"
if ! diff -ru "$committed" "$fresh/Generated" >"$fresh/difference"; then
  head -n 60 "$fresh/difference" | cut -c 1-240 >&2
  die "$committed is stale ($(grep -cE '^(diff|Only in)' "$fresh/difference") files differ); run \"make protos\" and commit the result"
fi
say "$committed is current"
