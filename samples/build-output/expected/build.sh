#!/bin/sh
set -e
export DOCKER_BUILDKIT=1

docker build -t example/shelf:latest .
