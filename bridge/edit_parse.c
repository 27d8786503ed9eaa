/* SPDX-License-Identifier: BSD-2-Clause */
/* How people type what edit.c does; see edit.h. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "edit.h"

#define WORD_BYTES 64

/* Digits alone, up to `most`. */
static int take_number(const char *text, int most, int *value)
{
	int n = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (*text - '0');
		if (n > most)
			return -EINVAL;
	}
	*value = n;
	return 0;
}

/* The text up to a separator, and *text behind it; false: it is too long. */
static bool take_word(const char **text, char separator, char *word)
{
	const char stops[] = { separator, '\0' };
	size_t n = strcspn(*text, stops);

	if (n >= WORD_BYTES)
		return false;
	memcpy(word, *text, n);
	word[n] = '\0';
	*text += n;
	if (!**text)
		return true;
	(*text)++;
	return **text != '\0'; /* what separates has something behind it */
}

static int parse_mac(const char *word, uint8_t *mac)
{
	unsigned int byte[6];
	char end;

	if (sscanf(word, "%2x:%2x:%2x:%2x:%2x:%2x%c", byte, byte + 1, byte + 2,
		   byte + 3, byte + 4, byte + 5, &end) != 6 ||
	    strspn(word, "0123456789abcdefABCDEF:") != strlen(word))
		return -EINVAL;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)byte[i];
	return 0;
}

int edit_parse_macs(const char *text, struct edit_mac mac[EDIT_EGRESSES])
{
	char first[WORD_BYTES], second[WORD_BYTES];

	if (!take_word(&text, ',', first) || !take_word(&text, ',', second) ||
	    *text || parse_mac(first, mac[0].address) ||
	    parse_mac(*second ? second : first, mac[1].address))
		return -EINVAL;
	mac[0].given = mac[1].given = true;
	return 0;
}

static int parse_tpid(const char *value, int *tpid)
{
	static const struct {
		const char *name;
		int tpid;
	} known[] = {
		{ "802.1q", 0x8100 }, { "802.1Q", 0x8100 },
		{ "802.1ad", 0x88a8 }, { "0x8100", 0x8100 },
		{ "0x88a8", 0x88a8 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(value, known[i].name)) {
			*tpid = known[i].tpid;
			return 0;
		}
	return -EINVAL;
}

/* Each at most once. */
static int parse_vlan_word(const char *word, struct edit_vlan *v)
{
	if (!strncmp(word, "prio=", 5))
		return v->prio >= 0 ? -EINVAL :
				      take_number(word + 5, 7, &v->prio);
	if (!strncmp(word, "dei=", 4))
		return v->dei >= 0 ? -EINVAL :
				     take_number(word + 4, 1, &v->dei);
	if (!strncmp(word, "proto=", 6))
		return v->tpid >= 0 ? -EINVAL : parse_tpid(word + 6, &v->tpid);
	if (!strncmp(word, "vid=", 4))
		word += 4;
	return v->vid >= 0 ? -EINVAL : take_number(word, 4095, &v->vid);
}

int edit_parse_vlan(const char *text, struct edit_vlan *v)
{
	char word[WORD_BYTES];

	v->vid = v->prio = v->dei = v->tpid = -1;
	do {
		if (!take_word(&text, ',', word) || parse_vlan_word(word, v))
			return -EINVAL;
	} while (*text);
	return v->verb == EDIT_VLAN_PUSH && v->vid < 0 ? -EINVAL : 0;
}

static int parse_prefix(const char *word, uint8_t *address, uint8_t *version,
			uint8_t *bits)
{
	char text[WORD_BYTES];
	int n, most;

	if (!take_word(&word, '/', text))
		return -EINVAL;
	*version = strchr(text, ':') ? 6 : 4;
	n = most = *version == 6 ? 128 : 32;
	if (inet_pton(*version == 6 ? AF_INET6 : AF_INET, text, address) != 1 ||
	    (*word && take_number(word, most, &n)))
		return -EINVAL;
	*bits = (uint8_t)n;
	return 0;
}

int edit_parse_map(const char *text, struct edit_map *map)
{
	char from[WORD_BYTES], to[WORD_BYTES];
	uint8_t version;

	if (!take_word(&text, '=', from) || !take_word(&text, '=', to) ||
	    *text || parse_prefix(from, map->from, &map->version,
				  &map->from_bits) ||
	    parse_prefix(to, map->to, &version, &map->to_bits))
		return -EINVAL;
	return version == map->version ? 0 : -EINVAL;
}

int edit_parse_ttl(const char *text, struct edit_params *p)
{
	bool minus = *text == '-';

	p->ttl_relative = minus || *text == '+';
	if (take_number(text + p->ttl_relative, 255, &p->ttl) ||
	    (!p->ttl && !p->ttl_relative))
		return -EINVAL;
	if (minus)
		p->ttl = -p->ttl;
	p->has_ttl = true;
	return 0;
}

/* ---- for a bridge ---- */

static int add_vlan(struct edit_params *p, const struct edit_vlan *vlan)
{
	if (p->n_vlans == EDIT_VLANS_MAX)
		return -EINVAL;
	p->vlan[p->n_vlans++] = *vlan;
	return 0;
}

static int parse_verb(const char *text, enum edit_vlan_verb verb, void *params)
{
	struct edit_vlan vlan = { .verb = verb };

	return edit_parse_vlan(text, &vlan) ? -EINVAL : add_vlan(params, &vlan);
}

int edit_parse_vlan_pop(const char *text, void *params)
{
	const struct edit_vlan pop = { .verb = EDIT_VLAN_POP };
	int n, r = 0;

	if (take_number(text, 2, &n) || !n)
		return -EINVAL;
	while (!r && n--)
		r = add_vlan(params, &pop);
	return r;
}

int edit_parse_vlan_set(const char *text, void *params)
{
	return parse_verb(text, EDIT_VLAN_SET, params);
}

int edit_parse_vlan_push(const char *text, void *params)
{
	return parse_verb(text, EDIT_VLAN_PUSH, params);
}

static int parse_vid_pair(const char *word, struct edit_vlan_map *map)
{
	char from[WORD_BYTES];
	int a, b;

	if (!take_word(&word, '=', from) || take_number(from, 4095, &a) ||
	    take_number(word, 4095, &b))
		return -EINVAL;
	*map = (struct edit_vlan_map){ (uint16_t)a, (uint16_t)b };
	return 0;
}

int edit_parse_vlan_map(const char *text, void *params)
{
	const struct edit_vlan vlan = { .verb = EDIT_VLAN_MAP };
	struct edit_params *p = params;
	char word[WORD_BYTES];

	do {
		if (p->n_vlan_maps == EDIT_VLAN_MAPS_MAX ||
		    !take_word(&text, ' ', word) ||
		    parse_vid_pair(word, &p->vlan_map[p->n_vlan_maps]))
			return -EINVAL;
		for (size_t i = 0; i < p->n_vlan_maps; i++)
			if (p->vlan_map[i].from ==
			    p->vlan_map[p->n_vlan_maps].from)
				return -EINVAL;
		p->n_vlan_maps++;
	} while (*text);
	return add_vlan(p, &vlan);
}

static int parse_one_mac(const char *text, struct edit_mac mac[EDIT_EGRESSES])
{
	return strchr(text, ',') ? -EINVAL : edit_parse_macs(text, mac);
}

int edit_parse_src_mac(const char *text, void *params)
{
	return parse_one_mac(text, ((struct edit_params *)params)->src);
}

int edit_parse_dst_mac(const char *text, void *params)
{
	return parse_one_mac(text, ((struct edit_params *)params)->dst);
}
