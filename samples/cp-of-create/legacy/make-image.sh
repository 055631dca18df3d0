#!/bin/sh
set -e
docker build -f Dockerfile.builder -t example/clock-builder .
docker cp $(docker create example/clock-builder):/clock .
docker build -t example/clock .
rm -rf clock
