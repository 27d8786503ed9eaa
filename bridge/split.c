/* SPDX-License-Identifier: BSD-2-Clause */
/* See split.h. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "log.h"
#include "split.h"
#include "talk.h"

#define LEFT 0
#define RIGHT 1
#define UNKNOWN 2
#define BUCKETS 16384 /* a power of two */
#define WAYS 4        /* conversations a bucket; the oldest gives way */
#define WORD_BYTES 64

/* Both ends, the lower one first, so that both directions are one. No padding:
 * keys are compared and hashed as bytes. */
struct key {
	struct end low, high;
	uint8_t kind;
	uint8_t protocol; /* of layer 4; 0: whatever these two say */
};

struct conversation {
	struct key key;
	bool used;
	uint8_t low_side; /* of the lower end, or of the station */
};

struct split {
	struct split_params params;
	struct conversation (*table)[WAYS]; /* the newest first */
};

/* ---- conversations ---- */

/* Whether the frame is from the higher end. */
static bool key_make(struct key *key, const struct talk *t)
{
	bool is_high = memcmp(&t->from, &t->to, sizeof(t->from)) > 0;

	*key = (struct key){
		.low = is_high ? t->to : t->from,
		.high = is_high ? t->from : t->to,
		.kind = t->kind,
		.protocol = t->protocol,
	};
	return is_high;
}

static struct conversation *bucket_of(struct split *s, const struct key *key)
{
	const uint8_t *p = (const uint8_t *)key;
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < sizeof(*key); i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return s->table[(h >> 32 ^ h) & (BUCKETS - 1)];
}

/* NULL: not known; else it is now at the front of its bucket, good until the
 * next call of these two. */
static struct conversation *find(struct split *s, const struct key *key)
{
	struct conversation *bucket = bucket_of(s, key), found;

	for (size_t i = 0; i < WAYS && bucket[i].used; i++) {
		if (memcmp(&bucket[i].key, key, sizeof(*key)))
			continue;
		found = bucket[i];
		memmove(bucket + 1, bucket, i * sizeof(*bucket));
		bucket[0] = found;
		return bucket;
	}
	return NULL;
}

/* The side of one end, or UNKNOWN. */
static uint8_t recall(struct split *s, const struct key *key, bool is_high)
{
	const struct conversation *c = find(s, key);

	return c ? c->low_side ^ is_high : UNKNOWN;
}

static void note(struct split *s, const struct key *key, bool is_high,
		 uint8_t side)
{
	struct conversation *c = find(s, key);

	if (!c) {
		c = bucket_of(s, key);
		memmove(c + 1, c, (WAYS - 1) * sizeof(*c));
	}
	*c = (struct conversation){ *key, true, side ^ is_high };
}

static struct key station_key(const uint8_t *mac)
{
	struct key key = { .kind = KIND_STATION };

	memcpy(key.low.address, mac, 6);
	return key;
}

/* ---- the ways to decide ---- */

/* By the first frame of a conversation: the side of who sent it. */
static uint8_t first_side(struct split *s, const struct talk *t,
			  const struct key *pair, bool is_high,
			  const struct key *station)
{
	uint8_t side = UNKNOWN;

	if (t->kind == KIND_NEIGHBOURS || t->alone)
		side = recall(s, station, false);
	else if (t->is_error)
		side = recall(s, pair, is_high);
	if (side == UNKNOWN)
		side = t->from_server ? RIGHT : LEFT;
	return side;
}

static uint8_t by_client(struct split *s, const struct split_input *in)
{
	const struct key station = station_key(in->data + 6);
	struct key key, pair;
	struct talk talk;
	uint8_t known = UNKNOWN, side;
	bool is_high;

	talk_of(&talk, in->data, in->len);
	is_high = key_make(&key, &talk);
	pair = key;
	pair.low.port = pair.high.port = 0;
	pair.protocol = 0;
	if (!talk.alone)
		known = recall(s, &key, is_high);
	side = known != UNKNOWN ? known :
				  first_side(s, &talk, &pair, is_high, &station);
	if (!talk.alone && known == UNKNOWN)
		note(s, &key, is_high, side);
	if (!talk.alone && (known == UNKNOWN || talk.fragment))
		note(s, &pair, is_high, side);
	note(s, &station, false, side);
	return side;
}

static bool net_has(const struct split_net *net, const uint8_t *address)
{
	uint32_t bytes = net->bits / 8, rest = net->bits % 8;

	return !memcmp(net->address, address, bytes) &&
	       (!rest || (net->address[bytes] ^ address[bytes]) >>
				 (8 - rest) == 0);
}

/* It may be on either side: no address, or link-local (RFC 3927, 4291). */
static bool is_placeless(uint8_t version, const uint8_t *a)
{
	if (version == 4)
		return talk_is_zero(a, 4) || (a[0] == 169 && a[1] == 254);
	return talk_is_zero(a, 16) || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}

static uint8_t by_net(struct split *s, const struct split_input *in)
{
	const struct key station = station_key(in->data + 6);
	uint8_t version, side = RIGHT;
	const uint8_t *address;
	struct dissect d;

	dissect(in->data, in->len, &d);
	address = in->data + d.network;
	version = d.version;
	if (version) {
		address += version == 4 ? 12 : 8;
	} else if (talk_is_arp(in->data, in->len, &d)) {
		address += 14;
		version = 4;
	}
	if (!version || is_placeless(version, address))
		side = recall(s, &station, false) == RIGHT ? RIGHT : LEFT;
	for (size_t i = 0; version && i < s->params.n; i++)
		if (s->params.net[i].version == version &&
		    net_has(&s->params.net[i], address))
			side = LEFT;
	note(s, &station, false, side);
	return side;
}

static uint8_t by_mac(const struct split *s, const struct split_input *in)
{
	for (size_t i = 0; i < s->params.n; i++)
		if (!memcmp(s->params.mac[i], in->data + 6, 6))
			return LEFT;
	return RIGHT;
}

static enum split_mode choose(const struct split_input *in)
{
	if (in->n_interfaces > 1)
		return SPLIT_INTERFACE;
	return in->direction == DIRECTION_UNKNOWN ? SPLIT_CLIENT :
						    SPLIT_DIRECTION;
}

uint8_t split_side(struct split *s, const struct split_input *in)
{
	if (s->params.mode == SPLIT_AUTO)
		s->params.mode = choose(in);
	switch (s->params.mode) {
	case SPLIT_INTERFACE:
		return in->interface ? RIGHT : LEFT;
	case SPLIT_DIRECTION:
		return in->direction == DIRECTION_OUT ? RIGHT : LEFT;
	case SPLIT_MAC:
		return by_mac(s, in);
	case SPLIT_NET:
		return by_net(s, in);
	case SPLIT_CLIENT:
	case SPLIT_AUTO:
		break;
	}
	return by_client(s, in);
}

/* ---- the object, and its words ---- */

int split_new(struct split **sp, const struct split_params *p)
{
	struct split *s = calloc(1, sizeof(*s));

	if (s)
		s->table = calloc(BUCKETS, sizeof(*s->table));
	if (!s || !s->table) {
		free(s);
		log_err("split: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	s->params = *p;
	*sp = s;
	return 0;
}

void split_free(struct split *s)
{
	if (s)
		free(s->table);
	free(s);
}

enum split_mode split_mode_of(const struct split *s)
{
	return s->params.mode;
}

static const char *const mode_name[] = {
	[SPLIT_AUTO] = "auto",           [SPLIT_INTERFACE] = "interface",
	[SPLIT_DIRECTION] = "direction", [SPLIT_MAC] = "mac",
	[SPLIT_NET] = "net",             [SPLIT_CLIENT] = "client",
};

const char *split_mode_name(enum split_mode mode)
{
	return mode_name[mode];
}

static int parse_mac(const char *word, uint8_t *mac)
{
	int end = 0;

	if (sscanf(word, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", mac, mac + 1,
		   mac + 2, mac + 3, mac + 4, mac + 5, &end) != 6 ||
	    strspn(word, "0123456789abcdefABCDEF:") != strlen(word))
		return -EINVAL;
	return word[end] ? -EINVAL : 0;
}

static int parse_net(char *word, struct split_net *net)
{
	bool v6 = strchr(word, ':');
	unsigned int most = v6 ? 128 : 32, bits = most;
	char *slash = strchr(word, '/');
	int end = 0;

	if (slash)
		*slash++ = '\0';
	if (inet_pton(v6 ? AF_INET6 : AF_INET, word, net->address) != 1)
		return -EINVAL;
	if (slash && (*slash < '0' || *slash > '9' ||
		      sscanf(slash, "%3u%n", &bits, &end) != 1 || slash[end] ||
		      bits > most))
		return -EINVAL;
	net->version = v6 ? 6 : 4;
	net->bits = (uint8_t)bits;
	return 0;
}

static int parse_list(struct split_params *p, const char *list)
{
	char word[WORD_BYTES];

	for (p->n = 0; p->n < SPLIT_LIST_MAX; p->n++) {
		size_t n = strcspn(list, ",");

		if (n >= sizeof(word))
			return -EINVAL;
		snprintf(word, sizeof(word), "%.*s", (int)n, list);
		if (p->mode == SPLIT_MAC ? parse_mac(word, p->mac[p->n]) :
					   parse_net(word, &p->net[p->n]))
			return -EINVAL;
		list += n;
		if (!*list++) {
			p->n++;
			return 0;
		}
	}
	return -EINVAL;
}

int split_parse(struct split_params *p, const char *text)
{
	size_t n = strcspn(text, "=");
	struct split_params read = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(mode_name); i++) {
		bool has_list = i == SPLIT_MAC || i == SPLIT_NET;

		if (strlen(mode_name[i]) != n || memcmp(mode_name[i], text, n))
			continue;
		read.mode = (enum split_mode)i;
		if (has_list != (text[n] == '=') ||
		    (has_list && parse_list(&read, text + n + 1)))
			return -EINVAL;
		*p = read;
		return 0;
	}
	return -EINVAL;
}
