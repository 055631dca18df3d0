#!/bin/bash
set -e

# on the build machine
docker build -t example/metro-builder -f Dockerfile.build .
docker save example/metro-builder | gzip > metro-builder.tar.gz
docker rmi example/metro-builder

# on the packaging machine
docker load < metro-builder.tar.gz
rm metro-builder.tar.gz
docker create --name metro-builder example/metro-builder
docker cp metro-builder:/map/line1 .
docker rm metro-builder

docker build -t example/metro .
rm line1
