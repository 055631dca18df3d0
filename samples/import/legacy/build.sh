#!/bin/sh
set -e

docker build -t example/garden:build -f Dockerfile.build .

docker create --name garden-build example/garden:build
docker export garden-build | docker import - example/garden:flat
docker rm garden-build

docker create --name garden-flat example/garden:flat :
docker cp garden-flat:/garden/plan plan
docker rm garden-flat

docker build -t example/garden:latest .
rm plan
