#!/usr/bin/env bash
# Installs the Python package as a user would, and runs mypy and its tests against the programs that were built.
#
#   scripts/python-test.sh                       everything
#   scripts/python-test.sh tests/test_units.py   arguments go to pytest
#
# The virtual environment is .venv-python (HEDGEROW_PYTHON_VENV), made when it is missing, with the versions of
# python/requirements-test.txt. The programs are those in .build/debug, built when they are missing, or those that
# HEDGEROW_BIN names.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

venv=${HEDGEROW_PYTHON_VENV:-.venv-python}
venv=$(realpath -m "$venv")
programs=(hedgerow hedgerow-cloud hedgerow-core)

have_programs() {
  local program
  for program in "${programs[@]}"; do
    [[ -x $1/$program ]] || return 1
  done
}

if [[ -n ${HEDGEROW_BIN:-} ]]; then
  have_programs "$HEDGEROW_BIN" || die "not all of ${programs[*]} are in $HEDGEROW_BIN; build there, or unset HEDGEROW_BIN"
else
  export HEDGEROW_BIN=$root/$scratch/debug
  have_programs "$HEDGEROW_BIN" || scripts/build.sh
fi
command -v openssl >/dev/null || die "openssl is not installed; run scripts/bootstrap.sh"

make_environment() {
  local wanted
  wanted=$(cat python/pyproject.toml python/requirements-*.txt | cksum)
  if [[ -x $venv/bin/python ]] && [[ $(cat "$venv/pyproject.cksum" 2>/dev/null) == "$wanted" ]] \
    && "$venv/bin/python" -c '' 2>/dev/null; then
    return
  fi
  command -v python3 >/dev/null || die "python3 is not installed; install it and run this again"
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "python3 is older than 3.11"
  say "making the virtual environment $venv with $(python3 --version)"
  python3 -m venv --clear "$venv" || die "python3 cannot make a virtual environment; install python3-venv"
  # What the build itself needs goes in as well, so that building again takes a moment and no network.
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c python/requirements-test.txt \
    './python[test]' hatchling || die "pip could not install the package; see its message above"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c python/requirements-test.txt \
    -r python/requirements-scan.txt || say "sslyze cannot be installed here; openssl alone looks at the listeners"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c python/requirements-test.txt \
    -r python/requirements-models.txt || say "runtimes of models cannot be installed here; their tests are left out"
  # Written last: an interrupted installation is made again.
  printf '%s\n' "$wanted" >"$venv/pyproject.cksum"
}

make_environment
say "installing the package"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
  --force-reinstall ./python || die "pip could not install the package; see its message above"

cd python
say "mypy --strict"
# The installed package: generated code has to be there.
"$venv/bin/python" -m mypy --config-file pyproject.toml -p hedgerow
"$venv/bin/python" -m mypy --config-file pyproject.toml tests build_stubs.py hatch_build.py ../Examples
say "tests"
# Beside the sources, not among them: what is imported is what was installed.
"$venv/bin/python" -m pytest -q --durations=5 "$@"
