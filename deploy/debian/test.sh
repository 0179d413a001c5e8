#!/usr/bin/env bash
# Takes the Debian packages through their life on a Debian with systemd, in a container without network: installs,
# starts, serves, hangs and is restarted by the watchdog, upgrades keeping configuration and state, removes, installs
# again, purges, and looks for what is left. The programs are those of the last release build.
#
#   deploy/debian/test.sh           (make deb-test)
#
# Needs podman, as root; skipped where it is not. What it makes (packages, image, container) it removes.
test_name="deb-test"
# shellcheck source=deploy/test/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../test/common.sh"

find_podman
[[ $(id -u) == 0 ]] || skip "systemd runs in a container of root's only"
command -v dpkg-shlibdeps >/dev/null || skip "dpkg-shlibdeps is not installed (Debian: apt-get install dpkg-dev)"
need_programs
container=hedgerow-deb-test
image=localhost/hedgerow-deb-test
work=$(mktemp -d)

cleanup() {
  local code=$?
  if ((code != 0)); then
    "${podman[@]}" exec "$container" journalctl --no-pager --lines 40 --output cat >&2 2>/dev/null || true
  fi
  "${podman[@]}" rm --force --time 3 "$container" >/dev/null 2>&1 || true
  "${podman[@]}" rmi --force "$image" >/dev/null 2>&1 || true
  for made in "${made_images[@]}"; do "${podman[@]}" rmi --force "$made" >/dev/null 2>&1 || true; done
  rm -rf --one-file-system "$work"
  exit "$code"
}
trap cleanup EXIT

say "making the packages, twice, and once with a higher version"
version=$(sed -n 's/.*current = "\(.*\)".*/\1/p' Sources/EdgeCore/CoreVersion.swift)
architecture=$(dpkg --print-architecture)
# One time for all of them, also where somebody commits meanwhile.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
scripts/deb.sh --no-build --fast --out "$work/packages" | grep ' MiB$'
scripts/deb.sh --no-build --fast --out "$work/again" >/dev/null
check "the same programs give the same packages" diff -r "$work/packages" "$work/again"
rm -r "$work/again"
scripts/deb.sh --no-build --fast --out "$work/newer" --version 99.0.0 >/dev/null
if command -v lintian >/dev/null; then
  check "lintian finds no error" lintian --allow-root --fail-on error \
    --suppress-tags-from-file deploy/debian/lintian-suppressed "$work"/packages/*.deb
else
  say "lintian is not installed; not run"
fi

need_debian_image
say "starting a Debian with systemd"
cat >"$work/Containerfile" <<FILE
FROM $debian_image
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \\
  systemd systemd-sysv dbus procps sqlite3 bubblewrap adduser init-system-helpers libsqlite3-0 libstdc++6 >/dev/null
CMD ["/sbin/init"]
FILE
"${builder[@]}" -t "$image" -f "$work/Containerfile" "$work" >"$work/log" 2>&1 || { tail "$work/log"; fail "no image"; }
# systemd makes the sandboxes of the units itself, for which it needs the right to mount.
"${podman[@]}" run --detach --name "$container" --systemd=always --network none --cap-add SYS_ADMIN \
  --security-opt unmask=all "${limits[@]}" --volume "$work:/test:ro" "$image" >/dev/null \
  || skip "podman cannot start a container with systemd here; see its message above"

# guest COMMAND...: runs it as root in the container; guest_shell: a piece of shell.
guest() { "${podman[@]}" exec --interactive --env DEBIAN_FRONTEND=noninteractive "$container" "$@"; }
guest_shell() { guest bash -euc "$1"; }
# dpkg with its output kept for when it fails, or is looked at.
guest_dpkg() {
  guest_shell "dpkg $*" >"$work/log" 2>&1 || {
    cat "$work/log"
    fail "dpkg $*"
  }
}
property() { guest systemctl show --property "$2" --value "$1"; }
is() { [[ $(property "$1" "$2") == "$3" ]]; }
says() { [[ $(property "$1" StatusText) == "$2"* ]]; }
hedgerow() { guest env HOME=/root hedgerow "$@"; }
is_up() { guest systemctl is-system-running --wait; }
eventually "systemd is up" 60 is_up

say "installing"
guest_dpkg -i "/test/packages/*.deb"
check "the core's unit is enabled" guest systemctl is-enabled --quiet hedgerow-core
check "without a token it was skipped, which is no failure" is hedgerow-core ActiveState inactive
check "and says why" is hedgerow-core ConditionResult no
refuse "the cloud's unit is not enabled by itself" guest systemctl is-enabled --quiet hedgerow-cloud
refuse "nor is the thing's" guest systemctl is-enabled --quiet hedgerow-thing
check "the core's user owns its state directory, closed to others" guest_shell \
  '[ "$(stat -c "%U %a" /var/lib/hedgerow-core)" = "hedgerow-core 700" ]'
check "systemd finds nothing wrong with the units" guest systemd-analyze verify --man=no hedgerow-core.service \
  hedgerow-cloud.service hedgerow-thing.service

say "starting a cloud and a core"
guest_shell 'sed -i "s/^#advertise:.*/advertise: [127.0.0.1]/" /etc/hedgerow/cloud.yaml /etc/hedgerow/core.yaml'
check "the cloud starts and says that it is ready" guest systemctl start hedgerow-cloud
check "its status is for people" says hedgerow-cloud "Serves at port 8443"
check "its health check agrees" guest runuser -u hedgerow-cloud -- hedgerow-cloud healthcheck \
  --config /etc/hedgerow/cloud.yaml --state /var/lib/hedgerow-cloud
hedgerow init /var/lib/hedgerow-cloud/operator.token >/dev/null
hedgerow things create pi-1 --core --token-file /root/pi-1.token >/dev/null
hedgerow things create bme680-1 --token-file /root/bme680-1.token >/dev/null
hedgerow apply -f - >/dev/null <<'GROUP'
kind: Group
name: hall
cores: [pi-1]
things: [bme680-1]
subscriptions:
  - {from: 'thing:*', topic: '#', to: cloud}
GROUP
guest install -m 0600 -o hedgerow-core /root/pi-1.token /etc/hedgerow/core.token
check "with a token the core starts" guest systemctl start hedgerow-core
check "and says what it waits for" says hedgerow-core "Serves no things yet"
hedgerow deploy hall --wait >/dev/null
serves() { says hedgerow-core "Serves things at port 8445; attached to the cloud"; }
eventually "after a deployment it says that it serves" 60 serves
check "its health check agrees" guest runuser -u hedgerow-core -- hedgerow-core healthcheck --state /var/lib/hedgerow-core

say "a thing, as the service of the package; there is no sensor here, which is what it has to say"
guest install -m 0600 -o hedgerow-thing /root/bme680-1.token /etc/hedgerow/thing.token
check "the thing starts" guest systemctl start hedgerow-thing
reports() { hedgerow history --thing bme680-1 --output json --limit 5 | grep -q '/dev/i2c-1 does not exist'; }
eventually "what it says has come through core and cloud" 60 reports
guest systemctl stop hedgerow-thing

say "what the core's unit leaves open"
# The core's unit with another program in it: bubblewrap, as a component's sandbox is made.
guest_shell 'sed -e "s/^Type=notify/Type=oneshot/; s/^ExecStart=.*/ExecStart=\/run\/sandbox/" \
  -e "/^Condition/d; /^Restart/d; /^Watchdog/d; /^NotifyAccess/d" /usr/lib/systemd/system/hedgerow-core.service \
  >/run/systemd/system/sandbox-probe.service
  cat >/run/sandbox <<PROGRAM
#!/bin/sh
exec /usr/bin/bwrap --unshare-all --die-with-parent --hostname component --ro-bind /usr /usr --symlink usr/bin /bin \\
  --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp \\
  /bin/sh -c "ls /proc | grep -c ^[0-9]; cat /proc/sys/kernel/hostname; ls /var/lib/hedgerow-core || echo closed"
PROGRAM
  chmod 0755 /run/sandbox && systemctl daemon-reload'
check "bubblewrap makes a sandbox in it, with namespaces and a /proc of its own" guest systemctl start sandbox-probe
sandbox_says() { guest journalctl --unit sandbox-probe --output cat --no-pager | grep -qx "$1"; }
eventually "the sandbox has a host name of its own" 20 sandbox_says component
eventually "and does not see what the core keeps" 20 sandbox_says closed
guest_shell 'rm /run/systemd/system/sandbox-probe.service /run/sandbox && systemctl daemon-reload'

say "the watchdog"
guest_shell 'mkdir -p /run/systemd/system/hedgerow-core.service.d
  printf "[Service]\nWatchdogSec=4\n" >/run/systemd/system/hedgerow-core.service.d/test.conf
  systemctl daemon-reload && systemctl restart hedgerow-core'
process=$(property hedgerow-core MainPID)
# Longer than the watchdog waits, seen by its own clock: the time of the last sign of life moves on twice.
last_sign() { property hedgerow-core WatchdogTimestampMonotonic; }
first_sign=$(last_sign)
signs_go_on() { (($(last_sign) > first_sign + 8000000)); }
eventually "a healthy core gives signs of life" 60 signs_go_on
check "and is left alone" is hedgerow-core MainPID "$process"
# Another process holds the database: nothing can be committed, though every thread lives.
guest_shell 'mkfifo /run/hold; (sqlite3 /var/lib/hedgerow-core/core.sqlite </run/hold &) ; exec 3>/run/hold
  printf "BEGIN EXCLUSIVE;\nSELECT 1;\n" >&3; sleep 60' >/dev/null 2>&1 &
restarted() { [[ $(property hedgerow-core NRestarts) -ge 1 ]] && ! is hedgerow-core MainPID "$process"; }
eventually "a core whose engine hangs is killed and started again" 60 restarted
guest pkill sqlite3 || true
check "its log says which part hung" guest_shell \
  'journalctl -u hedgerow-core --no-pager | grep -q "the engine does not answer.*the database"'
check "systemd's says that it was the watchdog" guest_shell \
  'journalctl -u hedgerow-core --no-pager | grep -q "Watchdog timeout"'
guest_shell 'rm -r /run/systemd/system/hedgerow-core.service.d && systemctl daemon-reload && systemctl restart hedgerow-core'
eventually "it serves again" 90 serves

say "upgrading"
guest_shell 'printf "\nlimits:\n  connectedThings: 17\n" >>/etc/hedgerow/core.yaml'
digests() { guest sha256sum /etc/hedgerow/core.yaml /var/lib/hedgerow-core/identity/identity.json; }
before=$(digests)
process=$(property hedgerow-core MainPID)
guest_dpkg -i "/test/newer/*.deb"
installed() { guest dpkg-query -W -f '${Version}' hedgerow-core; }
check "the newer version is installed" test "$(installed)" = 99.0.0-1
check "configuration and identity are what they were" test "$before" = "$(digests)"
refuse "the core was started anew" is hedgerow-core MainPID "$process"
eventually "it serves, with the deployment that it had" 60 serves
check "the changed configuration is used" guest_shell \
  'hedgerow-core config print --config /etc/hedgerow/core.yaml | grep -q "connectedThings.*17"'
guest systemctl disable --now --quiet hedgerow-core
guest_dpkg -i "/test/packages/hedgerow-core_$version-1_$architecture.deb"
refuse "what the administrator disabled stays disabled" guest systemctl is-enabled --quiet hedgerow-core
check "and stopped" is hedgerow-core ActiveState inactive
guest systemctl enable --now --quiet hedgerow-core

say "removing"
guest_dpkg -r hedgerow-core
check "it says that the state is kept" grep -q '/var/lib/hedgerow-core is kept' "$work/log"
check "configuration and identity are still there" test "$before" = "$(digests)"
refuse "the program is gone" guest test -e /usr/bin/hedgerow-core
refuse "no process of its user's is left" guest pgrep -u hedgerow-core
guest_dpkg -i "/test/packages/hedgerow-core_$version-1_$architecture.deb"
eventually "installed again, it serves with what was kept" 60 serves

say "purging"
guest_dpkg -P hedgerow-core hedgerow-cloud hedgerow
for package in hedgerow-core hedgerow-cloud hedgerow; do
  refuse "dpkg does not know $package any more" guest dpkg-query -W "$package" 2>/dev/null
done
refuse "no user is left" guest_shell 'getent passwd | grep hedgerow'
refuse "no group is left" guest_shell 'getent group | grep hedgerow'
check "systemd knows no failed unit" is_up
left=$(guest_shell "find / -xdev \( -path /proc -o -path /sys -o -path /test -o -path /root \) -prune -o -name '*hedgerow*' -print")
check "no file is left${left:+, but: $left}" test -z "$left"
say "passed"
