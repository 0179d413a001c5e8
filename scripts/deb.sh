#!/usr/bin/env bash
# Makes Debian packages of the programs for this machine's architecture: hedgerow-core, hedgerow-cloud, hedgerow.
#
#   scripts/deb.sh                      builds the programs (scripts/release.sh) and packs them
#   scripts/deb.sh --no-build           packs those that are in .build-release/programs
#   scripts/deb.sh --version 0.2.0      another version than the programs say
#   scripts/deb.sh --out DIRECTORY      to put them elsewhere than in .build-release/packages
#   scripts/deb.sh --fast               larger packages in a tenth of the time, for tests
#
# The same programs give the same packages, byte by byte: times in them are SOURCE_DATE_EPOCH, by default the last
# commit's. Needs dpkg-deb and dpkg-shlibdeps (dpkg-dev).
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

release_scratch=${HEDGEROW_RELEASE_SCRATCH:-.build-release}
programs=$release_scratch/programs
out=$release_scratch/packages
version=
build=yes
compression=(-Zxz)
while (($#)); do
  case $1 in
    --no-build) build=no ;;
    --fast) compression=(-Zgzip -z1) ;;
    --version) version=${2:?--version needs a version}; shift ;;
    --out) out=${2:?--out needs a directory}; shift ;;
    *) die "unknown option \"$1\"; see the head of scripts/deb.sh" ;;
  esac
  shift
done

for tool in dpkg-deb dpkg-shlibdeps; do
  command -v "$tool" >/dev/null || die "$tool is missing; install dpkg-dev"
done
[[ $build == no ]] || scripts/release.sh
[[ -x $programs/hedgerow-core ]] || die "$programs has no programs; run scripts/release.sh, or this without --no-build"

[[ -n $version ]] || version=$(sed -n 's/.*current = "\(.*\)".*/\1/p' Sources/EdgeCore/CoreVersion.swift)
[[ $version =~ ^[0-9][A-Za-z0-9.+~]*$ ]] || die "\"$version\" is no version that Debian accepts"
architecture=$(dpkg --print-architecture)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
maintainer="Hedgerow <hedgerow@localhost>"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022

# What the program needs, from the symbols that it uses: libc6 (>= 2.34), libsqlite3-0 (>= …) and so on.
dependencies() {
  mkdir -p "$work/shlibs/debian"
  printf 'Source: hedgerow\n\nPackage: hedgerow\nArchitecture: any\n' >"$work/shlibs/debian/control"
  (cd "$work/shlibs" && dpkg-shlibdeps -O -e"$1" 2>/dev/null) | sed -n 's/^shlibs:Depends=//p'
}

# fill TEMPLATE TARGET: a maintainer script with the package's names.
fill() {
  sed -e "s|@package@|$package|g; s|@unit@|$unit|g; s|@user@|$user|g; s|@groups@|$groups|g" \
    -e "s|@enable@|$enable|g; s|@token@|$token|g; s|@description@|$gecos|g" "$1" >"$2"
  chmod 0755 "$2"
}

# pack PROGRAM SECTION_OF_MANUAL: makes one package of what the variables below say.
pack() {
  local program=$1 manual=$2 tree=$work/$package
  local doc=$tree/usr/share/doc/$package
  say "packing $package $version ($architecture)"
  install -D -m 0755 "$programs/$program" "$tree/usr/bin/$program"
  install -D -m 0644 "deploy/systemd/$unit" "$tree/usr/lib/systemd/system/$unit"
  if [[ -n $configuration ]]; then
    install -D -m 0644 "deploy/config/$configuration" "$tree/etc/hedgerow/$configuration"
  fi
  install -d "$tree/usr/share/man/man$manual"
  gzip -9nc "deploy/debian/man/$program.$manual" >"$tree/usr/share/man/man$manual/$program.$manual.gz"
  install -D -m 0644 deploy/debian/copyright "$doc/copyright"
  gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
  printf '%s (%s-1) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n' "hedgerow" "$version" \
    "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$doc/changelog.Debian.gz"

  install -d "$tree/DEBIAN"
  for script in postinst prerm postrm; do fill "deploy/debian/$script.in" "$tree/DEBIAN/$script"; done
  if [[ -n $configuration ]]; then printf '/etc/hedgerow/%s\n' "$configuration" >"$tree/DEBIAN/conffiles"; fi
  (cd "$tree" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
  {
    printf 'Package: %s\nSource: hedgerow\nVersion: %s-1\nArchitecture: %s\n' "$package" "$version" "$architecture"
    printf 'Maintainer: %s\nInstalled-Size: %s\n' "$maintainer" "$(du -k -s --apparent-size "$tree" | cut -f 1)"
    printf 'Depends: %s, adduser, init-system-helpers (>= 1.52)\n' "$(dependencies "$PWD/$programs/$program")"
    [[ -z $recommends ]] || printf 'Recommends: %s\n' "$recommends"
    [[ -z $suggests ]] || printf 'Suggests: %s\n' "$suggests"
    printf 'Section: net\nPriority: optional\nDescription: %s\n' "$description"
  } >"$tree/DEBIAN/control"
  find "$tree" -depth -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group "${compression[@]}" --build "$tree" "$out/${package}_${version}-1_$architecture.deb" >/dev/null
}

mkdir -p "$out"
rm -f "$out"/hedgerow*.deb

package=hedgerow-core user=hedgerow-core unit=hedgerow-core.service configuration=core.yaml enable=yes groups=
token=/etc/hedgerow/core.token gecos="Hedgerow edge core" suggests=hedgerow recommends=bubblewrap
description="edge core for sensors and machines
 Things connect to the core with mutual TLS. It applies the transforms that the
 cloud deployed to it, keeps on its disk what the cloud must have until the
 cloud has it, and works with the cloud away.
 .
 The service starts once there is a token file, /etc/hedgerow/core.token."
pack hedgerow-core 8

package=hedgerow-cloud user=hedgerow-cloud unit=hedgerow-cloud.service configuration=cloud.yaml enable=no groups=
token=/etc/hedgerow/cloud.token gecos="Hedgerow cloud" suggests=hedgerow recommends=
description="cloud of a fleet of sensors and machines
 Registry of things, groups and components; certificate authority; deployments
 to cores; history of what things sent, exactly once.
 .
 Look at /etc/hedgerow/cloud.yaml before the first start, which makes the
 certificate authorities: systemctl enable --now hedgerow-cloud."
pack hedgerow-cloud 8

package=hedgerow user=hedgerow-thing unit=hedgerow-thing.service configuration="" enable=no groups=i2c
token=/etc/hedgerow/thing.token gecos="Hedgerow thing" suggests=hedgerow-core recommends=
description="command line for Hedgerow, and things with a BME680
 Operates a fleet of Hedgerow cores and things through its cloud, and publishes
 the readings of a sensor: by hand, or as the service hedgerow-thing, which is
 for a BME680 on an I2C bus and is not enabled by itself."
pack hedgerow 1

for file in "$out"/hedgerow*.deb; do say "$file: $(du -m --apparent-size "$file" | cut -f 1) MiB"; done
