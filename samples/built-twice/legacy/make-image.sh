#!/bin/bash
set -e

docker build -t example/house-en --build-arg LOCALE=en -f Dockerfile.catalogue .
docker build -t example/house-de --build-arg LOCALE=de -f Dockerfile.catalogue .

docker create --name house-en example/house-en
docker create --name house-de example/house-de
docker cp house-en:/out/catalogue catalogue.en
docker cp house-de:/out/catalogue catalogue.de
docker rm house-en house-de

docker build -t example/house .
rm catalogue.en catalogue.de
