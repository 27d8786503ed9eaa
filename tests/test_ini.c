/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The strict INI reader: what it accepts and what it says of what it refuses.
 * Every text goes through a real file. What is logged is caught from stderr.
 */
#include "config.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <cmocka.h>

#ifdef HAVE_INIPARSER_INIPARSER_H
#include <iniparser/iniparser.h>
#else
#include <iniparser.h>
#endif

#include "ini.h"
#include "log.h"
#include "test_log.h"

#define MIB (1u << 20)

/* A directory, a file in it, and what the last call logged. */
struct fixture {
	char dir[64];
	char path[96];
	struct test_log log;
};

/*
 * What the libraries are to answer instead of the truth. The program's own
 * definitions below go before theirs.
 */
static struct {
	const char *load_path; /* iniparser_load() of this file */
	const char *string; /* iniparser_getstring() */
	int n_sections; /* iniparser_getnsec(), unless 0 */
	unsigned int unknown_flags; /* memfd_create() knows them not */
} lie;

dictionary *iniparser_load(const char *path)
{
	dictionary *(*real)(const char *);

	*(void **)&real = dlsym(RTLD_NEXT, "iniparser_load");
	assert_non_null(real);
	return real(lie.load_path ? lie.load_path : path);
}

const char *iniparser_getstring(const dictionary *d, const char *key,
				const char *def)
{
	const char *(*real)(const dictionary *, const char *, const char *);

	*(void **)&real = dlsym(RTLD_NEXT, "iniparser_getstring");
	assert_non_null(real);
	return lie.string ? lie.string : real(d, key, def);
}

int iniparser_getnsec(const dictionary *d)
{
	int (*real)(const dictionary *);

	*(void **)&real = dlsym(RTLD_NEXT, "iniparser_getnsec");
	assert_non_null(real);
	return lie.n_sections ? lie.n_sections : real(d);
}

int memfd_create(const char *name, unsigned int flags)
{
	if (!(flags & lie.unknown_flags))
		return (int)syscall(SYS_memfd_create, name, flags);
	errno = EINVAL;
	return -1;
}

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "%.40s/ini-XXXXXX",
		 tmp && strlen(tmp) <= 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/f.ini", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	test_log_abandon(&f->log);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	memset(&lie, 0, sizeof(lie));
	return 0;
}

static void file_write(const char *path, const void *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static int read_logged(struct fixture *f, const char *path, struct ini **inip)
{
	int r;

	test_log_begin(&f->log);
	r = ini_read(path, inip);
	test_log_end(&f->log);
	return r;
}

static int text_read(struct fixture *f, const void *text, size_t len,
		     struct ini **inip)
{
	file_write(f->path, text, len);
	return read_logged(f, f->path, inip);
}

/* Is there a line "PROGRAM: error: PATH:LINE: ...what..."? 0: without LINE. */
static bool log_has(const struct fixture *f, const char *path,
		    unsigned int line, const char *what)
{
	char head[160], number[16] = "";
	const char *p, *end;

	if (line)
		snprintf(number, sizeof(number), ":%u", line);
	snprintf(head, sizeof(head), ": error: %s%s: ", path, number);
	for (p = f->log.text; (end = strchr(p, '\n')); p = end + 1) {
		const char *at = strstr(p, head);

		if (!at || at > end)
			continue;
		at = strstr(at, what);
		if (at && at < end)
			return true;
	}
	return false;
}

struct mistake {
	unsigned int line;
	const char *what;
};

struct refused {
	const char *text;
	size_t len;
	struct mistake mistake[4];
};

/* A text and its length, since it may hold NULs. */
#define T(s) (s), sizeof(s) - 1
#define LETTERS_16 "abcdefghijklmnop"
#define LETTERS_256                                                          \
	LETTERS_16 LETTERS_16 LETTERS_16 LETTERS_16 LETTERS_16 LETTERS_16    \
	LETTERS_16 LETTERS_16 LETTERS_16 LETTERS_16 LETTERS_16 LETTERS_16    \
	LETTERS_16 LETTERS_16 LETTERS_16 LETTERS_16

static const struct refused refused[] = {
	/* What iniparser crashes on, merges, or cuts in silence. */
	{ T("[bridge]\n[bridge:promisc]\n"), { { 2, "':' after 'bridge'" } } },
	{ T("[bridge]\nmtu=1500\nmtu=9000\n[Bridge]\nmtu=1400\n"),
	  { { 3, "bridge.mtu: set in line 2 already" },
	    { 4, "'Bridge' in upper case: write 'bridge'" } } },
	{ T("[a]\nk = 1\n[b]\n[a]\nk = 2\n"),
	  { { 4, "[a]: begun in line 1 already" },
	    { 5, "a.k: set in line 2 already" } } },
	{ T("[a]\nfilter = \"tcp port 80\" and udp\n"),
	  { { 2, "filter: text after the closing \"" } } },
	{ T("[a]\nk = \"x\"# c\n"), { { 2, "k: text after the closing \"" } } },
	{ T("[a]\nk = 'x' y # c\n"), { { 2, "k: text after the closing '" } } },
	{ T("[a]\nk = \"\" x\n"), { { 2, "k: text after the closing \"" } } },
	{ T("[a]\nk = x;y\n"), { { 2, "k: ; in the value: only in quotes" } } },
	{ T("[a]\nk = x#y\n"), { { 2, "k: # in the value: only in quotes" } } },
	{ T("[a]\nk =#y\n"), { { 2, "k: # in the value" } } },
	{ T("[a]\nk = \"x\n"), { { 2, "k: the closing \" is missing" } } },
	{ T("[a]\nk = '\n"), { { 2, "k: the closing ' is missing" } } },
	{ T("[a]\nk = \"x'\n"), { { 2, "k: the closing \" is missing" } } },
	{ T("[a]\nk = \"x\\\"y\"\n"), { { 2, "k: a backslash in quotes" } } },
	{ T("[a]\nk = 'x\\y'\n"), { { 2, "k: a backslash in quotes" } } },
	{ T("[a]\nk = x \"y\" z\n"), { { 2, "k: a quote in the value" } } },
	{ T("[a]\nk = it's\n"), { { 2, "k: a quote in the value" } } },
	{ T("[a]\nk = x\\\ny\n"),
	  { { 2, "a backslash at the end" }, { 3, "no '='" } } },
	{ T("[a]\n# c \\ \nk = 1\n"), { { 2, "a backslash at the end" } } },
	{ T("\\\n"), { { 1, "a backslash at the end" } } },
	/* Lines that are nothing. */
	{ T("k = 1\n[a]\nk = 1\n"), { { 1, "k: outside of a section" } } },
	{ T("[a]\nk\n"), { { 2, "no '='" } } },
	{ T("[a]\nk: v\n"), { { 2, "no '='" } } },
	{ T("[a]\n\n\n  junk"), { { 4, "no '='" } } },
	{ T("[a]\n= v\n"), { { 2, "a name of 0 bytes" } } },
	{ T("[a\nk = 1\n"), { { 1, "']' is missing" } } },
	{ T("[]\nk = 1\n"), { { 1, "a name of 0 bytes" } } },
	{ T("[a] # c\nk = 1\n"), { { 1, "text after ']'" } } },
	{ T("[a]]\nk = 1\n"), { { 1, "text after ']'" } } },
	/* Names. */
	{ T("[a]\nMtu = 1\n"), { { 2, "'Mtu' in upper case: write 'mtu'" } } },
	{ T("[Pair WAN]\n"),
	  { { 1, "'Pair WAN' in upper case: write 'pair wan" } } },
	{ T("[a]\nA b = 1\n"), { { 2, "' ' after 'A' in a name" } } },
	{ T("[a]\nk\303\274 = 1\n"),
	  { { 2, "byte 0xc3 after 'k' in a name" } } },
	{ T("[ a]\n"), { { 1, "' ' after '' in a name" } } },
	{ T("[a ]\n"), { { 1, "' ' after 'a' in a name" } } },
	{ T("[a  b]\n"), { { 1, "' ' after 'a ' in a name" } } },
	{ T("[a/b]\n"), { { 1, "'/' after 'a' in a name: allowed are a-z" } } },
	{ T("[" LETTERS_256 "]\n"),
	  { { 1, "a name of 256 bytes: 1 to 255" } } },
	{ T("[a]\n" LETTERS_256 " = 1\n"), { { 2, "a name of 256 bytes" } } },
	/* Bytes that are no text. */
	{ T("[a]\nk = x\0y\n"), { { 2, "control byte 0x00" } } },
	{ T("\0"), { { 1, "control byte 0x00" } } },
	{ T("[a]\n# \033[31m\n"), { { 2, "control byte 0x1b" } } },
	{ T("[a]\nk = \177\n"), { { 2, "control byte 0x7f" } } },
	{ T("[a]\nk = a\fb\n"), { { 2, "control byte 0x0c" } } },
	{ T("[a]\nk = 1\rj = 2\n"), { { 2, "CR in a line" } } },
	{ T("[a]\nk = 1\r"), { { 2, "CR in a line" } } },
	{ T("[a]\nk = 1\r\r\n"), { { 2, "CR in a line" } } },
	{ T("[a]\nk = \377\n"), { { 2, "k: byte 0xff: text in UTF-8" } } },
	{ T("[a]\nk = 'x\303'\n"), { { 2, "k: byte 0xc3: text in UTF-8" } } },
	{ T("[a]\nk = \300\257\n"), { { 2, "k: byte 0xc0" } } },
	{ T("[a]\nk = \302\233\n"), { { 2, "k: byte 0xc2" } } },
	{ T("[a]\nk = \340\237\277\n"), { { 2, "k: byte 0xe0" } } },
	{ T("[a]\nk = \355\240\200\n"), { { 2, "k: byte 0xed" } } },
	{ T("[a]\nk = \360\217\277\277\n"), { { 2, "k: byte 0xf0" } } },
	{ T("[a]\nk = \364\220\200\200\n"), { { 2, "k: byte 0xf4" } } },
	{ T("[a]\nk = \365\200\200\200\n"), { { 2, "k: byte 0xf5" } } },
	{ T("[a]\nk = \342\202\n"), { { 2, "k: byte 0xe2" } } },
	{ T("[a]\nk = \342\202"), { { 2, "k: byte 0xe2" } } },
	{ T("[a]\nk = \342x\254\n"), { { 2, "k: byte 0xe2" } } },
	{ T("[a]\n\357\273\277k = 1\n"), { { 2, "byte 0xef after ''" } } },
	{ T("\377\376[\0a\0]\0\n\0"),
	  { { 1, "control byte 0x00" }, { 2, "control byte 0x00" } } },
	/* All in one run, and nothing that follows only from a mistake. */
	{ T("[a]\nX = 1\ny = \"1\n\nz\n"), { { 2, "'X' in upper case" },
					  { 3, "y: the closing" },
					  { 5, "no '='" } } },
	{ T("[a]\nk = 1\n[B]\nk = 1\nk = 2;\n"),
	  { { 3, "'B' in upper case" },
	    { 5, "k: set in line 4 already" },
	    { 5, "k: ; in the value" } } },
	{ T("[a]\nk = 1\n[\001]\nk = 1\n[B]\nk = 1\n"),
	  { { 3, "control byte 0x01" }, { 5, "'B' in upper case" } } },
	{ T("[a]\nk = 1\nX = 1\n"), { { 3, ".ini:3: name 'X'" } } },
	{ T("k = ;x\n"), { { 1, "k: outside of a section" } } },
	{ T("k =;\n"), { { 1, "k: outside of a section" },
		      { 1, "k: ; in the value" } } },
};

static void test_refused(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		const struct refused *t = &refused[i];
		struct ini *ini = NULL;
		size_t n = 0;
		int r = text_read(f, t->text, t->len, &ini);
		bool fine = r == -EINVAL && !ini;

		for (; n < ARRAY_SIZE(t->mistake) && t->mistake[n].what; n++)
			fine &= log_has(f, f->path, t->mistake[n].line,
					t->mistake[n].what);
		if (!fine || test_log_lines(&f->log) != n)
			fail_msg("row %zu '%s': %d, logged:\n%s", i, t->text,
				 r, f->log.text);
	}
}

struct accepted {
	const char *text;
	struct ini_entry entry[3];
};

static const struct accepted accepted[] = {
	{ "", { { 0 } } },
	{ "\n\n", { { 0 } } },
	{ "\357\273\277", { { 0 } } },
	{ "# c\n; c\n  # c\n[a]", { { 0 } } },
	{ "[a]\nk=v", { { "a", "k", "v", 2 } } },
	{ "\357\273\277[a]\r\nk = v\r\n\r\n[b]\r\nk = w\r\n",
	  { { "a", "k", "v", 2 }, { "b", "k", "w", 5 } } },
	{ "\t[a]\n \tk\t=\tv \t\n", { { "a", "k", "v", 2 } } },
	{ "[pair wan-0.1_x]\nleft.drop-2_x = 1\n",
	  { { "pair wan-0.1_x", "left.drop-2_x", "1", 2 } } },
	{ "[a]\nk =\nl =  \nm = # c\n",
	  { { "a", "k", "", 2 }, { "a", "l", "", 3 }, { "a", "m", "", 4 } } },
	{ "[a]\nk = \"\"\nl = '' ; it's\nm = \"  \"\n",
	  { { "a", "k", "", 2 }, { "a", "l", "", 3 }, { "a", "m", "  ", 4 } } },
	{ "[a]\nk = tcp port 80 # it's \"web\"\nl = udp ; dns\n",
	  { { "a", "k", "tcp port 80", 2 }, { "a", "l", "udp", 3 } } },
	{ "[a]\nk = \" x;y#z = 'w' \" # c\nl = '\"'\t;c\n",
	  { { "a", "k", " x;y#z = 'w' ", 2 }, { "a", "l", "\"", 3 } } },
	{ "[a]\nk = ether proto \\arp\nl = x\\ # c\n",
	  { { "a", "k", "ether proto \\arp", 2 }, { "a", "l", "x\\", 3 } } },
	{ "[a]\nk = ether[0] & 1 = 0\nl==\nm = = [b]\n",
	  { { "a", "k", "ether[0] & 1 = 0", 2 },
	    { "a", "l", "=", 3 },
	    { "a", "m", "= [b]", 4 } } },
	/* What iniparser would turn into other numbers stays text. */
	{ "[a]\nk = 10k\nl = 99999999999\nm = 010\n",
	  { { "a", "k", "10k", 2 },
	    { "a", "l", "99999999999", 3 },
	    { "a", "m", "010", 4 } } },
	{ "[a]\nk = caf\303\251 \342\202\254 \360\237\230\200\n# caf\351\n",
	  { { "a", "k", "caf\303\251 \342\202\254 \360\237\230\200", 2 } } },
	{ "[a]\nk = v # caf\351 \377\n", { { "a", "k", "v", 2 } } },
	{ "[a]\nk = \364\217\277\277\302\240\n",
	  { { "a", "k", "\364\217\277\277\302\240", 2 } } },
};

static bool entries_equal(const struct ini *ini, const struct ini_entry *want,
			  size_t n_max)
{
	size_t n = 0;

	while (n < n_max && want[n].key)
		n++;
	if (ini->n_entries != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct ini_entry *e = &ini->entry[i];

		if (strcmp(e->section, want[i].section) ||
		    strcmp(e->key, want[i].key) ||
		    strcmp(e->value, want[i].value) || e->line != want[i].line)
			return false;
	}
	return true;
}

static void test_accepted(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
		const struct accepted *t = &accepted[i];
		struct ini *ini = NULL;
		int r = text_read(f, t->text, strlen(t->text), &ini);

		if (r || f->log.text[0] || !entries_equal(ini, t->entry, 3))
			fail_msg("row %zu '%s': %d, logged:\n%s", i, t->text,
				 r, f->log.text);
		assert_string_equal(ini->path, f->path);
		ini_free(ini);
	}
}

static const char valid[] =
	"# two pairs\n"
	"[pair wan]\n"
	"left = eth0\n"
	"right = eth1\n"
	"drop.dns = \"udp port 53\" # not; there\n"
	"\n"
	"[pair lan]\r\n"
	"left='eth2'\r\n"
	"spin =\n"
	"; caf\351\n"
	"drop.tab =\tether proto \\arp ; caf\303\251\n"
	"name = caf\303\251";

static void test_sections(void **state)
{
	struct fixture *f = *state;
	struct ini *ini = NULL;

	assert_int_equal(text_read(f, valid, sizeof(valid) - 1, &ini), 0);
	assert_int_equal(ini->n_sections, 2);
	assert_string_equal(ini->section[0].name, "pair wan");
	assert_int_equal(ini->section[0].line, 2);
	assert_string_equal(ini->section[1].name, "pair lan");
	assert_int_equal(ini->section[1].line, 7);
	assert_int_equal(ini->n_entries, 7);
	assert_ptr_equal(ini->entry[3].section, ini->section[1].name);
	assert_string_equal(ini->entry[5].value, "ether proto \\arp");
	ini_free(ini);
	ini_free(NULL);
}

/* A text of n bytes, filled with ch, between head and tail; to be freed. */
static char *filled(const char *head, char ch, size_t n, const char *tail)
{
	char *s = NULL;

	assert_true(asprintf(&s, "%s%*s%s", head, (int)n, "", tail) >= 0);
	memset(s + strlen(head), ch, n);
	return s;
}

static void test_line_limit(void **state)
{
	static const char *const ends[] = { "", "\n", "\r\n" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		char *fits = filled("[a]\nk=", 'x', 1020, ends[i]);
		char *over = filled("[a]\nk=", 'x', 1021, ends[i]);
		struct ini *ini = NULL;

		assert_int_equal(text_read(f, fits, strlen(fits), &ini), 0);
		assert_int_equal(strlen(ini->entry[0].value), 1020);
		ini_free(ini);
		assert_int_equal(text_read(f, over, strlen(over), &ini),
				 -EINVAL);
		assert_true(log_has(f, f->path, 2, "a line of 1023 bytes"));
		free(fits);
		free(over);
	}
}

/* The longest names that are allowed have to get through iniparser. */
static void test_name_limit(void **state)
{
	char *head = filled("[", 's', 255, "]\n");
	char *text = filled(head, 'k', 255, "=v\n");
	struct ini *ini = NULL;

	assert_int_equal(text_read(*state, text, strlen(text), &ini), 0);
	assert_int_equal(strlen(ini->entry[0].key), 255);
	assert_string_equal(ini->entry[0].value, "v");
	ini_free(ini);
	free(text);
	free(head);
}

static char *many_names(unsigned int n)
{
	char *text = malloc(n * 16 + 16), *p = text;

	assert_non_null(text);
	p += sprintf(p, "[a]\n");
	for (unsigned int i = 1; i < n; i++)
		p += sprintf(p, "k%u=%u\n", i, i);
	return text;
}

static void test_names_limit(void **state)
{
	struct fixture *f = *state;
	char *fits = many_names(4096), *over = many_names(5000);
	struct ini *ini = NULL;

	assert_int_equal(text_read(f, fits, strlen(fits), &ini), 0);
	assert_int_equal(ini->n_entries, 4095);
	assert_string_equal(ini->entry[4094].value, "4095");
	ini_free(ini);
	assert_int_equal(text_read(f, over, strlen(over), &ini), -EINVAL);
	assert_true(log_has(f, f->path, 4097, "too many keys and sections"));
	assert_int_equal(test_log_lines(&f->log), 1);
	free(fits);
	free(over);
}

static void test_file_limit(void **state)
{
	struct fixture *f = *state;
	char *text = filled("[a]\n", '#', MIB - 3, "");
	struct ini *ini = NULL;

	for (size_t i = 100; i < MIB; i += 100)
		text[i] = '\n';
	memcpy(text + 101, "k=v\n#", 5);
	assert_int_equal(strlen(text), MIB + 1);
	assert_int_equal(text_read(f, text, MIB, &ini), 0);
	assert_int_equal(ini->n_entries, 1);
	ini_free(ini);
	assert_int_equal(text_read(f, text, MIB + 1, &ini), -EFBIG);
	assert_true(log_has(f, f->path, 0, "too large"));
	assert_int_equal(ini_parse("x", NULL, 0, &ini), 0);
	ini_free(ini);
	free(text);
}

static void test_mistakes_are_counted(void **state)
{
	struct fixture *f = *state;
	char *text = filled("", 'x', 2 * MIB, "");
	struct ini *ini = NULL;

	for (size_t i = 1; i < 2 * MIB; i += 2)
		text[i] = '\n';
	assert_int_equal(text_read(f, text, 2 * 20, &ini), -EINVAL);
	assert_int_equal(test_log_lines(&f->log), 20);
	assert_true(log_has(f, f->path, 20, "no '='"));
	assert_int_equal(text_read(f, text, 2 * 27, &ini), -EINVAL);
	assert_int_equal(test_log_lines(&f->log), 21);
	assert_true(log_has(f, f->path, 0, "7 more mistakes\n"));
	assert_int_equal(text_read(f, text, MIB, &ini), -EINVAL);
	assert_int_equal(test_log_lines(&f->log), 21);
	assert_true(log_has(f, f->path, 0,
			    "980 more mistakes until here, the rest"));
	free(text);
}

static void test_unreadable(void **state)
{
	struct fixture *f = *state;
	struct ini *ini = NULL;
	uid_t uid = geteuid();

	assert_int_equal(read_logged(f, f->dir, &ini), -EISDIR);
	assert_true(log_has(f, f->dir, 0, strerror(EISDIR)));
	assert_int_equal(read_logged(f, f->path, &ini), -ENOENT);
	assert_true(log_has(f, f->path, 0, strerror(ENOENT)));
	assert_int_equal(test_log_lines(&f->log), 1);
	assert_int_equal(read_logged(f, "/dev/zero", &ini), -EFBIG);
	assert_true(log_has(f, "/dev/zero", 0, "too large"));
	file_write(f->path, valid, sizeof(valid) - 1);
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(chmod(f->path, 0), 0);
	/* Root reads everything, so be somebody else where that is allowed. */
	if (!uid && seteuid(65534))
		skip();
	assert_int_equal(read_logged(f, f->path, &ini), -EACCES);
	assert_int_equal(seteuid(uid), 0);
	assert_true(log_has(f, f->path, 0, strerror(EACCES)));
	assert_int_equal(test_log_lines(&f->log), 1);
}

/* As with /dev/stdin: a name for a pipe that is open already. */
static void test_pipe(void **state)
{
	struct ini *ini = NULL;
	char path[32];
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "[a]\nk=v\n", 8), 8);
	close(fd[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd[0]);
	assert_int_equal(read_logged(*state, path, &ini), 0);
	close(fd[0]);
	assert_string_equal(ini->path, path);
	assert_string_equal(ini->entry[0].value, "v");
	ini_free(ini);
}

static void test_disagreement(void **state)
{
	struct fixture *f = *state;
	struct ini *ini = NULL;

	lie.string = "w";
	assert_int_equal(text_read(f, "[a]\n\nk=v\n", 9, &ini), -EINVAL);
	assert_true(log_has(f, f->path, 3,
			    "a.k: iniparser reads 'w', not 'v'"));
	assert_int_equal(test_log_lines(&f->log), 1);
	lie.string = NULL;
	lie.n_sections = 2;
	assert_int_equal(text_read(f, "[a]\n", 4, &ini), -EINVAL);
	assert_true(log_has(f, f->path, 0, "iniparser reads 2 sections"));
	lie.n_sections = -1;
	assert_int_equal(text_read(f, "", 0, &ini), -EINVAL);
	assert_null(ini);
}

/* A file that only iniparser refuses; what it has to say is not printed. */
static void test_iniparser_refuses(void **state)
{
	struct fixture *f = *state;
	struct ini *ini = NULL;
	char path[128];

	snprintf(path, sizeof(path), "%s/other", f->dir);
	file_write(path, "junk\n", 5);
	lie.load_path = path;
	assert_int_equal(text_read(f, "[a]\n", 4, &ini), -EINVAL);
	unlink(path);
	assert_true(log_has(f, f->path, 0, "iniparser refuses it"));
	assert_int_equal(test_log_lines(&f->log), 1);
	assert_int_equal(text_read(f, "[a]\n", 4, &ini), -EINVAL);
	assert_int_equal(test_log_lines(&f->log), 1);
	assert_null(ini);
}

/* Before Linux 6.3 memfd_create() refuses MFD_NOEXEC_SEAL. */
static void test_older_kernel(void **state)
{
	struct ini *ini = NULL;

	lie.unknown_flags = 8;
	assert_int_equal(text_read(*state, "[a]\nk=v\n", 8, &ini), 0);
	assert_string_equal(ini->entry[0].value, "v");
	ini_free(ini);
}

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_no_fd_left(void **state)
{
	struct fixture *f = *state;
	size_t before = count_fds();

	for (unsigned int i = 0; i < 1000; i++) {
		struct ini *ini = NULL;

		/* One that is read, and one that is refused at its end. */
		if (!text_read(f, valid, sizeof(valid) - 1 - i % 2, &ini))
			ini_free(ini);
		assert_int_equal(!!f->log.text[0], i % 2);
	}
	assert_int_equal(count_fds(), before);
}

/* No descriptor for the file, and none for the copy that iniparser reads. */
static void test_no_fd_to_have(void **state)
{
	struct fixture *f = *state;
	struct rlimit limit, none;
	struct ini *ini = NULL;
	int read_r, parse_r;

	file_write(f->path, "[a]\n", 4);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ 0, limit.rlim_max };
	test_log_begin(&f->log);
	setrlimit(RLIMIT_NOFILE, &none);
	read_r = ini_read(f->path, &ini);
	parse_r = ini_parse("x", "[a]\n", 4, &ini);
	setrlimit(RLIMIT_NOFILE, &limit);
	test_log_end(&f->log);
	assert_int_equal(read_r, -EMFILE);
	assert_true(log_has(f, f->path, 0, strerror(EMFILE)));
	assert_int_equal(parse_r, -EMFILE);
	assert_true(log_has(f, "x", 0, "a copy for iniparser"));
	assert_int_equal(test_log_lines(&f->log), 2);
	assert_null(ini);
}

/* The copy cannot be written whole. */
static void test_no_room(void **state)
{
	struct fixture *f = *state;
	struct rlimit limit, tight;
	size_t before = count_fds();
	struct ini *ini = NULL;
	int r;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	tight = (struct rlimit){ 3, limit.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	test_log_begin(&f->log);
	setrlimit(RLIMIT_FSIZE, &tight);
	r = ini_parse("x", "[a]\n", 4, &ini);
	setrlimit(RLIMIT_FSIZE, &limit);
	test_log_end(&f->log);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(r, -EFBIG);
	assert_true(log_has(f, "x", 0, "a copy for iniparser"));
	assert_null(ini);
	assert_int_equal(count_fds(), before);
}

/* Any text is read or refused, and iniparser never disagrees. */
static void check_any(struct fixture *f, const char *text, size_t len,
		      unsigned int seed)
{
	struct ini *ini = NULL, *again = NULL;
	int r = text_read(f, text, len, &ini);
	/* Without a spare byte, for the sanitizer to see the end. */
	char *exact = malloc(len);

	if ((r && r != -EINVAL) || !r != !f->log.text[0] || !r != !!ini ||
	    strstr(f->log.text, ": iniparser re"))
		fail_msg("case %u: %d, logged:\n%s", seed, r, f->log.text);
	memcpy(exact, text, len);
	test_log_begin(&f->log);
	assert_int_equal(ini_parse(f->path, exact, len, &again), r);
	test_log_end(&f->log);
	free(exact);
	ini_free(again);
	ini_free(ini);
}

static void test_truncation(void **state)
{
	for (size_t len = 0; len <= sizeof(valid) - 1; len++)
		check_any(*state, valid, len, (unsigned int)len);
}

/* xorshift: the same bytes in every run. */
static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void test_random_files(void **state)
{
	static char text[4096];

	for (unsigned int i = 1; i <= 500; i++) {
		uint32_t seed = i * 2654435761u;
		size_t len = next_random(&seed) % sizeof(text);

		for (size_t k = 0; k < len; k++)
			text[k] = (char)next_random(&seed);
		check_any(*state, text, len, i);
	}
}

/* Overwrite, insert or take out one to four bytes, often one that matters. */
static size_t mutate(char *text, size_t len, uint32_t *seed)
{
	static const char bytes[] = "\0\n\r\t \"'#;=[]\\:.Aa0\377\303\251";

	for (unsigned int n = 1 + next_random(seed) % 4; n; n--) {
		size_t at = next_random(seed) % len;
		char ch = bytes[next_random(seed) % (sizeof(bytes) - 1)];

		switch (next_random(seed) % 3) {
		case 0:
			text[at] = ch;
			break;
		case 1:
			memmove(text + at + 1, text + at, len - at);
			text[at] = ch;
			len++;
			break;
		default:
			memmove(text + at, text + at + 1, len - at - 1);
			len--;
		}
	}
	return len;
}

static void test_mutations(void **state)
{
	char text[sizeof(valid) + 4];

	for (unsigned int i = 1; i <= 500; i++) {
		uint32_t seed = i * 2654435761u;

		memcpy(text, valid, sizeof(valid) - 1);
		check_any(*state, text, mutate(text, sizeof(valid) - 1, &seed),
			  i);
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_refused),
		TEST(test_accepted),
		TEST(test_sections),
		TEST(test_line_limit),
		TEST(test_name_limit),
		TEST(test_names_limit),
		TEST(test_file_limit),
		TEST(test_mistakes_are_counted),
		TEST(test_unreadable),
		TEST(test_pipe),
		TEST(test_disagreement),
		TEST(test_iniparser_refuses),
		TEST(test_older_kernel),
		TEST(test_no_fd_left),
		TEST(test_no_fd_to_have),
		TEST(test_no_room),
		TEST(test_truncation),
		TEST(test_random_files),
		TEST(test_mutations),
	};

	return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}
