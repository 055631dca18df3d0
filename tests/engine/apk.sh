#!/bin/sh
# Stand-in for Alpine's apk: it notes in /etc/apk/world what it is asked for and installs nothing.
while [ $# -gt 0 ]; do
    case $1 in
        -t | --virtual | -X | --repository | -p | --root) shift ;;
        -*) ;;
        *) break ;;
    esac
    shift
done
command=${1:-}
[ $# -eq 0 ] || shift
case $command in
    update | upgrade | fix | del) ;;
    add)
        while [ $# -gt 0 ]; do
            case $1 in
                -t | --virtual | -X | --repository) shift ;;
                -*) ;;
                *)
                    echo "$1" >> /etc/apk/world
                    echo "stand-in apk: noted $1, installed nothing"
                    ;;
            esac
            shift
        done
        sort -u -o /etc/apk/world /etc/apk/world
        ;;
    *)
        echo "stand-in apk: does not know '$command'" >&2
        exit 1
        ;;
esac
