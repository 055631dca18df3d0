
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    const char *greeting = getenv("GREETING");
    FILE *file = argc > 1 ? fopen(argv[1], "r") : 0;
    int c;
    printf("%s\n", greeting ? greeting : "nobody says a word");
    while (file && (c = getc(file)) != EOF) putchar(c);
    return file ? 0 : 3;
}
