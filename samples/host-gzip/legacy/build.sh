#!/bin/sh
set -e

docker build -t example/chime:build -f Dockerfile.build .

docker create --name chime example/chime:build
docker cp chime:/chime chime
docker rm chime

rm -f chime.gz
gzip -9n chime

docker build -t example/chime:latest .
