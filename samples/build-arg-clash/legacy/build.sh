#!/bin/sh
set -e

RULES=7
IMAGE=1.4.2

docker build --build-arg VERSION=$RULES -t example/rules:build -f Dockerfile.build .
docker create --name rules-build example/rules:build
docker cp rules-build:/rules/rules.conf rules.conf
docker rm rules-build
docker build --build-arg VERSION=$IMAGE --build-arg BASE=busybox:latest -t example/rules:$IMAGE .
rm rules.conf
