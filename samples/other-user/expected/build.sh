#!/bin/bash
set -e

docker build -t example/bread .
