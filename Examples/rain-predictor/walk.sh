#!/usr/bin/env bash
# The whole way of a model, on this machine, with a cloud, a core and a sensor that replays weather: trained, pushed,
# deployed under the alias live, predicting into the cloud's shadow; then a better one, which takes over while readings go
# on; one that is broken, which goes back by itself; and the first one again. In the end: was a reading lost?
#
#   Examples/rain-predictor/walk.sh [DIRECTORY]
#
# Wants hedgerow, hedgerow-cloud and hedgerow-core on the PATH (or in HEDGEROW_BIN), and a python3 with numpy and onnx (or
# PYTHON). FORMAT=tflite walks with LiteRT instead (ai-edge-litert). Packages come from the index that pip knows.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(realpath -m "${1:-rain-walk}")
format=${FORMAT:-onnx}
python=${PYTHON:-python3}
[[ -z ${HEDGEROW_BIN:-} ]] || export PATH=$HEDGEROW_BIN:$PATH
export HEDGEROW_HOME=$work/home

say() { printf '\n== %s\n' "$*"; }
die() { printf 'walk.sh: %s\n' "$*" >&2; exit 1; }
for program in hedgerow hedgerow-cloud hedgerow-core; do
  command -v "$program" >/dev/null || die "$program is not on the PATH; build it, and set HEDGEROW_BIN"
done
[[ ! -e $work/cloud ]] || die "$work was walked in before; remove it or name another directory"
mkdir -p "$work/models" "$work/packed"
cd "$work"

started=()
end() { kill "${started[@]}" 2>/dev/null || true; wait 2>/dev/null || true; }
trap end EXIT

# Waits until a command succeeds, at most two minutes.
until_it() {
  local what=$1 tries=0
  shift
  until "$@" >/dev/null 2>&1; do
    ((tries += 1)) && ((tries < 480)) || die "waited two minutes: $what; see the logs in $work"
    sleep 0.25
  done
}

# A member of what was reported into the cloud's copy of the shadow.
reported() {
  hedgerow shadow get bme680-1 --output json |
    "$python" -c 'import json, sys; print(json.load(sys.stdin)["state"]["reported"].get(sys.argv[1], ""))' "$1"
}
predicts_with() { [[ $(reported rain_model) == "$1" && $(reported rain_prediction) == [01] ]]; }

# A version of the component from a model, registered.
push() {
  "$python" "$here/package.py" --model "$1" --version "$2" --out "packed/$2"
  hedgerow components push "packed/$2/recipe.yaml"
}

say "A first model, from three weeks of weather"
"$python" "$here/train.py" --hours 500 --out "models/first.$format"

say "A cloud, a core, a sensor"
hedgerow-cloud serve --state cloud --advertise 127.0.0.1 --listen-host 127.0.0.1 --listen-port "${CLOUD_PORT:-9443}" \
  --enrollment-host 127.0.0.1 --enrollment-port "${ENROLLMENT_PORT:-9444}" >cloud.log 2>&1 &
started+=($!)
until_it "the cloud is up" test -e cloud/operator.token
until_it "the operator is enrolled" hedgerow init cloud/operator.token --force
hedgerow things create pi-1 --core
hedgerow things create bme680-1
hedgerow components push "$here/report-readings.yaml"
push "models/first.$format" 1.0.0
hedgerow components alias rain-predictor live 1.0.0
# Every second, to have something to look at.
sed 's|^    environment: .*|&\n    configuration: {merge: {interval: 1}}|' "$here/group.yaml" >group.yaml
hedgerow apply -f group.yaml
hedgerow-core run --state core --token pi-1.token --listen-host 127.0.0.1 --listen-port "${CORE_PORT:-9445}" \
  >core.log 2>&1 &
started+=($!)
hedgerow deploy rain --wait
# Other weather than the models learn from, an hour each fifth of a second.
"$python" "$here/train.py" --hours 2000 --seed 7 --write-csv weather.csv >/dev/null
awk -F, -v OFS=, 'NR == 1 { print "time", "temperature[°C]", "pressure[hPa]", "humidity[%RH]"; next }
  { print 1700000000 + NR * 3600, $1, $2, $3 }' weather.csv >day.csv
hedgerow thing run --token bme680-1.token --state thing --sensor replay --file day.csv --speed 18000 --loop --restamp \
  >thing.log 2>&1 &
sensor=$!
started+=("$sensor")

say "Predictions in the cloud's shadow"
until_it "version 1.0.0 predicts" predicts_with 1.0.0
hedgerow shadow get bme680-1

say "A better model, from more than two years, with a hidden layer"
"$python" "$here/train.py" --hours 20000 --hidden 16 --out "models/better.$format"
push "models/better.$format" 1.1.0
hedgerow components alias rain-predictor live 1.1.0
hedgerow plan rain
hedgerow deploy rain --wait
until_it "version 1.1.0 predicts" predicts_with 1.1.0
hedgerow shadow get bme680-1

say "A model that is broken: the deployment goes back by itself"
head -c 100 "models/better.$format" >"models/broken.$format"
push "models/broken.$format" 1.2.0
hedgerow components alias rain-predictor live 1.2.0
if hedgerow deploy rain --wait; then die "a broken model was deployed"; fi
until_it "version 1.1.0 predicts again" predicts_with 1.1.0

say "Back to the first one: its environment is still on the core"
hedgerow components alias rain-predictor live 1.0.0
hedgerow deploy rain --wait
until_it "version 1.0.0 predicts again" predicts_with 1.0.0
hedgerow components aliases rain-predictor --history

say "Was a reading lost meanwhile?"
kill -TERM "$sensor"
wait "$sensor" || true
until_it "everything is in the cloud" hedgerow ledger bme680-1 --check
hedgerow ledger bme680-1 --check
say "Nothing was. What is left lies in $work"
