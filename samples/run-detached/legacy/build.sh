#!/bin/bash
set -e

docker build -t example/news:build -f Dockerfile.build .

docker run -d --name news-build example/news:build sleep 60
docker exec news-build mkdir -p /news/html
docker exec news-build sh -c "sed 's|^\([^ ]*\) \(.*\)|<dt>\1<dd>\2|' changes > html/news.html && chown 1000:1000 html/news.html"
docker cp news-build:/news/html/news.html ./news.html
docker rm -f news-build

docker build -t example/news:latest .
rm news.html
