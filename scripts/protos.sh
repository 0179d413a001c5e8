#!/usr/bin/env bash
# Regenerates Sources/HedgerowAPI/Generated from Protos/ (or into the folder that $1 names).
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

out=${1:-Sources/HedgerowAPI/Generated}
command -v protoc >/dev/null || die "protoc is missing; run scripts/bootstrap.sh"
python=.venv/bin/python
[[ -x $python ]] || die ".venv is missing; run scripts/bootstrap.sh"

say "building the two generator plugins from the package's dependencies"
swift build --scratch-path "$scratch" --product protoc-gen-swift
swift build --scratch-path "$scratch" --product protoc-gen-grpc-swift-2
bin=$(swift build --scratch-path "$scratch" --show-bin-path)

# Into a folder of its own first: a proto with an error leaves what is there as it is.
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
mapfile -t files < <(cd Protos && find . -name '*.proto' | sed 's|^\./||' | sort)
options=Visibility=Public,UseAccessLevelOnImports=true,FileNaming=PathToUnderscores
say "generating Swift for ${#files[@]} files into $out"
protoc -I Protos \
  --plugin=protoc-gen-swift="$bin/protoc-gen-swift" \
  --plugin=protoc-gen-grpc-swift-2="$bin/protoc-gen-grpc-swift-2" \
  --swift_out="$fresh" --swift_opt="$options" \
  --grpc-swift-2_out="$fresh" --grpc-swift-2_opt="$options,Server=true,Client=true" \
  "${files[@]}"

# What reflection tells: our own packages, and what they import.
mapfile -t described < <(printf '%s\n' "${files[@]}" | grep -E '^(hedgerow|grpc)/')
protoc -I Protos --include_imports --descriptor_set_out="$fresh/descriptors" "${described[@]}"
"$python" scripts/protos-descriptors.py "$fresh/descriptors" "$fresh/descriptors.swift"

# Only files that changed are touched, so that the next build compiles no more than it must.
mkdir -p "$out"
changed=0
while IFS= read -r -d '' file; do
  name=${file#"$fresh"/}
  if ! cmp -s "$file" "$out/$name"; then
    cp "$file" "$out/$name"
    changed=$((changed + 1))
  fi
done < <(find "$fresh" -name '*.swift' -print0)
while IFS= read -r -d '' file; do
  if [[ ! -e $fresh/${file#"$out"/} ]]; then
    rm "$file"
    changed=$((changed + 1))
  fi
done < <(find "$out" -name '*.swift' -print0)
say "done: $(find "$out" -name '*.swift' | wc -l) files, $changed changed"
