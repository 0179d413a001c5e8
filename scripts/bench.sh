#!/usr/bin/env bash
# Builds the programs (release) and measures them; further arguments go to Benchmarks/bench.py.
#
#   scripts/bench.sh                     three runs, about twenty minutes; writes Benchmarks/results.json and the
#                                        table of Benchmarks/REPORT.md
#   scripts/bench.sh --quick             one short run, about three minutes; prints only
#   scripts/bench.sh --only peers,drain  parts of it (see --help of Benchmarks/bench.py); prints only
#
# The build is in Benchmarks/.build (HEDGEROW_BENCH_SCRATCH). The first one takes a quarter of an hour.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scripts/bootstrap.sh demo
for tool in openssl python3; do
  command -v "$tool" >/dev/null || die "$tool is not installed; install it with apt-get install $tool"
done
# The standard library is linked in, as in what is packaged for a Pi.
flags=(-c release --static-swift-stdlib --package-path Benchmarks)
[[ -z ${HEDGEROW_BENCH_SCRATCH:-} ]] || flags+=(--scratch-path "$HEDGEROW_BENCH_SCRATCH")
# Files that are new in the package above are not seen before its manifest is newer than the last plan.
touch Package.swift Benchmarks/Package.swift
say "building (release); the first time takes a quarter of an hour, after that a minute or two"
swift build "${flags[@]}" --product hedgerow-bench
bin=$(swift build "${flags[@]}" --show-bin-path)
outputs=(--output Benchmarks/results.json --report Benchmarks/REPORT.md)
for argument in "$@"; do
  case $argument in
    --quick | --only | --only=*) outputs=() ;;
  esac
done
exec env -u SWIFT_DETERMINISTIC_HASHING python3 Benchmarks/bench.py --programs "$bin" "${outputs[@]}" "$@"
