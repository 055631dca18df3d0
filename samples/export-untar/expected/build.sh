#!/bin/bash
set -e

docker build -t example/cards:flat .
