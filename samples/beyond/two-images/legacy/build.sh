#!/bin/sh
set -e
docker build -t x/b -f Dockerfile.build --build-arg V="$VERSION" .
docker create --name e x/b
docker cp e:/out/v ./v
docker rm e
docker build -t "x/client:$VERSION" -t x/client --label org.example.kind=client -f Dockerfile.client .
docker build -t x/server -f docker/server/Dockerfile .
rm v
