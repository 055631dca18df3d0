#!/bin/bash
set -e
docker build --target compile -t example/lingo:compile -f Dockerfile.build .
docker create --name lingo example/lingo:compile
docker cp lingo:/lingo/out ./
docker rm lingo
docker build -t example/lingo:latest .
rm -r ./out
