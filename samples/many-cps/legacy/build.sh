#!/bin/bash

set -e

OUT=out
SRC=/usr/src/lines

docker build -t example/lines:build -f Dockerfile.build .

mkdir -p $OUT
docker create --name lines-build example/lines:build
docker cp lines-build:$SRC/lines $OUT/lines
docker cp lines-build:/etc/lines.defaults $OUT/defaults.conf
docker cp lines-build:/usr/share/lines/help $OUT
docker rm -f lines-build

docker build -t example/lines:latest .
rm -rf $OUT
