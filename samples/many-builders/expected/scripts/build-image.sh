#!/bin/bash
# Called from anywhere: the paths below start at the top of the repository.
set -e
cd "$(dirname "$0")/.."

docker build -t example/oracle .
