#!/bin/sh
set -e

docker build -t example/poems:build -f Dockerfile.build .
docker run --rm --mount type=bind,source="$PWD"/poems,target=/poems example/poems:build
docker build -t example/poems .
rm poems/all
