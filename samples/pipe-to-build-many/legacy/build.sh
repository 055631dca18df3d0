#!/bin/sh
set -e

docker build -t example/table-builder -f Dockerfile.build .

for name in ping pong; do
    docker run --rm example/table-builder $name | docker build -t example/table-$name -f $name/Dockerfile -
done
