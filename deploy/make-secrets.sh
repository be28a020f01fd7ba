#!/bin/sh
# Creates the secrets of an installation at its first start, and never changes them afterwards. Runs as root in the
# PostgreSQL image; each file is readable only by the user that needs it.
set -eu
cd /secrets
umask 077
tidings=10001 # the user of our own image
grafana=472   # the user of Grafana's image
nobody=65534  # the user that runs NATS

random_hex() {
  head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

# keep NAME OWNER: writes standard input to the file unless it exists; atomically.
keep() {
  [ -s "$1" ] || { cat >"$1.new" && [ -s "$1.new" ] && chown "$2" "$1.new" && sync "$1.new" && mv "$1.new" "$1"; }
}

random_hex | keep service-key "$tidings"
random_hex | keep data-key "$tidings"
random_hex | keep postgres-password postgres
random_hex | keep s3-access-key "$tidings"
random_hex | keep s3-secret-key "$tidings"
random_hex | keep grafana-password "$grafana"
random_hex | keep bus-password root
printf 'authorization { user: tidings, password: "%s" }\n' "$(cat bus-password)" | keep nats-authorization "$nobody"
printf 'nats://tidings:%s@nats:4222' "$(cat bus-password)" | keep bus-url "$tidings"
printf 'postgres://tidings:%s@postgres:5432/tidings' "$(cat postgres-password)" | keep database-url "$tidings"
