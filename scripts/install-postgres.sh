#!/bin/sh
# Installs the oldest PostgreSQL from 15 on for which this Debian or Ubuntu has wal2json. Needs root.
# No cluster is created or started: the tests make their own, and an existing installation stays as it is.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

packages() {
  version=$(apt-cache search --names-only '^postgresql-[0-9]+-wal2json$' |
    sed -n 's/^postgresql-\([0-9]*\)-wal2json .*/\1/p' | sort -n | awk '$1 >= 15 { print; exit }')
  [ -z "$version" ] || echo "postgresql-$version postgresql-$version-wal2json"
}

if [ -z "$(packages)" ]; then apt-get update; fi
if [ -z "$(packages)" ]; then
  echo 'This distribution has no wal2json for PostgreSQL 15 or newer; add the repository of https://apt.postgresql.org.' >&2
  exit 1
fi

# postgresql-common asks this file, while the package is configured, whether to create the cluster "main".
folder=/etc/postgresql-common/createcluster.d
answer=$folder/hookd-setup.conf
mkdir -p "$folder"
trap 'rm -f "$answer"; rmdir --ignore-fail-on-non-empty "$folder"' EXIT
echo "create_main_cluster = off" >"$answer"

# shellcheck disable=SC2046 # two words are meant
install() { apt-get install --yes --no-install-recommends $(packages); }
install || { apt-get update && install; }
