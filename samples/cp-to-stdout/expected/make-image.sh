#!/bin/bash

set -e

docker build -f image/Dockerfile -t example/plugins:latest .
