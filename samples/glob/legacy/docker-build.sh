#!/bin/sh
docker build -t example/ledger-build -f Dockerfile.build . || exit 1
docker run --name ledger-build example/ledger-build true
rm -rf libs
docker cp ledger-build:/ledger/build/libs libs
docker rm ledger-build
docker build -t example/ledger -f Dockerfile.run . || exit 1
