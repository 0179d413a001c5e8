# shellcheck shell=bash
# Sourced by the tests of deploy/: a container engine that works here, a Debian image, and how to speak.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$repository"
test_name=${test_name:-$(basename "$(dirname "$0")")}
release_scratch=${HEDGEROW_RELEASE_SCRATCH:-.build-release}

# One line of progress.
say() { printf '%s: %s\n' "$test_name" "$*"; }

# Ends the test as not run. Not a success and not a failure: the reason is printed.
skip() {
  printf '%s: SKIPPED: %s\n' "$test_name" "$*"
  exit 0
}

# Ends the test as failed.
fail() {
  printf '%s: FAILED: %s\n' "$test_name" "$*" >&2
  exit 1
}

# check WHAT COMMAND...: the command must succeed.
check() {
  local what=$1
  shift
  if "$@"; then say "ok: $what"; else fail "$what ($*)"; fi
}

# refuse WHAT COMMAND...: the command must not succeed.
refuse() {
  local what=$1
  shift
  if "$@"; then fail "$what ($*)"; else say "ok: $what"; fi
}

# eventually WHAT SECONDS COMMAND...: the command must succeed within the deadline.
eventually() {
  local what=$1 deadline=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || fail "did not happen in time: $what ($*)"
    sleep 0.2
  done
  say "ok: $what"
}

# Finds podman and the options with which it works here; skips the test where there is none.
# HEDGEROW_PODMAN names the command with its options.
find_podman() {
  if [[ -n ${HEDGEROW_PODMAN:-} ]]; then
    read -r -a podman <<<"$HEDGEROW_PODMAN"
  else
    command -v podman >/dev/null || skip "podman is not installed (Debian: apt-get install podman buildah runc)"
    podman=(podman)
    # Where the kernel's own overlay works, nothing slower is wanted; where no systemd manages control groups, podman
    # does it alone; and crun is not everywhere.
    [[ $(id -u) != 0 ]] || podman+=(--storage-driver overlay)
    # Without systemd there are no timers for health checks either, which is no news each time.
    [[ -d /run/systemd/system ]] || podman+=(--cgroup-manager cgroupfs --log-level fatal)
    command -v crun >/dev/null || podman+=(--runtime runc)
  fi
  "${podman[@]}" info >/dev/null 2>&1 || skip "podman does not work here: $("${podman[@]}" info 2>&1 | tail -n 1)"
  # Limits that this process may not raise are not asked for; podman's own are beyond what some machines allow.
  local files processes
  files=$(ulimit -Hn) processes=$(ulimit -Hu)
  [[ $files != unlimited && $files -lt 20000 ]] || files=20000
  [[ $processes != unlimited && $processes -lt 10000 ]] || processes=10000
  # shellcheck disable=SC2034  # used by the tests
  limits=(--ulimit "nofile=$files:$files" --ulimit "nproc=$processes:$processes")
  # Built in a change of root: that works where containers do not get all their devices.
  builder=("${podman[@]}" build --isolation chroot --network host --format docker)
}

debian_image=docker.io/library/debian:bookworm-slim
made_images=()

# Makes sure that there is an image of Debian 12: one that is here, one from its registry, or one made by debootstrap.
need_debian_image() {
  "${podman[@]}" image exists "$debian_image" && return
  say "fetching $debian_image"
  if timeout 60 "${podman[@]}" pull --quiet "$debian_image" >/dev/null 2>&1; then
    made_images+=("$debian_image")
    return
  fi
  { command -v debootstrap >/dev/null && [[ $(id -u) == 0 ]]; } \
    || skip "no registry has $debian_image, and it cannot be made here (as root, with debootstrap)"
  say "no registry can be reached; making $debian_image with debootstrap"
  local work
  work=$(mktemp -d)
  debootstrap --variant=minbase bookworm "$work/root" >"$work/log" 2>&1 \
    || { tail -n 5 "$work/log"; rm -rf --one-file-system "$work"; skip "debootstrap cannot make a Debian here"; }
  # What makes apt work on this machine makes it work in the image, too.
  cp -n /etc/apt/apt.conf.d/* "$work/root/etc/apt/apt.conf.d/" 2>/dev/null || true
  tar -C "$work/root" -cf "$work/root.tar" .
  printf 'FROM scratch\nADD root.tar /\nCMD ["/bin/bash"]\n' >"$work/Containerfile"
  "${builder[@]}" --ignorefile /dev/null -t "$debian_image" -f "$work/Containerfile" "$work" >"$work/log" 2>&1 \
    || { tail -n 5 "$work/log"; rm -rf --one-file-system "$work"; fail "the image could not be built"; }
  rm -rf --one-file-system "$work"
  made_images+=("$debian_image")
}

# The programs to test: those of the last release build.
need_programs() {
  local program
  for program in hedgerow hedgerow-core hedgerow-cloud; do
    [[ -x $release_scratch/programs/$program ]] \
      || fail "$release_scratch/programs/$program is missing; run scripts/release.sh first"
  done
}
