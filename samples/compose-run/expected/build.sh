#!/bin/sh
set -e
cd "$(dirname "$0")"

# render the page in a container, then serve it
docker-compose up -d --build web
