#!/bin/bash
set -euo pipefail

docker build -t example/bus-build -f Dockerfile.build .

docker rm -f bus-extract >/dev/null 2>&1 || true
docker create --name bus-extract example/bus-build
rm -rf ./bin
docker cp bus-extract:/build/bin ./bin
docker rm bus-extract

docker build -t example/bus-server -f Dockerfile.server .
docker build -t example/bus-client -f Dockerfile.client .
