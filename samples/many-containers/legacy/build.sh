#!/bin/sh
set -ex

docker build -t example/almanac:build -f Dockerfile.build .

docker create --name almanac-sun example/almanac:build true
docker cp almanac-sun:/out/sun.dat .
docker create --name almanac-moon example/almanac:build true
docker cp almanac-moon:/out/moon.dat .
docker rm almanac-sun almanac-moon

docker build -t example/almanac .
