#!/bin/sh
set -e
docker build -t example/echoes-build -f Dockerfile.build .
docker run --rm example/echoes-build cat /out/app > app
docker build -t example/echoes .
rm app
