/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the part of a manual page that comes from a table of options, for
 * `make docs` and for the test that compares: print_man PROGRAM. */
#include "config.h"

#include <string.h>

#include "../tools/inject_options.h"
#include "../tools/replay_options.h"
#include "manual.h"
#include "options.h"

int main(int argc, char **argv)
{
	const char *program = argc > 1 ? argv[1] : "";

	if (!strcmp(program, "bumpwire"))
		options_print_man(stdout);
	else if (!strcmp(program, "bumpreplay"))
		replay_options_print(&manual_man, stdout);
	else if (!strcmp(program, "bumpinject"))
		inject_options_print(&manual_man, stdout);
	else
		return 2;
	return 0;
}
