#!/bin/bash
set -e

docker build -t example/hail-tools tools

mkdir -p target
docker run --rm \
    --mount type=bind,source="$PWD/src",target=/src,readonly \
    --mount type=bind,source="$PWD/target",target=/target \
    example/hail-tools hail

docker build -t example/hail .
rm -r target
