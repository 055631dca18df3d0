#!/bin/sh
# Build script
set -e

name=`cat name.txt`
version=`cat version.txt`

docker build -f ./Dockerfile -t example/${name}:${version} .
