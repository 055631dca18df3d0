#!/bin/bash

set -e

OUT=out
SRC=/usr/src/lines

docker build -t example/lines:latest .
