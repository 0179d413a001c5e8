#!/bin/sh
# Becomes the operator, registers a core and a thing, hands over their token files and deploys a group. Everything that
# is there already stays as it is.
set -eu

say() { echo "setup: $*"; }

# The operator's identity is in the volume after the first run; until then the cloud's token file has to come.
if ! hedgerow things list >/dev/null 2>&1; then
  attempts=0
  until hedgerow init /cloud/operator.token; do
    attempts=$((attempts + 1))
    if [ "$attempts" -ge 30 ]; then
      say "the cloud does not take the operator's token; see the message above"
      exit 1
    fi
    sleep 2
  done
fi

# member NAME FILE [OPTION]: registers it once. The token file stays until its owner has used it, which may be later.
member() {
  if hedgerow things show "$1" >/dev/null 2>&1; then
    say "$1 is registered"
  else
    rm -f "$2"
    hedgerow things create "$1" ${3:+"$3"} --token-file "$2"
  fi
}
member core /handover/core/core.token --core
member thing /handover/thing/thing.token

hedgerow apply -f /setup/group.yaml
hedgerow deploy compose
