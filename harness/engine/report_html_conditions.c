/* report_html_conditions.c - what the boots were measured under: each key of their
 * fingerprints once, with every value it had and where.
 */
#include <string.h>

#include "html_text.h"
#include "memory.h"
#include "report_html_parts.h"

#define VALUES_MAX 6   /* shown of a key */
#define VALUE_BYTES 1200

struct condition_value {
	char *text;            /* owned */
	uint32_t trials;
	uint64_t variants;     /* bit i: variant i, of the first 64 */
};

struct condition {
	char *key;             /* owned */
	struct condition_value values[VALUES_MAX];
	size_t count, more;    /* values; values beyond */
};

struct conditions {
	struct condition *items; /* owned */
	size_t count;
};

static void conditions_release(struct conditions *conditions)
{
	for (size_t i = 0; i < conditions->count; i++) {
		for (size_t k = 0; k < conditions->items[i].count; k++)
			free(conditions->items[i].values[k].text);
		free(conditions->items[i].key);
	}
	free(conditions->items);
}

static struct condition *find_condition(struct conditions *conditions, const char *key,
					size_t length)
{
	struct condition *item;

	for (size_t i = 0; i < conditions->count; i++)
		if (strlen(conditions->items[i].key) == length &&
		    !strncmp(conditions->items[i].key, key, length))
			return &conditions->items[i];
	conditions->items = memory_realloc_array(conditions->items, conditions->count + 1,
						 sizeof(*conditions->items));
	item = &conditions->items[conditions->count++];
	*item = (struct condition){ .key = string_copy_n(key, length) };
	return item;
}

static void add_value(struct condition *condition, const char *text, size_t length,
		      uint32_t variant)
{
	struct condition_value *value = NULL;

	for (size_t i = 0; i < condition->count && !value; i++)
		if (strlen(condition->values[i].text) == length &&
		    !strncmp(condition->values[i].text, text, length))
			value = &condition->values[i];
	if (!value && condition->count == VALUES_MAX) {
		condition->more++;
		return;
	}
	if (!value) {
		value = &condition->values[condition->count++];
		*value = (struct condition_value){ .text = string_copy_n(text, length) };
	}
	value->trials++;
	value->variants |= variant < 64 ? UINT64_C(1) << variant : 0;
}

/* Lines of "key=value". */
static void add_lines(struct conditions *conditions, const struct stored_trial *trial)
{
	for (const char *line = trial->fingerprint; line && *line;) {
		size_t length = strcspn(line, "\n"), key = strcspn(line, "=\n");

		if (key < length)
			add_value(find_condition(conditions, line, key), line + key + 1,
				  length - key - 1, trial->variant);
		line += length + (line[length] == '\n');
	}
}

static void add_where(const struct stored_run *run, const struct condition_value *value,
		      struct strbuf *out)
{
	bool is_first = true;

	strbuf_adds(out, "<small>");
	for (uint32_t i = 0; i < run->variants_count && i < 64; i++) {
		if (!(value->variants >> i & 1))
			continue;
		strbuf_adds(out, is_first ? "" : ", ");
		html_text_part(out, run->variants[i].label, 200);
		is_first = false;
	}
	strbuf_addf(out, ": %u boot%s</small>", value->trials, value->trials == 1 ? "" : "s");
}

static void add_condition(const struct stored_run *run, const struct condition *condition,
			  struct strbuf *out)
{
	strbuf_adds(out, "<tr><th scope=\"row\">");
	html_text_part(out, condition->key, 200);
	strbuf_adds(out, "</th><td>");
	for (size_t i = 0; i < condition->count; i++) {
		strbuf_adds(out, i ? "<br>" : "");
		html_text_part(out, condition->values[i].text, VALUE_BYTES);
		if (condition->count > 1)
			add_where(run, &condition->values[i], out);
	}
	if (condition->more)
		strbuf_addf(out, "<br>and other values in %zu boots", condition->more);
	strbuf_adds(out, "</td></tr>\n");
}

static void add_differences(const struct comparison *c, struct strbuf *out)
{
	if (!c->differences.count)
		return;
	strbuf_adds(out, "<div id=\"differences\"><p><strong>Boots were measured under different "
		    "conditions</strong>, so they are not compared:</p>\n<ul>\n");
	for (size_t i = 0; i < c->differences.count; i++) {
		strbuf_adds(out, "<li>");
		html_text(out, c->differences.items[i]);
		strbuf_adds(out, "</li>\n");
	}
	strbuf_adds(out, "</ul></div>\n");
}

void report_add_conditions(const struct report_page *page, struct strbuf *out)
{
	cleanup_with(conditions_release) struct conditions conditions = { .items = NULL };
	const struct stored_run *run = page->run;

	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].state == TRIAL_FINISHED && !run->trials[i].superseded)
			add_lines(&conditions, &run->trials[i]);
	strbuf_adds(out, "<section id=\"conditions\" aria-labelledby=\"h-conditions\">\n"
		    "<h2 id=\"h-conditions\">Conditions</h2>\n");
	add_differences(page->comparison, out);
	if (!conditions.count) {
		strbuf_adds(out, "<p>No boot has finished, so none has a fingerprint.</p>\n"
			    "</section>\n");
		return;
	}
	strbuf_adds(out, "<p class=\"note\">The fingerprint of the boots. One value: all of them had "
		    "it. Only what begins with \342\200\234variant.\342\200\235 may differ between "
		    "the sides.</p>\n<table class=\"plain\"><thead><tr><th scope=\"col\">key</th>"
		    "<th scope=\"col\">value</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < conditions.count; i++)
		add_condition(run, &conditions.items[i], out);
	strbuf_adds(out, "</tbody></table>\n</section>\n");
}
