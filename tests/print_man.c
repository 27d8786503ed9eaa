/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the part of bumpwire(8) that comes from the table of options, for
 * `make docs` and for the test that compares. */
#include "config.h"

#include "options.h"

int main(void)
{
	options_print_man(stdout);
	return 0;
}
