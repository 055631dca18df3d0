#!/bin/bash
set -euo pipefail

docker compose build service
echo "built example/greet:1.0"
