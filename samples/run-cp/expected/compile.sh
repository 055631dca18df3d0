set -e
mkdir -p bin
gcc -static -o bin/wordcount wordcount.c
echo "compiled bin/wordcount"
