/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration from a file: [bumpwire], [metrics] and [events] for the
 * program, [pair NAME] for each wire. The file's form is ini.c's, the keys' meaning is conf.c's.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "conf.h"
#include "ini.h"

#define PAIR "pair "

/* Which section it is, or -EINVAL; for a pair, *pairp. */
static int read_section(struct conf *conf, const struct ini *ini,
			const struct ini_section *section,
			struct conf_pair **pairp)
{
	*pairp = NULL;
	for (int i = 0; i < CONF_PAIR; i++)
		if (!strcmp(section->name, conf_section_name[i]))
			return i;
	if (!strncmp(section->name, PAIR, strlen(PAIR))) {
		*pairp = conf_add_pair(conf, section->name + strlen(PAIR));
		if (*pairp && asprintf(&(*pairp)->where, "%s:%u", ini->path,
				       section->line) < 0)
			(*pairp)->where = NULL;
		return *pairp ? CONF_PAIR : -ENOMEM;
	}
	log_err("%s:%u: no such section: [%s]: allowed are [bumpwire], "
		"[metrics], [events] and [" PAIR "NAME]",
		ini->path, section->line, section->name);
	conf->n_mistakes++;
	return -EINVAL;
}

static void read_entries(struct conf *conf, const struct ini *ini,
			 const struct ini_section *section,
			 enum conf_section which, struct conf_pair *pair)
{
	char where[1200];

	for (size_t i = 0; i < ini->n_entries; i++) {
		const struct ini_entry *entry = &ini->entry[i];

		if (strcmp(entry->section, section->name))
			continue;
		snprintf(where, sizeof(where), "%s:%u: %s.%s", ini->path,
			 entry->line, entry->section, entry->key);
		conf_set_in(conf, which, pair, where, entry->key,
			    entry->value);
	}
}

int conf_read(struct conf *conf, const char *path)
{
	struct conf_pair *pair;
	struct ini *ini = NULL;
	int r = ini_read(path, &ini);

	if (r) {
		conf->n_mistakes++;
		return r;
	}
	for (size_t i = 0; i < ini->n_sections; i++) {
		int which = read_section(conf, ini, &ini->section[i], &pair);

		if (which >= 0)
			read_entries(conf, ini, &ini->section[i],
				     (enum conf_section)which, pair);
	}
	ini_free(ini);
	free(conf->path);
	conf->path = realpath(path, NULL);
	return conf->n_mistakes ? -EINVAL : 0;
}
