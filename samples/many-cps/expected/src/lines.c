#include <stdio.h>

int main(void)
{
    int c;
    long lines = 0;

    while ((c = getchar()) != EOF)
        lines += c == '\n';
    printf("%ld\n", lines);
    return 0;
}
