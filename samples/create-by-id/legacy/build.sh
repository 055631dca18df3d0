#!/bin/bash
set -e

docker build -t example/welcome:build -f Dockerfile.build .

id=$(docker create example/welcome:build)
docker cp $id:/out/welcome ./welcome
docker rm $id

docker build -t example/welcome:latest .
rm -f ./welcome
