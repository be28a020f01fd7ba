#!/bin/sh
# Creates the bucket of docker-compose.yml unless it is there; with arguments, runs MinIO's client with them instead, as
# `mirror store/files /backup`. Runs in the image of that client, which has a shell and few programs: it needs none but `mc`.
set -eu
export MC_CONFIG_DIR=/tmp/mc
# Fails at a file without an end of line, of which it has read everything all the same.
read -r key < /secrets/s3-access-key || test -n "$key"
read -r secret < /secrets/s3-secret-key || test -n "$secret"
mc alias set store http://s3:9000 "$key" "$secret"
[ $# -eq 0 ] || exec mc "$@"
mc mb --ignore-existing store/files
