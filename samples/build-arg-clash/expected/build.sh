#!/bin/sh
set -e

RULES=7
IMAGE=1.4.2

docker build --build-arg BUILDER_VERSION=$RULES --build-arg VERSION=$IMAGE --build-arg BASE=busybox:latest -t example/rules:$IMAGE .
