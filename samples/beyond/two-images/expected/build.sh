#!/bin/sh
set -e
docker build --build-arg V="$VERSION" --target client -t "x/client:$VERSION" -t x/client --label org.example.kind=client -f docker/server/Dockerfile .
docker build --build-arg V="$VERSION" --target server -t x/server -f docker/server/Dockerfile .
