#!/bin/sh
docker build -t example/ledger -f Dockerfile.run . || exit 1
