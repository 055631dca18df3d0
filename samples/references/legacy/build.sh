#!/bin/sh
set -e
docker build -t example/tide:build -f Dockerfile.build .
docker create --name extract example/tide:build
docker cp extract:/src/tide ./tide
docker rm extract
docker build -t example/tide .
rm tide
