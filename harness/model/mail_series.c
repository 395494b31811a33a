/* mail_series.c - see mail_series.h. Tags are as git format-patch writes them and as
 * people change them (Documentation/process/submitting-patches.rst of Linux).
 */
#include "mail_series.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "memory.h"
#include "strbuf.h"

#define BLANKS " \t"
#define DIGITS "0123456789"
#define NUMBER_DIGITS_MAX 6
#define LISTED_MAX 10 /* of missing patches */

/* --- tags ------------------------------------------------------------------------------ */

/* Digits at *text > number, and *text behind them; false where there are none. */
static bool take_number(const char **text, uint32_t *ret_number)
{
	size_t length = strspn(*text, DIGITS);

	if (!length || length > NUMBER_DIGITS_MAX)
		return false;
	*ret_number = (uint32_t)strtoul(*text, NULL, 10);
	*text += length;
	return true;
}

/* "v3", "V3.1"; nothing may follow. */
static bool take_version(const char *word, struct mail_tag *tag)
{
	uint32_t version, revision = 0;

	if (tolower((unsigned char)*word) != 'v')
		return false;
	word++;
	if (!take_number(&word, &version) || !version)
		return false;
	if (*word == '.') {
		word++;
		if (!take_number(&word, &revision))
			return false;
	}
	if (*word)
		return false;
	tag->version = version;
	tag->revision = revision;
	return true;
}

/* "04/12" */
static bool take_place(const char *word, struct mail_tag *tag)
{
	uint32_t number, total;

	if (!take_number(&word, &number) || *word++ != '/' || !take_number(&word, &total) ||
	    *word || !total || total > MAIL_SERIES_MAX || number > total)
		return false;
	tag->number = number;
	tag->total = total;
	return true;
}

/* "PATCH", "RFC/PATCH", "PATCHv3", "PATCH-v3" */
static bool take_kind(const char *word, struct mail_tag *tag)
{
	bool found = false;

	for (;;) {
		if (!strncasecmp(word, "PATCH", 5))
			word += 5;
		else if (!strncasecmp(word, "RFC", 3))
			word += 3;
		else
			break;
		found = true;
		word += strspn(word, "-/_");
	}
	if (!found || (*word && !take_version(word, tag)))
		return false;
	return true;
}

static void take_word(const char *word, struct mail_tag *tag)
{
	if (take_kind(word, tag) || take_place(word, tag))
		tag->is_patch = true;
	else if (!strcasecmp(word, "RESEND"))
		tag->is_resend = true;
	else
		(void)take_version(word, tag);
}

void mail_tag_parse(const char *subject, struct mail_tag *ret_tag)
{
	const char *text = subject + strspn(subject, BLANKS);

	*ret_tag = (struct mail_tag){ .version = 1 };
	while (*text == '[') {
		const char *end = strchr(text, ']');
		cleanup_free char *inside = NULL;
		char *rest, *word;

		if (!end)
			break;
		inside = string_copy_n(text + 1, (size_t)(end - text - 1));
		for (rest = inside; (word = strsep(&rest, BLANKS ",")) != NULL;)
			take_word(word, ret_tag);
		text = end + 1 + strspn(end + 1, BLANKS);
	}
	ret_tag->title = text;
}

bool mail_is_answer(const char *subject)
{
	static const char *const words[] = { "re", "aw", "sv", "vs", "antw", "fw", "fwd" };
	const char *text = subject + strspn(subject, BLANKS);
	size_t length = strcspn(text, ":[ \t");
	const char *colon = text + length;

	/* "Re[2]:" */
	if (*colon == '[')
		colon += 1 + strspn(colon + 1, DIGITS), colon += *colon == ']';
	colon += strspn(colon, BLANKS);
	if (*colon != ':')
		return false;
	for (size_t i = 0; i < ARRAY_COUNT(words); i++)
		if (strlen(words[i]) == length && !strncasecmp(text, words[i], length))
			return true;
	return false;
}

/* --- sets: the mails of one version ------------------------------------------------------ */

struct set {
	struct mail_tag tag;     /* of its first mail */
	size_t *places;          /* [0] cover, [n] patch n; SIZE_MAX: not there; owned */
	size_t *loose; size_t loose_count; /* without numbers, in their order; owned */
	size_t conflict;         /* number of which there are two; 0: none */
	size_t first, second;    /* these */
	size_t last;             /* index of its newest mail */
};

struct sets {
	struct set *items; size_t count; /* owned */
};

static void sets_release(struct sets *sets)
{
	for (size_t i = 0; i < sets->count; i++) {
		free(sets->items[i].places);
		free(sets->items[i].loose);
	}
	free(sets->items);
}

static bool belongs(const struct set *set, const struct mail_tag *tag)
{
	return set->tag.version == tag->version && set->tag.revision == tag->revision &&
	       set->tag.total == tag->total && set->tag.is_resend == tag->is_resend;
}

static struct set *find_set(struct sets *sets, const struct mail_tag *tag)
{
	struct set *set;

	for (size_t i = 0; i < sets->count; i++)
		if (belongs(&sets->items[i], tag))
			return &sets->items[i];
	sets->items = memory_realloc_array(sets->items, sets->count + 1, sizeof(*sets->items));
	set = &sets->items[sets->count++];
	*set = (struct set){ .tag = *tag };
	set->places = memory_alloc_array(tag->total + 1, sizeof(*set->places));
	for (size_t i = 0; i <= tag->total; i++)
		set->places[i] = SIZE_MAX;
	return set;
}

static void add_loose(struct set *set, const struct series_mail *mails, size_t index)
{
	for (size_t i = 0; i < set->loose_count; i++)
		if (!strcmp(mails[set->loose[i]].diff, mails[index].diff))
			return;
	set->loose = memory_realloc_array(set->loose, set->loose_count + 1, sizeof(*set->loose));
	set->loose[set->loose_count++] = index;
}

/* The same mail by two ways is one. */
static void add_numbered(struct set *set, const struct series_mail *mails, size_t index,
			 uint32_t number)
{
	size_t *place = &set->places[number];

	if (*place == SIZE_MAX) {
		*place = index;
	} else if (number && strcmp(mails[*place].diff, mails[index].diff) != 0 &&
		   !set->conflict) {
		set->conflict = number;
		set->first = *place;
		set->second = index;
	}
}

static void sort_mail(struct sets *sets, const struct series_mail *mails, size_t index)
{
	bool has_diff = *mails[index].diff != '\0';
	struct mail_tag tag;
	struct set *set;

	mail_tag_parse(mails[index].subject, &tag);
	if (!tag.is_patch || (!has_diff && (tag.number || !tag.total)))
		return;
	set = find_set(sets, &tag);
	set->last = index;
	if (tag.total)
		add_numbered(set, mails, index, tag.number);
	else
		add_loose(set, mails, index);
}

static size_t count_missing(const struct set *set)
{
	size_t missing = 0;

	for (size_t i = 1; i <= set->tag.total; i++)
		missing += set->places[i] == SIZE_MAX;
	return missing;
}

/* Newer first; of one version what is sent again, what has numbers, what came last. */
static bool is_before(const struct set *a, const struct set *b)
{
	if (a->tag.version != b->tag.version)
		return a->tag.version > b->tag.version;
	if (a->tag.revision != b->tag.revision)
		return a->tag.revision > b->tag.revision;
	if (a->tag.is_resend != b->tag.is_resend)
		return a->tag.is_resend;
	if (!a->tag.total != !b->tag.total)
		return a->tag.total > 0;
	return a->last > b->last;
}

static const struct set *newest(const struct sets *sets, bool is_complete)
{
	const struct set *found = NULL;

	for (size_t i = 0; i < sets->count; i++) {
		const struct set *set = &sets->items[i];

		if ((!is_complete || !count_missing(set)) && (!found || is_before(set, found)))
			found = set;
	}
	return found;
}

/* --- words ------------------------------------------------------------------------------- */

/* "v3", "v3.1", "the resent v3" */
static void add_version(const struct set *set, struct strbuf *out)
{
	strbuf_addf(out, "%sv%u", set->tag.is_resend ? "the resent " : "", set->tag.version);
	if (set->tag.revision)
		strbuf_addf(out, ".%u", set->tag.revision);
}

/* "v3 lacks patches 4/7 and 6/7" */
static void add_missing(const struct set *set, struct strbuf *out)
{
	size_t missing = count_missing(set), said = 0;

	add_version(set, out);
	strbuf_addf(out, " lacks patch%s", missing > 1 ? "es" : "");
	for (size_t i = 1; i <= set->tag.total && said < LISTED_MAX; i++)
		if (set->places[i] == SIZE_MAX) {
			said++;
			strbuf_addf(out, "%s %zu/%u", said == 1 ? "" :
				    said == missing ? " and" : ",", i, set->tag.total);
		}
	if (missing > said)
		strbuf_addf(out, " and %zu more", missing - said);
}

/* What a reader of the mailbox would wonder about. */
static char *make_note(const struct sets *sets, const struct set *taken)
{
	cleanup_strbuf struct strbuf older = STRBUF_INIT, newer = STRBUF_INIT;
	struct strbuf note = STRBUF_INIT;

	for (size_t i = 0; i < sets->count; i++) {
		const struct set *set = &sets->items[i];

		if (set == taken)
			continue;
		if (!is_before(set, taken)) {
			strbuf_adds(&older, older.length ? ", " : "");
			add_version(set, &older);
		} else {
			strbuf_adds(&newer, newer.length ? "; " : "");
			add_missing(set, &newer);
		}
	}
	if (!older.length && !newer.length)
		return NULL;
	add_version(taken, &note);
	strbuf_addf(&note, " is taken%s%s%s%s", newer.length ? ": " : "", newer.data,
		    older.length ? "; also there: " : "", older.data);
	return strbuf_detach(&note);
}

/* --- choosing ------------------------------------------------------------------------------ */

void mail_series_release(struct mail_series *series)
{
	free(series->mails);
	free(series->note);
	*series = (struct mail_series){ .mails = NULL };
}

static void take_set(const struct sets *sets, const struct set *set, struct mail_series *ret)
{
	size_t count = set->tag.total ? set->tag.total : set->loose_count;

	*ret = (struct mail_series){
		.mails = memory_alloc_array(count, sizeof(*ret->mails)),
		.count = count,
		.cover = set->tag.total ? set->places[0] : SIZE_MAX,
		.version = set->tag.version, .revision = set->tag.revision,
		.is_numbered = set->tag.total > 0,
		.note = make_note(sets, set),
	};
	memcpy(ret->mails, set->tag.total ? set->places + 1 : set->loose,
	       count * sizeof(*ret->mails));
}

/* Patches whose subjects have no tag at all, as git format-patch -k writes them. */
static int take_untagged(const struct series_mail *mails, size_t count,
			 struct mail_series *ret, struct error *err)
{
	static const struct mail_tag none = { .version = 1 };
	cleanup_with(sets_release) struct sets sets = { .items = NULL };
	struct set *set = NULL;

	for (size_t i = 0; i < count; i++)
		if (*mails[i].diff && !mail_is_answer(mails[i].subject)) {
			set = find_set(&sets, &none);
			add_loose(set, mails, i);
		}
	if (!set)
		return error_set(err, -ENOENT, "no patch in it: expected mails such as "
				 "'[PATCH 1/2] mm: ...' with a diff (%zu mail%s there, answers "
				 "do not count)", count, count == 1 ? " is" : "s are");
	take_set(&sets, set, ret);
	return 0;
}

int mail_series_choose(const struct series_mail *mails, size_t count,
		       struct mail_series *ret_series, struct error *err)
{
	cleanup_with(sets_release) struct sets sets = { .items = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const struct set *set;

	for (size_t i = 0; i < count; i++)
		sort_mail(&sets, mails, i);
	if (!sets.count)
		return take_untagged(mails, count, ret_series, err);
	set = newest(&sets, true);
	if (!set) {
		add_missing(newest(&sets, false), &text);
		return error_set(err, -ENODATA, "%s", text.data);
	}
	if (set->conflict) {
		add_version(set, &text);
		return error_set(err, -EEXIST, "two different patches are %zu/%u of %s: '%.200s' "
				 "and '%.200s'", set->conflict, set->tag.total, text.data,
				 mails[set->first].subject, mails[set->second].subject);
	}
	if (!set->tag.total && set->loose_count > MAIL_SERIES_MAX)
		return error_set(err, -E2BIG, "%zu patches: expected at most %u", set->loose_count,
				 MAIL_SERIES_MAX);
	take_set(&sets, set, ret_series);
	return 0;
}
