#!/bin/bash
# Called from anywhere: the paths below start at the top of the repository.
set -e
cd "$(dirname "$0")/.."

rm -rf artifacts
mkdir artifacts

docker build -t example/oracle-backend -f Dockerfile.backend .
docker create --name oracle-backend example/oracle-backend
docker cp oracle-backend:/answer artifacts/answer
docker rm oracle-backend

docker build -t example/oracle-frontend -f Dockerfile.frontend .
docker create --name oracle-frontend example/oracle-frontend
docker cp oracle-frontend:/site/public artifacts/
docker rm oracle-frontend

docker build -t example/oracle .
rm -r artifacts
