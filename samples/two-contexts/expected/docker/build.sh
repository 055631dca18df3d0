#!/bin/sh
set -e

top=$(cd "$(dirname "$0")/.." && pwd)

docker build -f Dockerfile -t example/motto:latest ..
