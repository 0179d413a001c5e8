#!/bin/sh
# Publishes how busy the core's machine is, every so many seconds. The loop writes lines, one program publishes them.
set -eu
hedgerow="environment/bin/python -m hedgerow"
interval=$($hedgerow configuration /interval)

# The core's SIGTERM goes to all three: the loop ends, the program publishes what it has read, and then this shell ends.
trap : TERM

while :; do
    read -r one five fifteen rest <"${LOAD_FILE:-/proc/loadavg}"
    read -r uptime rest <"${UPTIME_FILE:-/proc/uptime}"
    echo "hosts/load one=$one five=$five fifteen=$fifteen uptime=$uptime"
    sleep "$interval"
done | $hedgerow publish --lines
