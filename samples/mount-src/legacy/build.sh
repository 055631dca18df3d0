#!/bin/sh -e
IMAGE=example/timetable

docker build -t $IMAGE-tools -f Dockerfile.build .
docker run --rm -v "$PWD":/src -w /src $IMAGE-tools task site
docker build -t $IMAGE .
rm -rf dist
