#!/bin/sh
set -e
docker build -t example/toss-builder .
docker run --rm example/toss-builder > image.tar
cat image.tar | docker build -t example/toss -
rm image.tar
