#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(void)
{
    srand(time(NULL));
    puts(rand() % 2 ? "heads" : "tails");
    return 0;
}
