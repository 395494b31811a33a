/* ktap.c - see ktap.h. */
#include "ktap.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 8
#define INDENT 4
#define LINE_MAX_BYTES 1024
#define NUMBER_MAX 1000000u

/* A level of tests: what one "KTAP version 1" began. */
struct level {
	bool has_plan, has_total;
	uint32_t planned, total, seen, failed;
	char name[64];                 /* of "# Subtest:"; or "" */
};

struct parser {
	struct level levels[DEPTH_MAX];
	uint32_t depth;                /* levels that are open */
	bool has_children;             /* a level was closed, its parent not said yet */
	uint32_t children_failed;      /* in that level */
	uint32_t line_number;
	struct ktap_totals totals;
	char remarks[sizeof(((struct ktap_totals *)0)->failed_message)];
	char *message;                 /* borrowed */
	size_t message_size;
};

struct result {
	bool is_ok, is_skipped;
	uint32_t number;
	char name[64];
};

__attribute__((format(printf, 2, 3))) static int bad(struct parser *parser,
						     const char *format, ...)
{
	va_list arguments;
	int length;

	length = snprintf(parser->message, parser->message_size, "KTAP line %u: ",
			  parser->line_number);
	if (length < 0 || (size_t)length >= parser->message_size)
		return -EINVAL;
	va_start(arguments, format);
	vsnprintf(parser->message + length, parser->message_size - (size_t)length,
		  format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* Digits only, to NUMBER_MAX; where they end. NULL: no such number. */
static const char *number_parse(const char *text, uint32_t *ret_number)
{
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)*text))
		return NULL;
	number = strtoul(text, &end, 10);
	if (number > NUMBER_MAX)
		return NULL;
	*ret_number = (uint32_t)number;
	return end;
}

/* Keeps what a test says before its result, as much as fits, on one line. */
static void remark_add(struct parser *parser, const char *text)
{
	size_t used = strlen(parser->remarks);

	text += strspn(text, " \t");
	if (*text)
		snprintf(parser->remarks + used, sizeof(parser->remarks) - used,
			 "%s%s", used ? " " : "", text);
}

static int level_open(struct parser *parser, uint32_t indent)
{
	if (indent != parser->depth)
		return bad(parser, "a version line at depth %u, expected %u", indent,
			   parser->depth);
	if (parser->depth == DEPTH_MAX)
		return bad(parser, "tests nested deeper than %d", DEPTH_MAX);
	if (parser->has_children)
		return bad(parser, "subtests begin twice for one test");
	memset(&parser->levels[parser->depth], 0, sizeof(parser->levels[0]));
	parser->depth++;
	parser->remarks[0] = '\0';
	return 0;
}

/* The innermost level is over: its parent's result comes next. */
static int level_close(struct parser *parser)
{
	const struct level *level = &parser->levels[parser->depth - 1];

	if (parser->has_children)
		return bad(parser, "subtests of %s without its result",
			   *level->name ? level->name : "a test");
	/* KUnit plans no cases of parameters; it counts them, if there are several. */
	if (!level->has_plan && !level->has_total && (level->seen != 1 || !*level->name))
		return bad(parser, "%s has no plan", *level->name ? level->name : "the whole");
	if ((level->has_plan && level->seen != level->planned) ||
	    (level->has_total && level->seen != level->total))
		return bad(parser, "%u of %u results of %s", level->seen,
			   level->has_plan && level->seen != level->planned ? level->planned :
									     level->total,
			   *level->name ? level->name : "the whole");
	parser->depth--;
	parser->has_children = true;
	parser->children_failed = level->failed;
	return 0;
}

static int plan_take(struct parser *parser, uint32_t indent, const char *text)
{
	struct level *level;
	const char *end;
	uint32_t planned;

	if (indent + 1 != parser->depth)
		return bad(parser, "a plan at depth %u, expected %u", indent,
			   parser->depth ? parser->depth - 1 : 0);
	level = &parser->levels[indent];
	end = number_parse(text, &planned);
	if (!end || *end)
		return bad(parser, "expected the number of tests, found \"%s\"", text);
	if (level->has_plan || level->seen)
		return bad(parser, "a plan where there is one, or results, already");
	level->has_plan = true;
	level->planned = planned;
	return 0;
}

/* "7 name # SKIP why", behind "ok " or "not ok ". */
static int result_parse(struct parser *parser, const char *text,
			struct result *result)
{
	const char *at = number_parse(text, &result->number), *directive;
	size_t length;

	if (!at || *at != ' ')
		return bad(parser, "expected a result's number, found \"%s\"", text);
	at += strspn(at, " ");
	if (!strncmp(at, "- ", 2))
		at += 2;
	directive = strstr(at, "# ");
	length = directive ? (size_t)(directive - at) : strlen(at);
	while (length && at[length - 1] == ' ')
		length--;
	if (!length)
		return bad(parser, "a result without a name");
	snprintf(result->name, sizeof(result->name), "%.*s", (int)length, at);
	result->is_skipped = directive && !strncasecmp(directive, "# SKIP", 6);
	if (result->is_skipped && !result->is_ok)
		return bad(parser, "%s is \"not ok\" and skipped", result->name);
	return 0;
}

static void failed_note(struct parser *parser, uint32_t depth, const char *name)
{
	struct ktap_totals *totals = &parser->totals;
	size_t used = 0;
	uint32_t i;

	totals->failed++;
	if (*totals->failed_name)
		return;
	for (i = 1; i <= depth; i++)
		if (*parser->levels[i].name && used < sizeof(totals->failed_name))
			used += (size_t)snprintf(totals->failed_name + used,
						 sizeof(totals->failed_name) - used,
						 "%s.", parser->levels[i].name);
	if (used < sizeof(totals->failed_name))
		snprintf(totals->failed_name + used,
			 sizeof(totals->failed_name) - used, "%s", name);
	snprintf(totals->failed_message, sizeof(totals->failed_message), "%s",
		 parser->remarks);
}

static int result_take(struct parser *parser, uint32_t indent, const char *text,
		       bool is_ok)
{
	struct result result = { .is_ok = is_ok };
	struct level *level;
	int error = result_parse(parser, text, &result);

	if (!error && indent + 2 == parser->depth)
		error = level_close(parser);
	if (error)
		return error;
	if (indent + 1 != parser->depth)
		return bad(parser, "a result at depth %u, expected %u", indent,
			   parser->depth ? parser->depth - 1 : 0);
	level = &parser->levels[indent];
	if (result.number != level->seen + 1)
		return bad(parser, "result %u, expected %u", result.number,
			   level->seen + 1);
	if (parser->has_children && parser->children_failed && result.is_ok)
		return bad(parser, "%s is \"ok\", but %u of its subtests failed",
			   result.name, parser->children_failed);
	level->seen++;
	if (!result.is_ok) {
		level->failed++;
		if (!parser->has_children || !parser->children_failed)
			failed_note(parser, indent, result.name);
	} else if (!parser->has_children) {
		if (result.is_skipped)
			parser->totals.skipped++;
		else
			parser->totals.passed++;
	}
	parser->has_children = false;
	parser->remarks[0] = '\0';
	return 0;
}

/* "# NAME: pass:2 fail:0 skip:1 total:3" of the level that ends here. */
static void total_take(struct parser *parser, const char *text)
{
	struct level *level = &parser->levels[parser->depth - 1];
	size_t length = strlen(level->name);
	const char *total;
	uint32_t number;

	if (!length || strncmp(text + 2, level->name, length) != 0 ||
	    strncmp(text + 2 + length, ": pass:", 7) != 0)
		return;
	total = strstr(text, " total:");
	if (!total || !number_parse(total + 7, &number))
		return;
	level->has_total = true;
	level->total = number;
}

static int line_take(struct parser *parser, const char *line)
{
	size_t blanks = strspn(line, " ");
	uint32_t indent = (uint32_t)(blanks / INDENT);
	const char *text = line + blanks;

	/* A message's own lines may be indented as they like: they are none of the
	 * words below. */
	if (!strcmp(text, "KTAP version 1") && blanks % INDENT == 0)
		return level_open(parser, indent);
	if (!strncmp(text, "KTAP version ", 13))
		return bad(parser, "expected version 1, found \"%s\"", text);
	if (!parser->depth)
		return bad(parser, "expected \"KTAP version 1\", found \"%s\"", text);
	if (!strncmp(text, "Bail out!", 9))
		return bad(parser, "%s", text);
	if (!strncmp(text, "1..", 3) && blanks % INDENT == 0)
		return plan_take(parser, indent, text + 3);
	if (!strncmp(text, "ok ", 3) && blanks % INDENT == 0)
		return result_take(parser, indent, text + 3, true);
	if (!strncmp(text, "not ok ", 7) && blanks % INDENT == 0)
		return result_take(parser, indent, text + 7, false);
	if (!strncmp(text, "# Subtest: ", 11) && indent + 1 == parser->depth)
		snprintf(parser->levels[indent].name,
			 sizeof(parser->levels[indent].name), "%s", text + 11);
	else if (!strncmp(text, "# ", 2) && strstr(text, ": pass:"))
		total_take(parser, text);
	else
		remark_add(parser, text);
	return 0;
}

int ktap_parse(const char *text, struct ktap_totals *ret_totals, char *message,
	       size_t message_size)
{
	struct parser parser = { .message = message, .message_size = message_size };
	char line[LINE_MAX_BYTES];
	int error = 0;

	while (*text && !error) {
		size_t length = strcspn(text, "\n");

		parser.line_number++;
		snprintf(line, sizeof(line), "%.*s", (int)length, text);
		if (line[strspn(line, " \t\r")])
			error = line_take(&parser, line);
		text += length + (text[length] == '\n');
	}
	if (error)
		return error;
	if (parser.depth > 1)
		return bad(&parser, "the end inside %s",
			   *parser.levels[parser.depth - 1].name ?
			   parser.levels[parser.depth - 1].name : "subtests");
	if (!parser.depth)
		return bad(&parser, "no KTAP at all");
	error = level_close(&parser);
	if (!error)
		*ret_totals = parser.totals;
	return error;
}
