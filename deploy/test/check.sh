#!/usr/bin/env bash
# Checks the files of deploy/ without running anything: units with systemd-analyze, Kubernetes manifests and the compose
# file against their schemas, scripts with shellcheck. A tool that is not here is named and its check left out.
#
#   deploy/test/check.sh            (make deploy-check)
#
# The schemas come from PyPI, into .build-deploy/venv.
test_name="deploy-check"
# shellcheck source=deploy/test/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

units=(deploy/systemd/*.service)
if command -v systemd-analyze >/dev/null; then
  # What the units start must exist for systemd's check: an empty root with stand-ins for it.
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  for unit in "${units[@]}"; do
    sed "s|^ExecStart=/usr/bin/[a-z-]*|ExecStart=/bin/true|" "$unit" >"$work/$(basename "$unit")"
    check "systemd accepts $unit" systemd-analyze verify --man=no "$work/$(basename "$unit")"
    # The numbers of docs: less is safer. A unit that got worse is looked at by somebody.
    case $unit in
      *hedgerow-core*) threshold=35 ;;
      *) threshold=20 ;;
    esac
    say "$(systemd-analyze security --offline=true --threshold=$threshold "$unit" | tail -n 1)"
    systemd-analyze security --offline=true --threshold=$threshold "$unit" >/dev/null \
      || fail "$unit: the exposure is more than $threshold tenths"
  done
else
  say "left out: systemd-analyze is not installed"
fi

if command -v shellcheck >/dev/null; then
  check "shellcheck finds nothing" shellcheck --exclude=SC2016 --external-sources deploy/test/*.sh deploy/docker/test.sh \
    deploy/debian/test.sh deploy/compose/*.sh scripts/release.sh scripts/deb.sh scripts/image.sh
else
  say "left out: shellcheck is not installed"
fi

environment=.build-deploy/venv
if [[ ! -x $environment/bin/kubernetes-validate ]] || ! "$environment/bin/python" -c '' 2>/dev/null; then
  say "installing schemas into $environment"
  python3 -m venv --clear "$environment" || skip "python3 cannot make a virtual environment; install python3-venv"
  "$environment/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate jsonschema PyYAML \
    || skip "pip could not install the schemas"
  "$environment/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest .build-deploy docker-compose==1.29.2 \
    || skip "pip could not fetch the schema of compose files"
fi
for version in 1.28 1.31; do
  check "Kubernetes $version accepts the manifests" "$environment/bin/kubernetes-validate" --quiet --strict \
    --kubernetes-version "$version" deploy/kubernetes/{statefulset,services,configmap,networkpolicy}.yaml
done
check "every manifest is in the kustomization" "$environment/bin/python" -c '
import pathlib, sys, yaml
folder = pathlib.Path("deploy/kubernetes")
listed = set(yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"])
there = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
sys.exit(listed != there)'
check "the compose file is one" "$environment/bin/python" deploy/test/compose_schema.py deploy/compose.yaml \
  .build-deploy/docker_compose-*.whl
say "passed"
