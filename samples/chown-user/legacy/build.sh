#!/bin/bash
set -e
docker build -t example/reader:build -f Dockerfile.build .
docker create --name reader-build example/reader:build
docker cp reader-build:/out out
docker rm reader-build
docker build -t example/reader:latest .
rm -rf out
