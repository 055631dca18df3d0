#!/bin/sh
docker build -t example/dice-builder . && \
docker run --rm example/dice-builder | docker build -t example/dice -
