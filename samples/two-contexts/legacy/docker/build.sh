#!/bin/sh
set -e

top=$(cd "$(dirname "$0")/.." && pwd)

docker build -t example/motto:build "$top/src"

docker create --name motto-build example/motto:build
rm -rf "$top/docker/out"
docker cp motto-build:/out "$top/docker/out"
docker rm motto-build

docker build -t example/motto:latest "$top/docker"
