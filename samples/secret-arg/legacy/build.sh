#!/bin/bash
set -eu

docker build \
  --build-arg TOKEN="${TOKEN:-none}" \
  --tag example/parts:build \
  --file Dockerfile.build \
  .

docker create --name parts-build example/parts:build
docker cp parts-build:/parts/bundle bundle
docker rm parts-build

docker build --tag example/parts:latest .
rm bundle
