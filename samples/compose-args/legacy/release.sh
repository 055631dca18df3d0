#!/bin/bash
set -euo pipefail

docker compose build tools
id=$(docker create example/greet-tools)
docker cp "$id":/out/greet service/greet
docker rm "$id" >/dev/null
docker compose build service
rm service/greet
echo "built example/greet:1.0"
