#!/bin/bash
set -e -o pipefail

docker build --tag example/wordlist:latest .
