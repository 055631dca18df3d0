#!/bin/sh
# Compiles href-counter in one image and ships it in another, without the compiler.
set -e

echo Building example/href-counter:latest

docker build --build-arg https_proxy=$https_proxy --build-arg http_proxy=$http_proxy --no-cache -t example/href-counter:latest .
