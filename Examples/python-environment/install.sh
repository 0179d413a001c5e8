#!/bin/sh
# Makes the Python environment of a component, once for each requirements.lock. The hook `install` of a recipe:
#   process:
#     install: {command: [sh, install.sh], timeout: 5m}
#     run: exec environment/bin/python program.py
# The wheels lie beside it (pack.py makes them artifacts), so that nothing is downloaded here, and nothing again when the
# component restarts, is deployed again, or gets a version with the same requirements.
set -eu
python=${PYTHON:-python3}
lock=requirements.lock
# The environment belongs to one Python and to what is locked.
key=$({ "$python" -c 'import sys; print(sys.version, sys.base_prefix)'; cat "$lock"; } | sha256sum | cut -c1-32)
environments=$HOME/environments
made=$environments/$key
if [ ! -f "$made/complete" ]; then
    # What an interrupted installation left.
    rm -rf "$made"
    mkdir -p "$environments"
    "$python" -m venv "$made" ||
        { echo "install.sh: $python cannot make an environment; install python3-venv on this machine" >&2; exit 1; }
    "$made/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-input \
        --no-index --find-links . --require-hashes --only-binary :all: -r "$lock"
    # So that each start is quick, and a read-only environment would do.
    "$made/bin/python" -m compileall -q "$made/lib" || true
    : >"$made/complete"
fi
ln -sfn "$made" environment
# The two newest stay: that of this version, and that of the one before, to which a deployment may go back.
touch "$made/complete"
ls -1dt "$environments"/*/complete | tail -n +3 | while read -r old; do
    rm -rf "${old%/complete}"
done
