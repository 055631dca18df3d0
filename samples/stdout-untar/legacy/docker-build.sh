#!/bin/bash
set -e -o pipefail

BUILDER=example/wordlist:build

docker build --tag "$BUILDER" --file Dockerfile.build .

rm -rf dist && mkdir dist
docker run --rm "$BUILDER" tar cf - -C /out . | tar x -C dist

docker build --tag example/wordlist:latest .
rm -rf dist
