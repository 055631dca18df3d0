#!/bin/bash
set -e

docker build -t example/bread:build -f Dockerfile.build .
docker run --rm example/bread:build > bread.tar
docker run --rm example/bread:build cat dough > label
docker build -t example/bread .
rm bread.tar label
