#!/usr/bin/env bash
# Checks the checks: seeds one violation after another into a copy of the tree and demands that the right
# check turns red; the copy without a violation must be green. scripts/proto-lint.py tests its own rules.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The last part of a pipeline runs in this shell, so that it can count.
shopt -s lastpipe

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
failures=0
count=0

# A small tree of the same shape: real configuration, protos, documents and scripts, little code.
mkdir -p "$copy/Tests/PKITests" "$copy/Sources/HedgerowAPI/Generated"
cp -R Protos scripts .ci .swift-format "$copy/"
# Pages link to each other across these.
cp -R docs deploy Examples python ./*.md LICENSE "$copy/"
mkdir "$copy/Benchmarks"
cp Benchmarks/*.* "$copy/Benchmarks/"
cp Tests/.swift-format "$copy/Tests/"
rm -rf "$copy/scripts/__pycache__"
printf '// swift-tools-version: 6.2\nimport PackageDescription\n\nlet package = Package(name: "copy")\n' >"$copy/Package.swift"
for target in Messaging Identity Components PKI StreamStore Manifests Observability RPCSupport Cloud EdgeCore \
  ThingClient HedgerowCLI hedgerow; do
  mkdir -p "$copy/Sources/$target"
  printf '/// A type.\npublic struct Sample {}\n' >"$copy/Sources/$target/Sample.swift"
done
# What must stay green although it looks like a violation, or is one where it is allowed.
cat >"$copy/Sources/Cloud/Green.swift" <<'SWIFT'
// swift-format-ignore-file
import GRPCCore
import RPCSupport

/// Says `try!`, `fatalError("x")` and `Task { }` in words only.
struct Green {
    // as! print("x") usleep(1) Task.detached
    /* outer /* inner: try! */ still a comment: fatalError("x") */
    let text = "try! and Task { } and \(1 + (2)) and sleep(3)"
    let raw = #"as! " print("x")"#
    let long = """
        DispatchSemaphore() "quoted" fatalError("x")
        """

    func wait(_ clock: ContinuousClock) async throws {
        try await Task.sleep(for: .seconds(1))
        try await clock.sleep(for: .seconds(1))
        try Task.checkCancellation()
        logger.print("a method of that name")
    }
}

// Sendable: holds nothing that changes.
final class Proven: @unchecked Sendable {}
SWIFT
cat >"$copy/Sources/HedgerowCLI/Green.swift" <<'SWIFT'
import ThingClient

func show() {
    print("the command line may")
}
SWIFT
cat >"$copy/Sources/Identity/Green.swift" <<'SWIFT'
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
SWIFT
cat >"$copy/Tests/PKITests/Green.swift" <<'SWIFT'
func forced() {
    let number = try! parse("1") as! Int
    print(optional!, number)
}
SWIFT

# Lints the copy with one check; its output is in $output.
lint() { output=$(scripts/lint.sh --root "$copy" "$1" 2>&1); }

fail() {
  printf '%s: FAILED: %s\n' "$script_name" "$1" >&2
  printf '%s\n' "$output" | sed 's/^/    /' >&2
  failures=$((failures + 1))
}

expect_green() {
  count=$((count + 1))
  if lint "$1"; then say "$1 is green on the clean copy"; else fail "$1 is red on the clean copy"; fi
}

# expect_red CHECK TEXT-IN-THE-OUTPUT FILE: the violation comes on stdin and is appended to FILE, which may
# be new; afterwards FILE is as before.
expect_red() {
  local check=$1 wanted=$2 file=$copy/$3 existed=no
  count=$((count + 1))
  if [[ -e $file ]]; then
    existed=yes
    cp -p "$file" "$copy/.saved"
  fi
  mkdir -p "$(dirname "$file")"
  cat >>"$file"
  if lint "$check"; then
    fail "$check stays green on: $wanted in $3"
  elif [[ $output != *"$wanted"* ]]; then
    fail "$check is red, but does not say \"$wanted\" for $3"
  else
    say "$check turns red: $wanted ($3)"
  fi
  if [[ $existed == yes ]]; then mv "$copy/.saved" "$file"; else rm "$file"; fi
  rmdir "$(dirname "$file")" 2>/dev/null || true
}

# A line of Swift that sources must refuse.
banned() { printf 'func seeded() throws {\n    %s\n}\n' "$2" | expect_red sources "$1" "Sources/Cloud/Seeded.swift"; }
# An import that sources must refuse, in a target.
forbidden() {
  printf '%s\n' "$4" | expect_red sources "layer-import: $1 (layer $2) must not import $3" "Sources/$1/Seeded.swift"
}

for check in scripts sources protos docs format; do expect_green "$check"; done

say "imports between layers"
forbidden Identity 0 Foundation 'import Foundation'
forbidden Identity 0 Messaging 'import Messaging'
forbidden Messaging 0 Dispatch 'public import Dispatch'
forbidden Components 0 Yams 'internal import Yams'
forbidden PKI 1 GRPCCore 'import GRPCCore'
forbidden StreamStore 1 GRPCProtobuf 'package import GRPCProtobuf'
forbidden StreamStore 1 PKI 'import PKI'
forbidden Observability 1 HedgerowAPI 'import HedgerowAPI'
forbidden RPCSupport 3 GRDB 'import GRDB'
forbidden RPCSupport 3 Cloud 'import Cloud'
forbidden Cloud 4 EdgeCore 'import EdgeCore'
forbidden EdgeCore 4 Cloud 'private import struct Cloud.CloudServer'
forbidden ThingClient 5 HedgerowCLI '@testable import HedgerowCLI'
forbidden hedgerow 6 GRPCCore 'import GRPCCore'
printf 'struct Lost {}\n' | expect_red sources layer-unknown Sources/Nowhere/Seeded.swift

say "banned calls"
banned 'an unstructured Task' 'Task { await run() }'
banned 'an unstructured Task' 'let task = Task<Void, any Error>(priority: .low) { try await run() }'
banned 'an unstructured Task' 'Task.detached { await run() }'
banned 'an unstructured Task' 'let text = "interpolated \(Task { 1 })"'
banned 'try! is banned' 'try! run()'
banned 'as! is banned' 'let number = value as! Int'
banned 'fatalError is banned' 'fatalError("never")'
banned 'Thread.sleep is banned' 'Thread.sleep(forTimeInterval: 1)'
banned 'a blocking sleep' 'usleep(10)'
banned 'a blocking sleep' 'sleep(1)'
banned 'a blocking sleep' 'Glibc.sleep(1)'
banned 'DispatchSemaphore is banned' 'let gate = DispatchSemaphore(value: 0)'
banned 'print is for the command line' 'print("x")'
printf 'final class Seeded: @unchecked Sendable {}\n' | expect_red sources unchecked Sources/Cloud/Seeded.swift
printf '// A comment that proves nothing.\nnonisolated(unsafe) var seeded = 0\n' \
  | expect_red sources unchecked Sources/Cloud/Seeded.swift

say "notes, length, error page, configuration"
# The notes are put together here so that this file has none.
note=TO; note+=DO
printf '// %s: later\n' "$note" | expect_red sources to-do Sources/Cloud/Seeded.swift
note=FIX; note+=ME
printf '// %s\n' "$note" | expect_red sources to-do Tests/PKITests/Seeded.swift
for _ in {1..451}; do printf '// a line\n'; done | expect_red sources file-length Sources/Cloud/Seeded.swift
# shellcheck disable=SC2016  # the backticks are Markdown
printf '| `NO_SUCH_REASON` | x | x | x |\n' | expect_red sources error-docs docs/reference/errors.md
printf '// ERROR_REASON_\n  ERROR_REASON_SEEDED = 9999;\n' \
  | expect_red sources error-docs Protos/hedgerow/type/v1/error.proto
cp "$copy/Tests/.swift-format" "$copy/.kept"
sed 's/"lineLength": [0-9]*/"lineLength": 90/' "$copy/.kept" >"$copy/Tests/.swift-format"
printf '\n' | expect_red sources format-config Tests/.swift-format
mv "$copy/.kept" "$copy/Tests/.swift-format"

say "format"
printf 'struct  Seeded   {}\n' | expect_red format '[Spacing]' Sources/Cloud/Seeded.swift
printf 'struct Seeded {\n  let number = 1\n}\n' | expect_red format '[Indentation]' Sources/Cloud/Seeded.swift
printf 'let seeded = %0120d\n' 1 | expect_red format '[LineLength]' Sources/Cloud/Seeded.swift
printf 'public struct Seeded {}\n' | expect_red format '[AllPublicDeclarationsHaveDocumentation]' Sources/Cloud/Seeded.swift
printf 'let seeded = optional!\n' | expect_red format '[NeverForceUnwrap]' Sources/Cloud/Seeded.swift
printf 'let seeded = try! run()\n' | expect_red format '[NeverUseForceTry]' Sources/Cloud/Seeded.swift
printf 'struct  Seeded   {}\n' | expect_red format '[Spacing]' Tests/PKITests/Seeded.swift

say "protos, documents and scripts"
printf '[a page](nowhere.md)\n' | expect_red docs dead-link docs/groups.md
printf '[a heading](groups.md#nowhere)\n' | expect_red docs dead-anchor docs/groups.md
printf 'message Seeded {}\n' | expect_red protos COMMENT_MESSAGE Protos/hedgerow/type/v1/error.proto
scripts_ok=yes
output=$("$root/.venv/bin/python" scripts/proto-lint.py --self-test 2>&1) || scripts_ok=no
count=$((count + 1))
if [[ $scripts_ok == yes ]]; then say "${output##*$'\n'}"; else fail "proto-lint's self-test"; fi
printf '#!/usr/bin/env bash\nset -euo pipefail\nif true; then\n' | expect_red scripts 'syntax error' scripts/seeded.sh
printf '#!/usr/bin/env bash\necho loose\n' | expect_red scripts strict-mode scripts/seeded.sh
printf 'def broken(:\n' | expect_red scripts SyntaxError scripts/seeded.py

for check in scripts sources protos docs format; do expect_green "$check"; done

((failures == 0)) || die "$failures of $count checks of the checks failed"
say "$count checks of the checks passed"
