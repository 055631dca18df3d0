#!/bin/bash
set -euo pipefail

docker build -t example/relay:latest .
