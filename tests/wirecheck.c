/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wirecheck: main() and the table of what it can do. See wirecheck.h.
 *
 * Results are key=value words on one line of stdout, so that a story reads
 * them without parsing. A receiver exits 0 when it could judge, whatever it
 * found: the story holds the figures against what it hoped for.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>

#include "wirecheck.h"

struct command {
	const char *name, *operands, *help;
	int (*run)(int argc, char **argv);
};

static const struct command command[] = {
	{ "send", "IFACE", "send numbered frames", command_send },
	{ "recv", "IFACE", "class each numbered frame that arrives",
	  command_recv },
	{ "odd send", "IFACE", "send a catalogue of odd frames",
	  command_odd_send },
	{ "odd recv", "IFACE", "compare what arrives with the catalogue",
	  command_odd_recv },
	{ "odd list", "", "print the catalogue", command_odd_list },
	{ "random send", "IFACE", "send random but plausible frames",
	  command_random_send },
	{ "random write", "", "only write them to a file",
	  command_random_write },
	{ "record", "IFACE", "write what arrives to a pcap file",
	  command_record },
	{ "compare", "A B", "two pcap files: the same frames in order?",
	  command_compare },
	{ "subtract", "A B OUT", "the frames of A that are not in its part B",
	  command_subtract },
	{ "super send", "IFACE", "send GSO super-frames", command_super_send },
	{ "super recv", "IFACE", "check their streams and segments",
	  command_super_recv },
	{ "udp serve", "ADDRESS PORT", "answer UDP questions",
	  command_udp_serve },
	{ "udp ask", "ADDRESS PORT", "ask one, print the answer",
	  command_udp_ask },
	{ "tcp serve", "ADDRESS PORT", "give a known file by TCP, once",
	  command_tcp_serve },
	{ "tcp fetch", "ADDRESS PORT", "fetch it and check each byte",
	  command_tcp_fetch },
};

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
	signalled = number;
}

bool stop_asked(void)
{
	return signalled != 0;
}

int complain(int r, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "wirecheck: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	return r;
}

static void usage(FILE *out)
{
	fprintf(out, "Usage: wirecheck COMMAND [OPTIONS] OPERANDS\n"
		     "       wirecheck COMMAND --help\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(command); i++)
		fprintf(out, "  %-12s %-13s %s\n", command[i].name,
			command[i].operands, command[i].help);
}

/* How many words of the command line name this command; 0: another one. */
static int words_of(const struct command *c, int argc, char **argv)
{
	size_t first = strcspn(c->name, " ");

	if (argc < 2 || strlen(argv[1]) != first ||
	    strncmp(argv[1], c->name, first))
		return 0;
	if (!c->name[first])
		return 1;
	return argc > 2 && !strcmp(argv[2], c->name + first + 1) ? 2 : 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (argc > 1 && (!strcmp(argv[1], "--help") ||
			 !strcmp(argv[1], "-h"))) {
		usage(stdout);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < ARRAY_SIZE(command); i++) {
		int words = words_of(&command[i], argc, argv);
		int r;

		if (!words)
			continue;
		r = command[i].run(argc - words, argv + words);
		if (fflush(stdout))
			r = complain(-EIO, "standard output: %s",
				     strerror(errno));
		return r < 0 ? EXIT_FAILURE : r;
	}
	usage(stderr);
	return EXIT_USAGE;
}
