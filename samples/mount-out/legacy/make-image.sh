#!/bin/bash
set -e

docker build -f Dockerfile.build -t example/cookbook-builder .

rm -rf dist
mkdir -p dist
docker run --rm -v "$(pwd)/dist":/export example/cookbook-builder

docker build -t example/cookbook .
