#!/bin/sh
set -e

top=$(cd "$(dirname "$0")/.." && pwd)

docker build -f "$top/docker/Dockerfile" -t example/motto:latest "$top"
