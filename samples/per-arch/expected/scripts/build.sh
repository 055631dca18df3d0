#!/bin/sh
set -e

# armhf, when there is a machine for it
ARCH=amd64

cd "$(dirname "$0")/.."

docker build -t example/drum:latest-$ARCH -f Dockerfile.$ARCH .
