#!/bin/bash
set -e

docker build -t example/welcome:latest .
