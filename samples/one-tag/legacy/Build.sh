#!/bin/bash
set -e

TAG=example/tally

docker build . -f Dockerfile.build -t $TAG
docker container create --name tally $TAG
docker container cp tally:tally/result .
docker container rm -f tally
docker build . -f Dockerfile.run -t $TAG
