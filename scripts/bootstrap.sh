#!/usr/bin/env bash
# Installs what building and testing need, and says so. Quick when nothing is missing.
#
#   scripts/bootstrap.sh demo     only what `make demo` needs
#   scripts/bootstrap.sh          everything: also for tests, lint and protos
#
# System packages come by apt-get, Python packages into the virtual environment .venv.
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scope=${1:-all}

# What the programs link.
packages=(libsqlite3-dev)
case $scope in
  demo) ;;
  all)
    # protoc and its well-known types; strace for the test that counts fsync; sqlite3 for looking into a
    # database from a test; Python for the tests in another language and for checking the protos; openssl for
    # looking at the listeners from outside.
    packages+=(protobuf-compiler libprotobuf-dev strace sqlite3 python3 python3-venv openssl)
    ;;
  *) die "unknown scope \"$scope\"; it is \"demo\" or \"all\"" ;;
esac

check_swift() {
  command -v swift >/dev/null || die "swift is not installed; install Swift 6.2 or later from https://www.swift.org/install"
  local version
  version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
  [[ $version =~ ^([0-9]+)\.([0-9]+)$ ]] || die "cannot read the version in the output of \"swift --version\""
  if ((BASH_REMATCH[1] < 6 || (BASH_REMATCH[1] == 6 && BASH_REMATCH[2] < 2))); then
    die "Swift $version is too old; install Swift 6.2 or later from https://www.swift.org/install"
  fi
}

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null) == ii* ]]
}

# Runs a command as root, or says what to run by hand.
as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
    say "using sudo for: $*"
    sudo -- "$@"
  else
    die "packages are missing and you are not root; run as root: apt-get install ${missing[*]}"
  fi
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"
}

have_package_lists() {
  compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null
}

install_system_packages() {
  if [[ $(uname -s) == Darwin ]]; then
    say "macOS: no system packages installed; the tests need protoc and sqlite3 (brew install protobuf sqlite)"
    return
  fi
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "no apt-get here; make sure that your system has what Debian calls: ${packages[*]}"
    return
  fi
  missing=()
  local package
  for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    say "system packages: nothing missing"
    return
  fi
  say "installing with apt-get: ${missing[*]}"
  # The lists are fetched only where there are none, or where those that are there lead nowhere.
  if have_package_lists && apt_install; then
    return
  fi
  say "fetching apt's package lists"
  as_root apt-get -o DPkg::Lock::Timeout=300 update
  apt_install || die "apt-get could not install: ${missing[*]}; see its message above"
}

make_virtual_environment() {
  local wanted
  wanted=$(cksum <requirements-dev.txt)
  if [[ -x .venv/bin/python ]] && .venv/bin/python -c '' 2>/dev/null \
    && [[ $(cat .venv/requirements.cksum 2>/dev/null) == "$wanted" ]]; then
    say "Python packages: nothing missing"
    return
  fi
  command -v python3 >/dev/null || die "python3 is not installed; install it and run this again"
  say "making the virtual environment .venv with $(python3 --version)"
  python3 -m venv --clear .venv || die "python3 cannot make a virtual environment; install python3-venv"
  say "installing Python packages: $(grep -v '^#' requirements-dev.txt | tr '\n' ' ')"
  .venv/bin/python -m pip install --disable-pip-version-check --only-binary=:all: -r requirements-dev.txt \
    || die "pip could not install requirements-dev.txt; see its message above"
  # Written last: an interrupted installation is made again.
  printf '%s\n' "$wanted" >.venv/requirements.cksum
}

check_swift
install_system_packages
if [[ $scope == all ]]; then
  make_virtual_environment
fi
say "ready"
