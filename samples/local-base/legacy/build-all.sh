#!/bin/sh
set -e
docker build -t example/papers-base base
docker build -t example/papers-builder builder
docker create --name papers example/papers-builder
docker cp papers:/var/papers/index .
docker rm papers
docker build -t example/papers .
rm index
