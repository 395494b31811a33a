/* comparison_fingerprint.c - were two trials measured under the same
 * conditions? Keys that begin with "variant." are what is being compared, and an
 * exact guest does not depend on its host ("host."); all others must be equal
 * within a cell.
 */
#include <string.h>

#include "comparison.h"
#include "memory.h"

struct fingerprint_line {
	const char *key;       /* borrowed, not terminated */
	size_t key_length;
	const char *value;
	size_t value_length;
};

/* Takes the line at *text and moves on; false at the end. */
static bool next_line(const char **text, struct fingerprint_line *ret)
{
	const char *line = *text;
	size_t length = strcspn(line, "\n");
	const char *equals = memchr(line, '=', length);

	if (*line == '\0')
		return false;
	*ret = (struct fingerprint_line){
		.key = line,
		.key_length = equals ? (size_t)(equals - line) : length,
		.value = equals ? equals + 1 : line + length,
	};
	ret->value_length = length - (size_t)(ret->value - line);
	*text = line + length + (line[length] == '\n');
	return true;
}

static bool same_key(const struct fingerprint_line *a, const struct fingerprint_line *b)
{
	return a->key_length == b->key_length &&
	       memcmp(a->key, b->key, a->key_length) == 0;
}

static bool find_line(const char *text, const struct fingerprint_line *wanted,
		      struct fingerprint_line *ret)
{
	while (next_line(&text, ret))
		if (same_key(ret, wanted))
			return true;
	return false;
}

static bool has_prefix(const struct fingerprint_line *line, const char *prefix)
{
	return line->key_length >= strlen(prefix) &&
	       memcmp(line->key, prefix, strlen(prefix)) == 0;
}

static bool may_differ(const struct fingerprint_line *line, enum run_mode mode)
{
	return has_prefix(line, "variant.") ||
	       (mode == MODE_EXACT && has_prefix(line, "host."));
}

static char *value_text(bool found, const struct fingerprint_line *line)
{
	cleanup_free char *value = NULL;

	if (!found)
		return string_copy("nothing");
	value = string_copy_n(line->value, line->value_length);
	return string_format("\"%s\"", value);
}

struct fingerprint_pair {
	const struct stored_run *run;
	uint32_t cell;
	const struct stored_trial *a, *b;
};

/* Each key is told once a cell: the first two boots that show it suffice. */
static void add_difference(const struct fingerprint_pair *pair,
			   const struct fingerprint_line *key,
			   const char *a_text, const char *b_text,
			   struct strvec *differences)
{
	const struct stored_cell *cell = &pair->run->cells[pair->cell];
	cleanup_free char *name = string_copy_n(key->key, key->key_length);
	cleanup_free char *lead =
		string_format("%s/%s: %s is ", cell->guest, cell->suite, name);

	for (size_t i = 0; i < differences->count; i++)
		if (strncmp(differences->items[i], lead, strlen(lead)) == 0)
			return;
	strvec_pushf(differences, "%s%s in trial %u (%s), %s in trial %u (%s)", lead,
		     a_text, pair->a->order + 1,
		     pair->run->variants[pair->a->variant].label, b_text,
		     pair->b->order + 1, pair->run->variants[pair->b->variant].label);
}

/* Keys of a's text whose value is another in b's, or missing there. */
static bool compare_texts(const struct fingerprint_pair *pair, const char *a_text,
			  const char *b_text, bool only_missing,
			  struct strvec *differences)
{
	struct fingerprint_line a, b;
	bool differ = false;

	while (next_line(&a_text, &a)) {
		bool found = find_line(b_text, &a, &b);
		cleanup_free char *a_value = NULL;
		cleanup_free char *b_value = NULL;

		if (may_differ(&a, pair->run->mode) || (found && only_missing))
			continue;
		if (found && a.value_length == b.value_length &&
		    memcmp(a.value, b.value, a.value_length) == 0)
			continue;
		a_value = value_text(true, &a);
		b_value = value_text(found, &b);
		differ = true;
		if (only_missing)
			add_difference(pair, &a, b_value, a_value, differences);
		else
			add_difference(pair, &a, a_value, b_value, differences);
	}
	return differ;
}

bool comparison_fingerprints_differ(const struct stored_run *run, uint32_t cell,
				    struct strvec *differences)
{
	struct fingerprint_pair pair = { .run = run, .cell = cell };
	bool differ = false;

	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		if (trial->cell != cell || trial->superseded ||
		    trial->state != TRIAL_FINISHED || !trial->fingerprint)
			continue;
		if (!pair.a) {
			pair.a = trial;
			continue;
		}
		pair.b = trial;
		differ |= compare_texts(&pair, pair.a->fingerprint,
					trial->fingerprint, false, differences);
		differ |= compare_texts(&pair, trial->fingerprint,
					pair.a->fingerprint, true, differences);
	}
	return differ;
}
