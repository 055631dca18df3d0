#!/bin/bash

set -e

docker build -t example/plugins:build -f Dockerfile.build .
docker create --name plugins example/plugins:build
docker cp plugins:/build/modules - > image/modules.tar
docker rm plugins

docker build -t example/plugins:latest image/
rm -f image/modules.tar
