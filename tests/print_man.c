/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the part of a manual page that comes from a table of options or keys,
 * for `make docs` and for the test that compares: print_man PAGE. */
#include "config.h"

#include <string.h>

#include "../tools/ctl_options.h"
#include "../tools/inject_options.h"
#include "../tools/replay_options.h"
#include "conf_manual.h"
#include "manual.h"
#include "options.h"

int main(int argc, char **argv)
{
	const char *page = argc > 1 ? argv[1] : "";

	if (!strcmp(page, "bumpwire"))
		options_print_man(stdout);
	else if (!strcmp(page, "bumpwire.conf"))
		conf_print_man(stdout);
	else if (!strcmp(page, "bumpctl"))
		ctl_options_print(&manual_man, stdout);
	else if (!strcmp(page, "bumpreplay"))
		replay_options_print(&manual_man, stdout);
	else if (!strcmp(page, "bumpinject"))
		inject_options_print(&manual_man, stdout);
	else
		return 2;
	return 0;
}
