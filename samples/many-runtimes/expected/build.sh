#!/bin/bash
set -euo pipefail

docker build --target server -t example/bus-server -f Dockerfile.server .
docker build --target client -t example/bus-client -f Dockerfile.server .
