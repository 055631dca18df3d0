#!/bin/sh
set -e

docker build --target table-ping -t example/table-ping -f Dockerfile.build .
docker build --target table-pong -t example/table-pong -f Dockerfile.build .
