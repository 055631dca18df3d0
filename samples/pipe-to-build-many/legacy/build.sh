#!/bin/sh
set -e

docker build -t example/table-builder -f Dockerfile.build .

docker run --rm example/table-builder ping | docker build -t example/table-ping -f ping/Dockerfile -
docker run --rm example/table-builder pong | docker build -t example/table-pong -f pong/Dockerfile -
