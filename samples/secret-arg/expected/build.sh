#!/bin/bash
set -eu

docker build --build-arg TOKEN="${TOKEN:-none}" --tag example/parts:latest .
