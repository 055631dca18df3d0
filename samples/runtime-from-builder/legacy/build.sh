#!/bin/sh
set -e
docker build -t example/tunes:dev -f Dockerfile.dev .
docker create --name tunes example/tunes:dev
docker cp tunes:/srv/tunes/titles titles
docker rm tunes
docker build -t example/tunes:latest .
rm titles
