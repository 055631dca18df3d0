#!/bin/bash
set -e

TAG=example/tally

docker build . -f Dockerfile.run -t $TAG
