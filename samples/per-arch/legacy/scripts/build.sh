#!/bin/sh
set -e

# armhf, when there is a machine for it
ARCH=amd64

cd "$(dirname "$0")/.."

docker build -t example/drum-build:$ARCH -f Dockerfile.build.$ARCH .
docker create --name drum-$ARCH example/drum-build:$ARCH
docker cp drum-$ARCH:/drum/drum-$ARCH drum-$ARCH
docker rm drum-$ARCH

docker build -t example/drum:latest-$ARCH -f Dockerfile.$ARCH .
rm drum-$ARCH
