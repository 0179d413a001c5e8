#!/usr/bin/env bash
# Checks the tree; prints every finding and fails when there is one.
#
#   scripts/lint.sh                       all checks
#   scripts/lint.sh sources scripts       only these
#   scripts/lint.sh --root DIRECTORY ...  another tree (how lint-selftest.sh checks the checks)
#
# Checks: scripts (bash -n, strict mode, Python syntax), sources (layers, banned calls, file length, notes,
# error page: scripts/source-lint.py), protos (scripts/proto-lint.py), docs (dead links:
# scripts/docs-lint.py), format (swift-format, strict).
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

tree=$root
if [[ ${1:-} == --root ]]; then
  tree=${2:?--root needs a directory}
  shift 2
fi
checks=("$@")
((${#checks[@]})) || checks=(scripts sources protos docs format)

[[ $tree != "$root" ]] || scripts/bootstrap.sh
python=$root/.venv/bin/python
[[ -x $python ]] || die ".venv is missing; run scripts/bootstrap.sh"

check_scripts() {
  local file bad=0
  while IFS= read -r -d '' file; do
    bash -n "$file" || bad=1
    # A script is strict itself or through common.sh.
    if ! grep -qE '^set -euo pipefail$|^source .*/common\.sh"$' "$file"; then
      printf '%s: strict-mode: "set -euo pipefail" is missing\n' "${file#"$tree"/}"
      bad=1
    fi
  done < <(find "$tree/scripts" "$tree/.ci" -type f \( -name '*.sh' -o -path '*/.ci/run' \) -print0)
  while IFS= read -r -d '' file; do
    "$python" -c 'import ast, sys; ast.parse(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1])' "$file" || bad=1
  done < <(find "$tree/scripts" "$tree"/Benchmarks* -name '*.py' -not -path '*/.build/*' -print0 2>/dev/null)
  return "$bad"
}

check_sources() { "$python" "$root/scripts/source-lint.py" --root "$tree"; }

check_protos() { "$python" "$root/scripts/proto-lint.py" --protos "$tree/Protos"; }

check_docs() { "$python" "$root/scripts/docs-lint.py" --root "$tree"; }

check_format() {
  local files
  mapfile -d '' -t files < <(
    cd "$tree" && find Package.swift Sources Tests Benchmarks* -name '*.swift' -not -path '*/Generated/*' \
      -not -path '*/.build/*' -print0 2>/dev/null | sort -z
  )
  # From within the tree, so that each folder's .swift-format is found.
  (cd "$tree" && swift format lint --strict --parallel "${files[@]}") || {
    printf 'format: most of this is repaired by "make format"\n'
    return 1
  }
}

failed=()
for check in "${checks[@]}"; do
  declare -F "check_$check" >/dev/null || die "unknown check \"$check\"; there are scripts, sources, protos, docs, format"
  say "checking $check"
  "check_$check" || failed+=("$check")
done
((${#failed[@]} == 0)) || die "findings in: ${failed[*]}"
say "no findings"
