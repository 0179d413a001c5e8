#!/usr/bin/env bash
# Makes the container images hedgerow-cloud, hedgerow-core and hedgerow (the command line).
#
#   scripts/image.sh                builds the programs here (scripts/release.sh) and packs them
#   scripts/image.sh --no-build     packs those that are in .build-release/programs
#   scripts/image.sh --compile      compiles in a container; for another distribution than Debian 12
#   scripts/image.sh --tag 0.2.0    another tag than the version that the programs say
#
# Uses docker, podman or buildah, the first that works; HEDGEROW_IMAGE_TOOL names another one, with its options.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

programs=prebuilt
build=yes
tag=$(sed -n 's/.*current = "\(.*\)".*/\1/p' Sources/EdgeCore/CoreVersion.swift)
version=$tag
while (($#)); do
  case $1 in
    --no-build) build=no ;;
    --compile) programs=compiled ;;
    --tag) tag=${2:?--tag needs a tag}; shift ;;
    *) die "unknown option \"$1\"; see the head of scripts/image.sh" ;;
  esac
  shift
done

find_tool() {
  if [[ -n ${HEDGEROW_IMAGE_TOOL:-} ]]; then
    read -r -a tool <<<"$HEDGEROW_IMAGE_TOOL"
  elif docker info >/dev/null 2>&1; then
    tool=(docker)
  elif command -v podman >/dev/null; then
    tool=(podman)
  elif command -v buildah >/dev/null; then
    tool=(buildah)
  else
    die "neither docker (with its daemon), podman nor buildah is here; install one of them"
  fi
}

find_tool
if [[ $programs == prebuilt ]]; then
  [[ $build == no ]] || scripts/release.sh
  # The Dockerfile knows this place alone.
  [[ -x .build-release/programs/hedgerow-core ]] \
    || die ".build-release/programs has no programs; run scripts/release.sh, or this without --no-build"
fi

options=(--file deploy/docker/Dockerfile --build-arg "PROGRAMS=$programs" --build-arg "VERSION=$version")
case $(basename "${tool[0]}") in
  docker) command=build ;;
  # Health checks are in images of docker's format only.
  *) command=build options+=(--format docker --ignorefile deploy/docker/Dockerfile.dockerignore) ;;
esac
# For what a builder here needs besides, such as --network host.
read -r -a more <<<"${HEDGEROW_IMAGE_OPTIONS:-}"
for image in hedgerow-cloud hedgerow-core hedgerow; do
  say "building $image:$tag with ${tool[0]}"
  "${tool[@]}" "$command" "${options[@]}" ${more[@]+"${more[@]}"} --target "$image" --tag "$image:$tag" .
done
