#!/bin/bash
cd $(dirname $0)/..
set -e
docker build -t example/maze:latest .
