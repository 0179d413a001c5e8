#!/usr/bin/env bash
# Runs deploy/compose.yaml with podman-compose: setup, core and thing as the file has them, until readings of the thing are
# in the cloud's history; then again over the same volumes. Skipped where podman is not.
#
#   deploy/compose/test.sh          (make compose-test)
#
# Two things are not as in the file, so that it runs where containers get no network of their own: the services share this
# machine's network (ports 8443 to 8445 must be free), and podman-compose is told when cloud and core are healthy, because
# podman without systemd runs no health checks by itself. podman-compose comes from PyPI, into .build-deploy/venv-compose.
test_name="compose-test"
# shellcheck source=deploy/test/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../test/common.sh"

find_podman
need_programs
environment=.build-deploy/venv-compose
work=$(mktemp -d)
project=hedgerow-compose-test

compose() {
  PATH=$work/bin:$PATH HEDGEROW_VERSION=test HEDGEROW_ADVERTISE=127.0.0.1 HEDGEROW_CORE_ADVERTISE=127.0.0.1 \
    "$environment/bin/podman-compose" --in-pod false --project-name "$project" --file deploy/compose.yaml \
    --file "$work/override.yaml" "$@"
}

cleanup() {
  local code=$?
  if ((code != 0)); then compose logs 2>/dev/null | tail -n 60 >&2 || true; fi
  compose --profile cli down >/dev/null 2>&1 || true
  local left
  for left in thing hedgerow core setup cloud; do
    "${podman[@]}" rm --force --time 1 "${project}_${left}_1" >/dev/null 2>&1 || true
  done
  for left in cloud operator core core-token thing thing-token; do
    "${podman[@]}" volume rm --force "${project}_$left" >/dev/null 2>&1 || true
  done
  for image in hedgerow-cloud hedgerow-core hedgerow; do
    "${podman[@]}" rmi --force "localhost/$image:test" >/dev/null 2>&1 || true
  done
  "${podman[@]}" image prune --force >/dev/null 2>&1 || true
  for image in "${made_images[@]}"; do "${podman[@]}" rmi --force "$image" >/dev/null 2>&1 || true; done
  rm -rf --one-file-system "$work"
  exit "$code"
}
trap cleanup EXIT

if [[ ! -x $environment/bin/podman-compose ]]; then
  say "installing podman-compose into $environment"
  python3 -m venv --clear "$environment" || skip "python3 cannot make a virtual environment; install python3-venv"
  "$environment/bin/pip" install --quiet --disable-pip-version-check podman-compose || skip "pip could not install podman-compose"
fi
mkdir "$work/bin"
printf '#!/bin/sh\nexec %s "$@"\n' "$(printf '%q ' "$(command -v "${podman[0]}")" "${podman[@]:1}")" >"$work/bin/podman"
chmod 0755 "$work/bin/podman"
{
  printf 'services:\n'
  for service in cloud setup core thing hedgerow; do
    printf '  %s:\n    network_mode: host\n    ulimits: {nofile: %s, nproc: %s}\n' "$service" "${limits[1]##*:}" "${limits[3]##*:}"
    case $service in
      cloud | core) printf '    ports: !reset []\n' ;;
    esac
    case $service in
      setup | core | thing) printf '    depends_on: !reset {}\n' ;;
    esac
  done
} >"$work/override.yaml"

need_debian_image
say "building the images"
HEDGEROW_IMAGE_TOOL="${podman[*]}" HEDGEROW_IMAGE_OPTIONS="--isolation chroot --network host --pull-never" \
  scripts/image.sh --no-build --tag test >"$work/log" 2>&1 || { tail "$work/log"; fail "the images could not be built"; }

is_healthy() { "${podman[@]}" healthcheck run "${project}_$1_1"; }
cli() { compose --profile cli run --rm -T hedgerow "$@"; }
stored() { [[ $(cli history --thing thing --output json --limit 1000 2>/dev/null | grep -c '"thing/readings"') -ge $1 ]]; }

say "the first time"
compose up --detach cloud >"$work/log" 2>&1 || { cat "$work/log"; fail "the cloud does not start"; }
eventually "the cloud is healthy" 60 is_healthy cloud
compose run --rm -T setup >"$work/log" 2>&1 || { cat "$work/log"; fail "the setup failed"; }
say "ok: the setup has done its work"
compose up --detach core >"$work/log" 2>&1 || { cat "$work/log"; fail "the core does not start"; }
eventually "the core is healthy" 60 is_healthy core
compose up --detach thing >"$work/log" 2>&1 || { cat "$work/log"; fail "the thing does not start"; }
eventually "readings of the thing are in the history" 60 stored 5

say "the second time, over the same volumes"
compose down >"$work/log" 2>&1 || { cat "$work/log"; fail "the services do not stop"; }
compose up --detach cloud core thing >"$work/log" 2>&1 || { cat "$work/log"; fail "the services do not start again"; }
eventually "the core is healthy again" 60 is_healthy core
compose run --rm -T setup >"$work/log" 2>&1 || { cat "$work/log"; fail "the setup failed the second time"; }
check "the setup found core and thing" grep -q "setup: thing is registered" "$work/log"
eventually "the history goes on" 60 stored 10
say "passed"
