/* src/cmd/main.c - the command line */
#include <stdio.h>

int main(void)
{
	fprintf(stderr, "tunion: no command yet\n");
	return 1;
}
