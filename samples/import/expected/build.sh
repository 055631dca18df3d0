#!/bin/sh
set -e

docker build -t example/garden:latest .
