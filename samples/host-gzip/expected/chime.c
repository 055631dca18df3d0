#include <stdio.h>
#include <stdlib.h>

/* Strikes the hour. */
int main(int argc, char **argv)
{
    int hour = argc > 1 ? atoi(argv[1]) : 12;

    while (hour-- > 0)
        fputs("dong ", stdout);
    putchar('\n');
    return 0;
}
