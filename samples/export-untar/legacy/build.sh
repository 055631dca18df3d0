#!/bin/bash
set -e

docker build -t example/cards:build -f Dockerfile.build .

rm -rf rootfs
mkdir rootfs
docker create --name cards-export example/cards:build
docker export cards-export | tar x -C rootfs
docker rm cards-export

docker build -t example/cards:flat .
rm -rf rootfs
