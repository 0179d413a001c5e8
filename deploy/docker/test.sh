#!/usr/bin/env bash
# Builds the images from the programs of the last release build and runs them: without root, on a read-only root file
# system, without any capability, with no network but their own loopback. Needs podman; skipped where it is not.
#
#   deploy/docker/test.sh           (make image-test)
#
# What it makes (images, volumes, containers) it removes.
test_name="image-test"
# shellcheck source=deploy/test/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../test/common.sh"

find_podman
need_programs
tag="test"
prefix=hedgerow-image-test
log=$(mktemp)

cleanup() {
  local code=$?
  if ((code != 0)); then
    for name in cloud core; do
      printf -- '--- the end of the log of %s\n' "$name" >&2
      "${podman[@]}" logs --tail 30 "$prefix-$name" >&2 2>&1 || true
    done
  fi
  "${podman[@]}" rm --force --time 1 "$prefix-core" >/dev/null 2>&1 || true
  "${podman[@]}" rm --force --time 1 "$prefix-cloud" >/dev/null 2>&1 || true
  "${podman[@]}" volume rm --force "$prefix-cloud" "$prefix-core" "$prefix-home" >/dev/null 2>&1 || true
  for image in hedgerow-cloud hedgerow-core hedgerow; do
    "${podman[@]}" rmi --force "localhost/$image:$tag" >/dev/null 2>&1 || true
  done
  "${podman[@]}" image prune --force >/dev/null 2>&1 || true
  for image in "${made_images[@]}"; do "${podman[@]}" rmi --force "$image" >/dev/null 2>&1 || true; done
  rm -f "$log"
  exit "$code"
}
trap cleanup EXIT

need_debian_image
say "building the images"
HEDGEROW_IMAGE_TOOL="${podman[*]}" HEDGEROW_IMAGE_OPTIONS="--isolation chroot --network host --pull-never" \
  scripts/image.sh --no-build --tag "$tag" >"$log" 2>&1 || { tail "$log"; fail "the images could not be built"; }
for image in hedgerow-cloud hedgerow-core hedgerow; do
  size=$("${podman[@]}" image inspect --format '{{.Size}}' "localhost/$image:$tag")
  say "$image: $((size / 1000000)) MB"
done

inspect() { "${podman[@]}" inspect --format "$2" "$prefix-$1"; }
# Nothing is written outside the volume, nothing may be gained, and no network but the loopback.
confined=(--read-only --tmpfs "/tmp:rw,noexec,nosuid,size=16m" --cap-drop all --security-opt no-new-privileges "${limits[@]}")

start_cloud() {
  "${podman[@]}" run --detach --name "$prefix-cloud" --network none "${confined[@]}" \
    --volume "$prefix-cloud:/var/lib/hedgerow-cloud" --env HEDGEROW_ADVERTISE=127.0.0.1 \
    "localhost/hedgerow-cloud:$tag" >/dev/null
}
is_healthy() { "${podman[@]}" healthcheck run "$prefix-$1"; }
# Stops a container, and checks that it ended by itself: code 0, well before it would have been killed.
stops() {
  local begin=$SECONDS
  "${podman[@]}" stop --time 20 "$prefix-$1" >/dev/null
  [[ $(inspect "$1" '{{.State.ExitCode}}') == 0 ]] && ((SECONDS - begin < 15))
}
# The command line, in the network of the cloud.
hedgerow() {
  "${podman[@]}" run --rm --interactive --network "container:$prefix-cloud" "${confined[@]}" \
    --volume "$prefix-cloud:/cloud:ro" --volume "$prefix-core:/core" --volume "$prefix-home:/var/lib/hedgerow" \
    "localhost/hedgerow:$tag" "$@"
}

# The same, but a shell.
hedgerow_shell() {
  "${podman[@]}" run --rm --network none "${confined[@]}" --volume "$prefix-cloud:/cloud:ro" --entrypoint /bin/sh \
    "localhost/hedgerow:$tag" -c "$1"
}

say "the cloud"
start_cloud
eventually "the cloud is healthy" 60 is_healthy cloud
check "it does not run as root" test "$(inspect cloud '{{.Config.User}}')" = 10001:10001
check "its process is not root's" test "$("${podman[@]}" top "$prefix-cloud" huser | tail -n 1)" != root
check "its root file system is read-only" test "$(inspect cloud '{{.HostConfig.ReadonlyRootfs}}')" = true
check "it has no capability" test "$("${podman[@]}" top "$prefix-cloud" capeff | tail -n 1)" = none
check "it stops at SIGTERM" test "$(inspect cloud '{{.Config.StopSignal}}')" = 15

say "an operator"
token() { "${podman[@]}" exec "$prefix-cloud" /usr/bin/hedgerow-cloud operator-token; }
has_token() { [[ $(token) == "$(hedgerow_shell 'cat /cloud/operator.token')" ]]; }
check "the program hands out the operator's token where there is no shell" has_token
hedgerow init /cloud/operator.token >/dev/null
check "an operator enrols with the token from the volume" hedgerow things list
hedgerow things create pi-1 --core --token-file /core/pi-1.token >/dev/null
hedgerow things create sensor-1 --token-file /var/lib/hedgerow/sensor-1.token >/dev/null
hedgerow apply -f - >/dev/null <<'GROUP'
kind: Group
name: hall
cores: [pi-1]
things: [sensor-1]
subscriptions:
  - {from: 'thing:*', topic: '#', to: cloud}
GROUP

say "a core"
"${podman[@]}" run --detach --name "$prefix-core" --network "container:$prefix-cloud" "${confined[@]}" \
  --volume "$prefix-core:/var/lib/hedgerow-core" --env HEDGEROW_TOKEN=/var/lib/hedgerow-core/pi-1.token \
  --env HEDGEROW_ADVERTISE=127.0.0.1 "localhost/hedgerow-core:$tag" >/dev/null
hedgerow deploy hall --wait >/dev/null
eventually "the core is healthy once it has a deployment" 60 is_healthy core
say "a thing"
hedgerow thing run --sensor simulated --token /var/lib/hedgerow/sensor-1.token --state /var/lib/hedgerow/sensor-1 \
  --interval 0.1 --count 20 --quiet >/dev/null
stored() { hedgerow history --thing sensor-1 --output json | grep -c '"sensor-1/readings"'; }
has_stored() { [[ $(stored) -ge 20 ]]; }
eventually "20 readings of a thing are in the history" 60 has_stored

say "stopping and starting again"
check "the core ends by itself at SIGTERM, with code 0" stops core
check "the cloud ends by itself at SIGTERM, with code 0" stops cloud
"${podman[@]}" start "$prefix-cloud" >/dev/null
eventually "the cloud is healthy again" 60 is_healthy cloud
"${podman[@]}" start "$prefix-core" >/dev/null
eventually "the core is healthy again, with the deployment that it had" 60 is_healthy core
check "the history is what it was" has_stored
"${podman[@]}" rm --force --time 10 "$prefix-core" >/dev/null
"${podman[@]}" rm --force --time 10 "$prefix-cloud" >/dev/null
start_cloud
eventually "a new container on the same volume is healthy" 60 is_healthy cloud
check "and has the history" has_stored
say "passed"
