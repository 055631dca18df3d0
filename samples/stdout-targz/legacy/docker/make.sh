#!/bin/bash
cd $(dirname $0)/..
set -e
docker build -t example/maze:build -f Dockerfile.build .
docker run --rm example/maze:build tar cz release > app.tar.gz
docker build -t example/maze:latest .
rm app.tar.gz
