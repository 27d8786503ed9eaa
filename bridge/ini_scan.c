/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See ini_scan.h. A cursor goes over the text line by line. Nothing of a file
 * with a mistake is used, so what follows a mistake is kept and checked too.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ini_scan.h"
#include "log.h"

enum {
	/* iniparser reads by fgets() of 1024: this, the LF and a NUL. */
	LINE_BYTES_MAX = 1022,
	/* Both readers search all names for each name: time by the square. */
	NAMES_MAX = 4096,
	MISTAKES_SHOWN = 20,
	MISTAKES_MAX = 1000,
};

struct text {
	const char *p; /* NULL: refused, and logged */
	size_t n;
};

struct cursor {
	struct text rest;
	unsigned int line; /* the one that is being read, from 1 */
	struct text key; /* whose value is being read, for messages */
	char *section; /* of the keys; NULL at first, "" for a refused one */
	unsigned int mistakes;
	struct ini *ini;
};

#define SECTION_MARKS "_-. "
#define KEY_MARKS "_-."

/* Log a mistake at the cursor. Returns false, for the checks to return. */
static bool printf_like(2, 3) refuse(struct cursor *c, const char *fmt, ...)
{
	const char *section = c->key.n && c->section ? c->section : "";
	char what[768];
	va_list ap;

	if (++c->mistakes > MISTAKES_SHOWN)
		return false;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	log_err("%s:%u: %s%s%.*s%s%s", c->ini->path, c->line, section,
		*section ? "." : "", (int)c->key.n, c->key.p,
		c->key.n ? ": " : "", what);
	return false;
}

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t';
}

static bool begins_comment(struct text t)
{
	return t.n && (t.p[0] == '#' || t.p[0] == ';');
}

static struct text text_from(struct text t, size_t from)
{
	return (struct text){ t.p + from, t.n - from };
}

static struct text text_trim(struct text t)
{
	while (t.n && is_blank(t.p[0]))
		t = text_from(t, 1);
	while (t.n && is_blank(t.p[t.n - 1]))
		t.n--;
	return t;
}

static bool text_is(struct text t, const char *s)
{
	return strlen(s) == t.n && !memcmp(s, t.p, t.n);
}

/* The bytes of the UTF-8 character (RFC 3629) that t begins with; 0: none. */
static size_t utf8_bytes(struct text t)
{
	unsigned char lead = t.p[0], second = t.n > 1 ? t.p[1] : 0;
	size_t n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	if (n > t.n || (lead >= 0x80 && lead < 0xc2) || lead > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((t.p[i] & 0xc0) != 0x80)
			return 0;
	if ((lead == 0xc2 && second < 0xa0) || /* control characters */
	    (lead == 0xe0 && second < 0xa0) || /* could be shorter */
	    (lead == 0xed && second > 0x9f) || /* half of a surrogate pair */
	    (lead == 0xf0 && second < 0x90) || /* could be shorter */
	    (lead == 0xf4 && second > 0x8f)) /* above U+10FFFF */
		return 0;
	return n;
}

/* A blank stands alone and inside a name; where, i says. */
static bool name_char_fits(struct text name, size_t i, const char *marks)
{
	char ch = name.p[i];

	if (ch == ' ' && (!i || i == name.n - 1 || name.p[i - 1] == ' '))
		return false;
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
	       (ch >= '0' && ch <= '9') || strchr(marks, ch);
}

static bool name_check(struct cursor *c, struct text name, const char *marks)
{
	char lower[INI_NAME_BYTES_MAX + 1] = "", shown[16];
	bool changed = false;

	if (!name.n || name.n > INI_NAME_BYTES_MAX)
		return refuse(c, "a name of %zu bytes: 1 to %d", name.n,
			      INI_NAME_BYTES_MAX);
	for (size_t i = 0; i < name.n; i++) {
		unsigned char ch = name.p[i];

		if (!name_char_fits(name, i, marks)) {
			snprintf(shown, sizeof(shown),
				 ch < 0x80 ? "'%c'" : "byte 0x%02x", ch);
			return refuse(c, "%s after '%.*s' in a name: allowed "
				      "are a-z 0-9 _ - .%s", shown, (int)i,
				      name.p, strchr(marks, ' ') ?
				      " and single blanks inside" : "");
		}
		changed |= ch >= 'A' && ch <= 'Z';
		lower[i] = ch >= 'A' && ch <= 'Z' ? ch + ('a' - 'A') : ch;
	}
	return !changed || refuse(c, "name '%.*s' in upper case: write '%s'",
				  (int)name.n, name.p, lower);
}

static int section_add(struct cursor *c, struct text name)
{
	struct ini *ini = c->ini;
	struct ini_section *s = reallocarray(ini->section, ini->n_sections + 1,
					     sizeof(*s));

	if (!s)
		return -ENOMEM;
	ini->section = s;
	s += ini->n_sections;
	*s = (struct ini_section){ strndup(name.p, name.n), c->line };
	if (!s->name)
		return -ENOMEM;
	ini->n_sections++;
	c->section = s->name;
	return 0;
}

static int section_begin(struct cursor *c, struct text name)
{
	for (size_t i = 0; i < c->ini->n_sections; i++) {
		const struct ini_section *s = &c->ini->section[i];

		if (!text_is(name, s->name))
			continue;
		refuse(c, "[%s]: begun in line %u already: once is allowed",
		       s->name, s->line);
		c->section = s->name;
		return 0;
	}
	return section_add(c, name);
}

/* After a header that is refused the keys are still checked, on their own. */
static int section_refused(struct cursor *c)
{
	return section_add(c, (struct text){ "", 0 });
}

/* A line that begins with '['. iniparser takes no comment behind ']'. */
static int section_read(struct cursor *c, struct text line)
{
	const char *end = memchr(line.p, ']', line.n);
	struct text name = { line.p + 1, end ? end - line.p - 1 : 0 };

	if (!end)
		refuse(c, "']' is missing: [section]");
	else if (name.n + 2 < line.n)
		refuse(c, "text after ']': only in a line of its own");
	else if (name_check(c, name, SECTION_MARKS))
		return section_begin(c, name);
	return section_refused(c);
}

/* rest begins with a quote. iniparser cuts at the next, and needs none. */
static struct text value_quoted(struct cursor *c, struct text rest)
{
	const char *end = memchr(rest.p + 1, rest.p[0], rest.n - 1);
	struct text value, after;

	if (!end) {
		refuse(c, "the closing %c is missing: a value ends in its line",
		       rest.p[0]);
		return (struct text){ 0 };
	}
	value = (struct text){ rest.p + 1, end - rest.p - 1 };
	after = text_from(rest, value.n + 2);
	/* iniparser 4.1 keeps a backslash, 4.2 takes it for an escape. */
	if (memchr(value.p, '\\', value.n))
		refuse(c, "a backslash in quotes: only without quotes");
	else if (after.n && (!is_blank(after.p[0]) ||
			     !begins_comment(text_trim(after))))
		refuse(c, "text after the closing %c: a blank and a comment",
		       rest.p[0]);
	else
		return value;
	return (struct text){ 0 };
}

/* iniparser cuts at the first ; or #, wherever it stands. */
static struct text value_plain(struct cursor *c, struct text rest)
{
	struct text value = { rest.p, 0 };

	while (value.n < rest.n &&
	       !begins_comment(text_from(rest, value.n)))
		value.n++;
	/* Before the first byte of rest there is at least the '='. */
	if (value.n < rest.n && !is_blank(*(rest.p + value.n - 1)))
		refuse(c, "%c in the value: only in quotes; a comment follows "
		       "a blank", rest.p[value.n]);
	else if (memchr(value.p, '"', value.n) ||
		 memchr(value.p, '\'', value.n))
		refuse(c, "a quote in the value: only around all of it, or in "
		       "quotes of the other kind");
	else
		return text_trim(value);
	return (struct text){ 0 };
}

static bool utf8_check(struct cursor *c, struct text t)
{
	for (size_t n; t.n; t = text_from(t, n)) {
		n = utf8_bytes(t);
		if (!n)
			return refuse(c, "byte 0x%02x: text in UTF-8",
				      (unsigned char)t.p[0]);
	}
	return true;
}

/* May the key stand here? */
static void place_check(struct cursor *c)
{
	if (!c->section)
		refuse(c, "outside of a section: after [section]");
	for (size_t i = 0; i < c->ini->n_entries; i++) {
		const struct ini_entry *e = &c->ini->entry[i];

		if (!c->section || e->section != c->section ||
		    !text_is(c->key, e->key))
			continue;
		refuse(c, "set in line %u already: once is allowed", e->line);
		return;
	}
}

static int entry_add(struct cursor *c, struct text value)
{
	struct ini *ini = c->ini;
	struct ini_entry *e = reallocarray(ini->entry, ini->n_entries + 1,
					   sizeof(*e));

	if (!e)
		return -ENOMEM;
	ini->entry = e;
	e += ini->n_entries++;
	*e = (struct ini_entry){ c->section, strndup(c->key.p, c->key.n),
				 strndup(value.p, value.n), c->line };
	return e->key && e->value ? 0 : -ENOMEM;
}

static int key_read(struct cursor *c, struct text line)
{
	const char *equals = memchr(line.p, '=', line.n);
	struct text key, value, rest;

	if (!equals) {
		refuse(c, "no '=': [section], key = value or # comment");
		return 0;
	}
	key = text_trim((struct text){ line.p, equals - line.p });
	if (!name_check(c, key, KEY_MARKS))
		return 0;
	c->key = key;
	place_check(c);
	rest = text_trim(text_from(line, equals + 1 - line.p));
	if (rest.n && (rest.p[0] == '"' || rest.p[0] == '\''))
		value = value_quoted(c, rest);
	else
		value = value_plain(c, rest);
	if (!value.p || !utf8_check(c, value))
		return 0;
	return entry_add(c, value);
}

/* What holds for every line, comments too: iniparser's limits, and text. */
static bool line_check(struct cursor *c, struct text line)
{
	if (line.n > LINE_BYTES_MAX)
		return refuse(c, "a line of %zu bytes: at most %d (iniparser)",
			      line.n, LINE_BYTES_MAX);
	for (size_t i = 0; i < line.n; i++) {
		unsigned char ch = line.p[i];

		if (ch == '\r')
			return refuse(c, "CR in a line: LF or CR LF ends it");
		if ((ch < 0x20 && ch != '\t') || ch == 0x7f)
			return refuse(c, "control byte 0x%02x: text and tabs",
				      ch);
	}
	/* iniparser swallows the next line then, even after a comment. */
	line = text_trim(line);
	if (line.n && line.p[line.n - 1] == '\\')
		return refuse(c, "a backslash at the end: one line for each");
	return true;
}

static int line_read(struct cursor *c, struct text line)
{
	struct text trimmed = text_trim(line);
	bool header = trimmed.n && trimmed.p[0] == '[';

	if (!line_check(c, line))
		return header ? section_refused(c) : 0;
	if (!trimmed.n || begins_comment(trimmed))
		return 0;
	if (c->ini->n_entries + c->ini->n_sections >= NAMES_MAX) {
		refuse(c, "too many keys and sections: at most %d", NAMES_MAX);
		c->rest.n = 0;
		return 0;
	}
	return header ? section_read(c, trimmed) : key_read(c, trimmed);
}

/* Take the next line, without its end, and leave a copy with an LF at *out. */
static struct text line_next(struct cursor *c, char **out)
{
	const char *end = memchr(c->rest.p, '\n', c->rest.n);
	struct text line = c->rest;

	if (end)
		line.n = end - line.p;
	c->rest = text_from(c->rest, line.n + !!end);
	c->line++;
	c->key.n = 0;
	if (end && line.n && line.p[line.n - 1] == '\r')
		line.n--;
	*out = mempcpy(*out, line.p, line.n);
	*(*out)++ = '\n';
	return line;
}

int ini_scan(struct ini *ini, const char *text, size_t len, char *copy,
	     size_t *copy_bytes)
{
	struct cursor c = { .rest = { text, len }, .key = { "", 0 },
			    .ini = ini };
	char *out = copy;
	int r = 0;

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		c.rest = text_from(c.rest, 3);
	while (!r && c.rest.n && c.mistakes < MISTAKES_MAX)
		r = line_read(&c, line_next(&c, &out));
	*copy_bytes = out - copy;
	if (c.mistakes > MISTAKES_SHOWN)
		log_err("%s: %u more mistakes%s", ini->path,
			c.mistakes - MISTAKES_SHOWN,
			c.rest.n ? " until here, the rest was not read" : "");
	return r ? r : c.mistakes ? -EINVAL : 0;
}
