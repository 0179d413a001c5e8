#!/usr/bin/env bash
# Builds the programs for use: release, with Swift's libraries linked in, and stripped. The first time takes ten
# minutes and more.
#
#   scripts/release.sh            builds, and says what came out
#
# They are in .build-release/programs (HEDGEROW_RELEASE_SCRATCH names another scratch folder). What scripts/deb.sh
# and scripts/image.sh pack is what lies there.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

release_scratch=${HEDGEROW_RELEASE_SCRATCH:-.build-release}
programs=(hedgerow hedgerow-core hedgerow-cloud)

scripts/bootstrap.sh demo
say "building into $release_scratch"
# One product after the other: a whole build would compile the tests' support as well.
for program in "${programs[@]}"; do
  swift build -c release --static-swift-stdlib --scratch-path "$release_scratch" --product "$program"
done
bin=$(swift build -c release --static-swift-stdlib --scratch-path "$release_scratch" --show-bin-path)

mkdir -p "$release_scratch/programs"
for program in "${programs[@]}"; do
  # Into a new file: one that runs keeps the old one.
  strip --strip-all -o "$release_scratch/programs/.$program" "$bin/$program"
  chmod 0755 "$release_scratch/programs/.$program"
  mv "$release_scratch/programs/.$program" "$release_scratch/programs/$program"
  say "$program: $(du -m --apparent-size "$release_scratch/programs/$program" | cut -f 1) MiB," \
    "needs $(objdump -p "$release_scratch/programs/$program" | awk '$1 == "NEEDED" { printf "%s ", $2 }')"
done
