#include <stdio.h>

int main(void)
{
    printf("boom, in words of %d bits\n", WORDS);
    return 0;
}
