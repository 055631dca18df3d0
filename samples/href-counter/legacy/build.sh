#!/bin/sh
# Compiles href-counter in one image and ships it in another, without the compiler.
set -e

echo Building example/href-counter:build

docker build --build-arg https_proxy=$https_proxy --build-arg http_proxy=$http_proxy \
    -t example/href-counter:build . -f Dockerfile.build

# Take the binary out of the builder
docker container create --name extract example/href-counter:build
docker container cp extract:/go/src/github.com/example/href-counter/app ./app
docker container rm -f extract

echo Building example/href-counter:latest

docker build --no-cache -t example/href-counter:latest .
rm ./app
