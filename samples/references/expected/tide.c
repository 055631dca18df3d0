#include <stdio.h>

int main(void) {
    puts("high water at 06:12 and 18:37");
    return 0;
}
