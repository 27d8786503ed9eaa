/* SPDX-License-Identifier: BSD-2-Clause */
/* See about.h. Libraries are asked as they run, for they may be others than
 * those of the build; the kernel is asked, not its version. */
#include "config.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <jansson.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "about.h"
#include "base.h"
#include "guard.h"
#include "live.h"
#include "pcap_file.h"

#define LOOPBACK_INDEX 1 /* in every network namespace: net/core/dev.c */
#define ABI_OF_LANDLOCK 1u /* LANDLOCK_CREATE_RULESET_VERSION: landlock.h */
#define MODE_FILTER 2	   /* SECCOMP_MODE_FILTER: seccomp.h */

#ifdef __clang__
#define COMPILER __VERSION__ /* with its name */
#else
#define COMPILER "GCC " __VERSION__
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZERS ", sanitizers"
#else
#define SANITIZERS ""
#endif

static void print_compiler(FILE *out)
{
	fprintf(out, "%s", COMPILER SANITIZERS);
}

static void print_libc(FILE *out)
{
	fprintf(out, "glibc %s", gnu_get_libc_version());
}

static void print_pcap(FILE *out)
{
	fprintf(out, "%s", pcap_file_library());
}

static void print_jansson(FILE *out)
{
	fprintf(out, "%s", jansson_version_str());
}

static void print_kernel(FILE *out)
{
	struct utsname kernel;

	if (uname(&kernel))
		fprintf(out, "%s", strerror(errno));
	else
		fprintf(out, "%s %s %s, %d processors", kernel.sysname,
			kernel.release, kernel.machine, get_nprocs());
}

static void print_landlock(FILE *out)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
			   ABI_OF_LANDLOCK);

	if (abi < 0)
		fprintf(out, "no: %s", strerror(errno));
	else
		fprintf(out, "yes, version %ld", abi);
}

/* A filter at no address is refused for the address where there are filters,
 * and for the mode where there are none: prctl(2). */
static void print_seccomp(FILE *out)
{
	prctl(PR_SET_SECCOMP, MODE_FILTER, NULL, 0, 0);
	if (errno == EFAULT)
		fprintf(out, "yes");
	else
		fprintf(out, "no: %s", strerror(errno));
}

static void print_guard(FILE *out)
{
	struct guard *guard = NULL;
	char why[160];

	if (guard_new(&guard, why, sizeof(why)))
		fprintf(out, "no: %s", why);
	else
		fprintf(out, "yes%s", guard_check_rules(guard, NULL, 0, why,
							sizeof(why)) ?
					      ", without rules" : "");
	guard_free(guard);
}

static void print_live(FILE *out)
{
	char why[256] = "";

	if (live_probe(LOOPBACK_INDEX, why, sizeof(why)))
		fprintf(out, "no: %s", why);
	else
		fprintf(out, "yes");
}

static const struct {
	const char *name;
	void (*print)(FILE *out);
} feature[] = {
	{ "compiler", print_compiler },
	{ "libc", print_libc },
	{ "libpcap", print_pcap },
	{ "jansson", print_jansson },
	{ "kernel", print_kernel },
	{ "Landlock", print_landlock },
	{ "seccomp", print_seccomp },
	{ "guard", print_guard },
	{ "live frames", print_live },
};

void about_print(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(feature); i++) {
		fprintf(out, "  %-12s ", feature[i].name);
		feature[i].print(out);
		fprintf(out, "\n");
	}
}
