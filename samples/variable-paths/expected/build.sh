#!/bin/bash
set -e

out=picked

docker build --build-arg FROM_DIR=$out -t example/rack .
