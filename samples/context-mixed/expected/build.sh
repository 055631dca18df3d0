#!/bin/bash
set -e
image=example/dots
docker build -t ${image} .
