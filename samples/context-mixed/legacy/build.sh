#!/bin/bash
set -e
image=example/dots
docker build -f Dockerfile.build -t ${image}-assets .
docker container create --name dots-assets ${image}-assets
mkdir -p web/assets
docker container cp dots-assets:/assets/. web/assets
docker container rm dots-assets
docker build -t ${image} .
