#!/bin/bash
set -e -o pipefail

BUILDER=example/wordlist:build

docker build --tag example/wordlist:latest .
