#!/bin/sh
# Build script
set -e

name=`cat name.txt`
version=`cat version.txt`

docker build -f ./Dockerfile.Build -t example/${name}-build .
docker run -d --name=${name}-${version}-build example/${name}-build
containerid=`docker ps -aqf "name=${name}-${version}-build"`
docker wait $containerid
docker cp $containerid:/opt/target/forms.db .
docker rm $containerid
docker build -f ./Dockerfile -t example/${name}:${version} .
