/* report_format_ktap.c - KTAP version 1 (Documentation/dev-tools/ktap.rst): one test a
 * cell, with its cases as subtests.
 */
#include <string.h>

#include "memory.h"
#include "report_format_parts.h"

#define SUBTEST "  " /* a level's indent */

/* A description or a directive's data: one line without '#'. */
static char *plain(const char *text)
{
	char *line = format_text(text, false);

	for (char *c = line; *c; c++)
		*c = *c == '#' ? '_' : *c;
	return line;
}

/* Each line as a diagnostic one. Those of a console may hold anything: behind the '#'
 * nothing is read as a result. */
static void add_diagnostics(struct strbuf *out, const char *indent, const char *text)
{
	cleanup_free char *lines = format_text(text, true);
	const char *at = lines;

	while (*at) {
		size_t length = strcspn(at, "\n");

		strbuf_addf(out, "%s# %.*s\n", indent, (int)length, at);
		at += length + (at[length] == '\n');
	}
}

static void add_case(struct strbuf *out, const struct format_case *item,
		     const char *suite_name, size_t number)
{
	bool is_ok = item->status == CASE_PASS || item->status == CASE_UNSETTLED;
	const char *row = strlen(item->place) > strlen(suite_name) ?
			  item->place + strlen(suite_name) + 1 : "";
	cleanup_free char *full = string_format("%s%s%s", row, *row ? " " : "", item->name);
	cleanup_free char *name = plain(full);
	cleanup_free char *type = plain(item->type);

	add_diagnostics(out, SUBTEST, item->message);
	if (item->output)
		add_diagnostics(out, SUBTEST, item->output);
	strbuf_addf(out, SUBTEST "%s %zu %s", is_ok ? "ok" : "not ok", number, name);
	if (item->status == CASE_UNSETTLED)
		strbuf_addf(out, " # SKIP %s", type);
	else if (item->status == CASE_ERROR)
		strbuf_addf(out, " # ERROR %s", type);
	else if (item->timed_out)
		strbuf_adds(out, " # TIMEOUT");
	strbuf_addc(out, '\n');
}

static void add_suite(struct strbuf *out, const struct format_suite *suite, size_t number)
{
	size_t failed = format_suite_count(suite, CASE_FAIL);
	size_t errors = format_suite_count(suite, CASE_ERROR);
	cleanup_free char *name = plain(suite->name);

	strbuf_addf(out, SUBTEST "KTAP version 1\n" SUBTEST "1..%zu\n", suite->count);
	for (size_t i = 0; i < suite->count; i++)
		add_case(out, &suite->cases[i], suite->name, i + 1);
	strbuf_addf(out, "%s %zu %s\n", failed + errors ? "not ok" : "ok", number, name);
}

int format_write_ktap(const struct format_input *input, struct strbuf *out,
		      struct error *err)
{
	const struct stored_run *run = input->run;
	cleanup_free char *head = NULL;
	struct format_suite *suites;
	size_t count;
	int rc = format_suites_make(input, &suites, &count, err);

	if (rc)
		return rc;
	strbuf_addf(out, "KTAP version 1\n1..%zu\n", count);
	head = string_format("kerngate campaign %s, run %s, against %s", run->campaign, run->id,
			     run->variants[run->baseline].label);
	add_diagnostics(out, "", head);
	for (size_t i = 0; i < count; i++)
		add_suite(out, &suites[i], i + 1);
	format_suites_free(suites, count);
	return 0;
}
