#!/bin/bash
set -e

out=picked

docker build -t example/rack-build -f Dockerfile.build .

rm -rf $out
docker create --name rack-build example/rack-build
docker cp rack-build:/build/out $out
docker rm rack-build

docker build --build-arg FROM_DIR=$out -t example/rack .
