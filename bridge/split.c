/* SPDX-License-Identifier: BSD-2-Clause */
/* See split.h. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "dissect.h"
#include "frame.h"
#include "log.h"
#include "split.h"

#define LEFT 0
#define RIGHT 1
#define BUCKETS 16384 /* a power of two */
#define WAYS 4        /* conversations a bucket; the oldest gives way */
#define WORD_BYTES 64

/* One end of a conversation; of what has no IP, its MAC address. */
struct end {
	uint8_t address[16];
	uint16_t port;
};

/* Both ends, the lower one first, so that both directions are one. */
struct key {
	struct end low, high;
	uint8_t protocol; /* of layer 4; 0: whatever */
	uint8_t version;
};

struct conversation {
	struct key key;
	bool used;
	bool low_is_client;
};

struct split {
	struct split_params params;
	struct conversation (*table)[WAYS]; /* the newest first */
};

/* ---- what is in a frame ---- */

/* A frame's two ends and who, as far as one frame tells, is the client. */
struct talk {
	struct end from, to;
	uint8_t protocol, version;
	bool from_server; /* so it looks, where nothing is known */
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void talk_ports(struct talk *t, const uint8_t *l4, uint32_t left)
{
	if (left < 4)
		return;
	t->from.port = be16(l4);
	t->to.port = be16(l4 + 2);
	t->from_server = t->from.port < 1024 && t->to.port >= 1024;
	if (t->protocol == IPPROTO_TCP && left >= 14) {
		bool syn = l4[13] & 0x02, ack = l4[13] & 0x10;

		if (syn)
			t->from_server = ack;
	}
}

/* Echo: request 8 and reply 0, of ICMPv6 128 and 129; told apart by the id. */
static void talk_echo(struct talk *t, const uint8_t *l4, uint32_t left)
{
	bool v6 = t->protocol == IPPROTO_ICMPV6;

	if (left < 8 || (l4[0] != (v6 ? 128 : 8) && l4[0] != (v6 ? 129 : 0)))
		return;
	t->from.port = t->to.port = be16(l4 + 4);
	t->from_server = l4[0] == (v6 ? 129 : 0);
}

static void talk_ip(struct talk *t, const uint8_t *data,
		    const struct dissect *d)
{
	const uint8_t *ip = data + d->network;
	uint32_t bytes = d->version == 4 ? 4 : 16;
	uint32_t at = d->version == 4 ? 12 : 8;

	t->version = d->version;
	t->protocol = d->protocol;
	memset(&t->from, 0, sizeof(t->from));
	memset(&t->to, 0, sizeof(t->to));
	memcpy(t->from.address, ip + at, bytes);
	memcpy(t->to.address, ip + at + bytes, bytes);
	/* Later fragments have no ports, so none of them counts any. */
	if (!d->transport || d->fragment) {
		t->protocol = 0;
		return;
	}
	if (d->protocol == IPPROTO_TCP || d->protocol == IPPROTO_UDP)
		talk_ports(t, data + d->transport, d->end - d->transport);
	else
		talk_echo(t, data + d->transport, d->end - d->transport);
}

/* Whether it is ARP for IPv4 over Ethernet (RFC 826). */
static bool is_arp(const uint8_t *data, uint32_t len, const struct dissect *d)
{
	return d->type == 0x0806 && d->network + 28 <= len &&
	       data[d->network + 4] == 6 && data[d->network + 5] == 4;
}

static void talk_of(struct talk *t, const uint8_t *data, uint32_t len)
{
	struct dissect d;

	dissect(data, len, &d);
	memset(t, 0, sizeof(*t));
	memcpy(t->from.address, data + 6, 6);
	memcpy(t->to.address, data, 6);
	if (d.version)
		talk_ip(t, data, &d);
	else if (is_arp(data, len, &d))
		t->from_server = be16(data + d.network + 6) == 2;
}

/* ---- conversations ---- */

static bool key_make(struct key *key, const struct talk *t)
{
	bool from_is_low = memcmp(&t->from, &t->to, sizeof(t->from)) <= 0;

	memset(key, 0, sizeof(*key));
	key->low = from_is_low ? t->from : t->to;
	key->high = from_is_low ? t->to : t->from;
	key->protocol = t->protocol;
	key->version = t->version;
	return from_is_low;
}

static uint32_t key_hash(const struct key *key)
{
	const uint8_t *p = (const uint8_t *)key;
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < sizeof(*key); i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)(h >> 32 ^ h) & (BUCKETS - 1);
}

/* Find it, or begin it with a verdict; it comes to the front of its bucket. */
static const struct conversation *remember(struct split *s,
					   const struct key *key,
					   bool low_is_client)
{
	struct conversation *bucket = s->table[key_hash(key)];
	struct conversation found = { *key, true, low_is_client };
	size_t i;

	for (i = 0; i < WAYS - 1; i++)
		if (!bucket[i].used || !memcmp(&bucket[i].key, key, sizeof(*key)))
			break;
	if (bucket[i].used && !memcmp(&bucket[i].key, key, sizeof(*key)))
		found = bucket[i];
	memmove(bucket + 1, bucket, i * sizeof(*bucket));
	bucket[0] = found;
	return &bucket[0];
}

/* The side on which a MAC address was seen last; a conversation with nobody. */
static struct key mac_key(const uint8_t *mac)
{
	struct key key;

	memset(&key, 0, sizeof(key));
	memcpy(key.low.address, mac, 6);
	key.version = 1;
	return key;
}

static uint8_t side_of_mac(struct split *s, const uint8_t *mac)
{
	struct key key = mac_key(mac);

	return remember(s, &key, true)->low_is_client ? LEFT : RIGHT;
}

static void note_mac(struct split *s, const uint8_t *mac, uint8_t side)
{
	struct key key = mac_key(mac);

	remember(s, &key, true);
	s->table[key_hash(&key)][0].low_is_client = side == LEFT;
}

/* ---- the ways to decide ---- */

static uint8_t by_client(struct split *s, const struct split_input *in)
{
	struct talk talk;
	struct key key;
	bool from_is_low;
	uint8_t side;

	if (in->data[0] & 1) /* to a group: there is no other end */
		return side_of_mac(s, in->data + 6);
	talk_of(&talk, in->data, in->len);
	from_is_low = key_make(&key, &talk);
	side = remember(s, &key, from_is_low != talk.from_server)
				       ->low_is_client == from_is_low ?
		       LEFT : RIGHT;
	note_mac(s, in->data + 6, side);
	return side;
}

static bool net_has(const struct split_net *net, const uint8_t *address)
{
	uint32_t bytes = net->bits / 8, rest = net->bits % 8;

	return !memcmp(net->address, address, bytes) &&
	       (!rest || (net->address[bytes] ^ address[bytes]) >>
				 (8 - rest) == 0);
}

static uint8_t by_net(struct split *s, const struct split_input *in)
{
	const uint8_t *address;
	struct dissect d;
	uint8_t version, side = RIGHT;

	dissect(in->data, in->len, &d);
	address = in->data + d.network;
	version = d.version;
	if (version) {
		address += version == 4 ? 12 : 8;
	} else if (is_arp(in->data, in->len, &d)) {
		address += 14;
		version = 4;
	} else {
		return side_of_mac(s, in->data + 6);
	}
	for (size_t i = 0; i < s->params.n; i++)
		if (s->params.net[i].version == version &&
		    net_has(&s->params.net[i], address))
			side = LEFT;
	note_mac(s, in->data + 6, side);
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

static int parse_net(const char *word, struct split_net *net)
{
	char address[WORD_BYTES];
	const char *slash = strchr(word, '/');
	unsigned int bits, most;
	int end = 0;

	snprintf(address, sizeof(address), "%.*s",
		 (int)(slash ? slash - word : (ptrdiff_t)strlen(word)), word);
	net->version = strchr(address, ':') ? 6 : 4;
	most = net->version == 6 ? 128 : 32;
	if (inet_pton(net->version == 6 ? AF_INET6 : AF_INET, address,
		      net->address) != 1)
		return -EINVAL;
	bits = most;
	if (slash && (slash[1] < '0' || slash[1] > '9' ||
		      sscanf(slash + 1, "%3u%n", &bits, &end) != 1 ||
		      slash[1 + end] || bits > most))
		return -EINVAL;
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

	for (size_t i = 0; i < ARRAY_SIZE(mode_name); i++) {
		if (strlen(mode_name[i]) != n || memcmp(mode_name[i], text, n))
			continue;
		p->mode = (enum split_mode)i;
		if (i == SPLIT_MAC || i == SPLIT_NET)
			return text[n] ? parse_list(p, text + n + 1) : -EINVAL;
		return text[n] ? -EINVAL : 0;
	}
	return -EINVAL;
}
