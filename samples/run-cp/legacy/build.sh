#!/bin/sh
set -e

docker build -t example/wordcount:build -f Dockerfile.build .

docker run --name wordcount-build example/wordcount:build
docker cp wordcount-build:/src/bin/wordcount ./wordcount
docker rm wordcount-build

docker build -t example/wordcount:latest .

rm wordcount
