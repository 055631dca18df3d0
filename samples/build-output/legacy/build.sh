#!/bin/sh
set -e
export DOCKER_BUILDKIT=1

docker build --output out -f Dockerfile.build .
docker build -t example/shelf:latest .
rm -r out
