#!/bin/sh
# Creates the bucket of compose.s3.yml unless it is there. Runs in the image of MinIO's client.
set -eu
export MC_CONFIG_DIR=/tmp/mc
mc alias set store http://s3:9000 "$(cat /secrets/s3-access-key)" "$(cat /secrets/s3-secret-key)"
mc mb --ignore-existing store/files
