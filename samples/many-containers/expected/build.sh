#!/bin/sh
set -ex

docker build -t example/almanac .
