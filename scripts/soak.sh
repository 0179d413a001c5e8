#!/usr/bin/env bash
# Runs a cloud, two cores and six things as processes, lets faults of all kinds happen to them, and compares in the end
# what was acknowledged with what the cloud has. docs/reliability.md says what is tried.
#
#   scripts/soak.sh                          two rounds of faults, every kind once; a minute
#   scripts/soak.sh --minutes 60 --seed 7    as long as that; the same seed has the same faults
#
#   --minutes N        how long faults go on
#   --seed N           which faults; a random one is printed
#   --rate N           readings of each thing per second (25)
#   --directory DIR    where logs, databases and everything else stay; .build/soak/TIME
#   --release          the programs as `make release` makes them, in place of the debug build
#
# The programs are copied first, so that what is built meanwhile changes nothing. As root it fills a small disk as well.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

release=false
directory=
while (($#)); do
  case $1 in
    --release) release=true ;;
    --minutes | --seed | --rate | --directory)
      [[ -n ${2:-} ]] || die "$1 needs a value"
      [[ $1 == --directory || $2 =~ ^[0-9]+$ ]] || die "$1 takes a number, not \"$2\""
      case $1 in
        --minutes) export HEDGEROW_SOAK_MINUTES=$2 ;;
        --seed) export HEDGEROW_SOAK_SEED=$2 ;;
        --rate) export HEDGEROW_SOAK_RATE=$2 ;;
        --directory) directory=$2 ;;
      esac
      shift
      ;;
    *) die "there is no option $1; see the beginning of scripts/soak.sh" ;;
  esac
  shift
done

scripts/bootstrap.sh demo
say "building with tests (debug)"
swift build --scratch-path "$scratch" --build-tests
bin=$(swift build --scratch-path "$scratch" --show-bin-path)
programs=$bin
if $release; then
  scripts/release.sh
  programs=${HEDGEROW_RELEASE_SCRATCH:-.build-release}/programs
fi

directory=${directory:-$scratch/soak/$(date -u +%Y-%m-%dT%H%M%S)}
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
copy=$directory/programs
mkdir -p "$copy"
cp -R "$bin"/hedgerowPackageTests.xctest "$bin"/*.resources "$copy/"
cp "$programs"/{hedgerow,hedgerow-core,hedgerow-cloud} "$copy/"

# What runs out of the directory, and what is mounted there, goes with this script.
cleanup() {
  local process
  for process in /proc/[0-9]*; do
    [[ ${process#/proc/} != "$$" ]] || continue
    if [[ $(readlink "$process/exe" 2>/dev/null) == "$copy"/* ]]; then kill -KILL "${process#/proc/}" 2>/dev/null || true; fi
  done
  awk -v directory="$directory/" 'index($2, directory) == 1 { print $2 }' /proc/mounts | while IFS= read -r path; do
    umount -l "$path" || true
  done
}
trap cleanup EXIT

say "shadows: random histories of both sides of a sync, against a model"
HEDGEROW_SHADOW_HISTORIES=${HEDGEROW_SHADOW_HISTORIES:-50000} env -u SWIFT_DETERMINISTIC_HASHING \
  "$copy/hedgerowPackageTests.xctest" --testing-library swift-testing --filter ShadowsTests.SyncModelTests

say "everything is in $directory"
export HEDGEROW_SOAK_DIRECTORY=$directory/run
env -u SWIFT_DETERMINISTIC_HASHING "$copy/hedgerowPackageTests.xctest" --testing-library swift-testing \
  --filter EndToEndTests.SoakTests
