#!/bin/sh
set -eu
docker build -t example/upstreams-build builder
docker run --rm example/upstreams-build > app.tar
docker build -t example/upstreams .
