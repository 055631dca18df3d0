#!/bin/bash
set -euo pipefail

docker build -t example/relay:render -f Dockerfile.build .

docker run --name relay-render -e STAGE=production -w /work/etc -u 1000:1000 \
    example/relay:render relay.conf ./relay.conf
docker cp relay-render:/work/etc/relay.conf relay.conf
docker rm relay-render

docker build -t example/relay:latest .
