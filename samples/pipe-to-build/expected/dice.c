#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(void)
{
    srand(time(NULL));
    printf("%d\n", 1 + rand() % 6);
    return 0;
}
