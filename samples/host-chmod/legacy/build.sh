#!/bin/bash
docker build -t example/greet:build -f Dockerfile.build . \
  && docker create --name greet-tmp example/greet:build \
  && docker cp greet-tmp:/work/greet.out . \
  && docker rm greet-tmp \
  && chmod 755 greet.out \
  && mkdir -p bin \
  && mv greet.out bin/greet \
  && docker build -t example/greet:latest . \
  && rm -r bin
