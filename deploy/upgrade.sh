#!/bin/sh
# Replaces the containers of our services in docker-compose.yml by new ones, role after role, without a failed request: new
# containers start beside the old ones, and those end when the new ones are ready and known to their callers. Run it in the
# folder of docker-compose.yml, after the new version is there: `sh deploy/upgrade.sh`. COMPOSE is `docker compose` where Compose
# is a plugin of Docker. Not for versions of which CHANGELOG.md says "stop all".
set -eu
compose=${COMPOSE:-docker-compose}

$compose build
$compose run --rm migrate
for role in directory file message conversation callback gateway; do
  old=$($compose ps -q $role)
  count=$(echo "$old" | wc -w)
  [ "$count" -gt 0 ] || { echo "no container of $role runs: start everything with \`$compose up -d\`" >&2; exit 1; }
  $compose up -d --no-deps --no-recreate --scale $role=$((count * 2)) $role
  new=$($compose ps -q $role)
  for container in $old; do
    new=$(echo "$new" | grep -v "^$container" || true)
  done
  [ -n "$new" ] || { echo "no new container of $role was started" >&2; exit 1; }
  tries=0
  for container in $new; do
    while [ "$(docker inspect --format '{{.State.Health.Status}}' "$container")" != healthy ]; do
      tries=$((tries + 1))
      [ $tries -lt 60 ] || { echo "the new $role is not ready: see \`docker logs $container\`; the old one still runs" >&2; exit 1; }
      sleep 2
    done
  done
  # Callers look names up every five seconds.
  sleep 10
  # shellcheck disable=SC2086 # one word for each container
  { docker stop -t 15 $old && docker rm $old; } >/dev/null
done
