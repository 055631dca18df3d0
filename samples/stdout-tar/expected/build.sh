#!/bin/sh
set -eu
docker build -t example/upstreams .
