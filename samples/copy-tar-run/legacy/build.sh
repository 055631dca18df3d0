#!/bin/sh
IMG=example/scores
docker build -t $IMG:build -f Dockerfile.build . || exit
docker create --name scores-build $IMG:build >/dev/null &&
docker cp scores-build:/scores.tar scores.tar &&
docker rm scores-build >/dev/null &&
docker build -t $IMG:latest .
