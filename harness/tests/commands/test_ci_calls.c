/* test_ci_calls.c - every call of kerngate in configs/ci and docs/ci.md: its command,
 * options and values are given to the program itself, which must take all of them.
 */
#include <ctype.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "program.h"
#include "strbuf.h"
#include "test.h"

#define NAME "kerngate "
#define UNKNOWN "--no-such-option"

/* --- finding calls -------------------------------------------------------------------- */

/* Comments may use the name in sentences; in a page only indented lines are code. */
static bool is_code(const char *line, bool is_page)
{
	size_t indent = strspn(line, " \t");

	if (is_page && strncmp(line, "    ", 4) != 0)
		return false;
	line += indent;
	return *line != '#' && strncmp(line, "//", 2) != 0 && *line != ';';
}

/* The text without what is no code; continued lines are one. */
static char *code_of(const char *text, bool is_page)
{
	struct strbuf code = STRBUF_INIT;

	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		const char *next = line + length + (line[length] == '\n');
		size_t kept = length;

		if (is_code(line, is_page)) {
			while (kept && line[kept - 1] == '\\')
				kept--;
			strbuf_add(&code, line, kept);
			/* YAML folds what stands deeper. */
			if (kept == length && strncmp(next + strspn(next, " "), "--", 2) != 0)
				strbuf_addc(&code, '\n');
		}
		line = next;
	}
	return strbuf_detach(&code);
}

/* Bare, or in a folder of programs; else it is a folder of ours. */
static bool is_program(const char *code, const char *name)
{
	static const char *const folders[] = { "build/", "bin/" };

	for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
		size_t length = strlen(folders[i]);

		if (name >= code + length && strncmp(name - length, folders[i], length) == 0)
			return true;
	}
	return name == code || name[-1] != '/';
}

/* The next call's place behind NAME, or NULL; *ret_quote is what it stands in. */
static const char *next_call(const char *code, const char *at, char *ret_quote)
{
	while ((at = strstr(at, NAME)) != NULL) {
		const char *start = at;

		at += strlen(NAME);
		if (!islower((unsigned char)*at) || !is_program(code, start))
			continue;
		while (start > code && (start[-1] == '/' || isalnum((unsigned char)start[-1]) ||
					start[-1] == '%'))
			start--;
		*ret_quote = start > code && (start[-1] == '\'' || start[-1] == '"') ? start[-1] :
										       '\n';
		return at;
	}
	return NULL;
}

/* One word as a shell reads it, variables as "1"; NULL at the call's end. */
static char *next_word(const char **at, char quote)
{
	struct strbuf word = STRBUF_INIT;
	const char *c = *at + strspn(*at, " \t");
	char inside = '\0';

	if (!*c || *c == quote || strchr("\n|;&<>)`", *c))
		return NULL;
	for (; *c && *c != '\n' && *c != quote; c++) {
		if (inside ? *c == inside : (*c == '\'' || *c == '"')) {
			inside = inside ? '\0' : *c;
			continue;
		}
		if (!inside && strchr(" \t|;&<>)`", *c))
			break;
		if (*c == '$' && inside != '\'') {
			strbuf_addc(&word, '1');
			while (isalnum((unsigned char)c[1]) || c[1] == '_')
				c++;
			continue;
		}
		strbuf_addc(&word, *c);
	}
	*at = c;
	return strbuf_detach(&word);
}

/* --- the program's own opinion ----------------------------------------------------------- */

static void check_campaign(const struct strvec *words)
{
	cleanup_free char *path = NULL;

	if (words->count < 2 || (strcmp(words->items[0], "run") && strcmp(words->items[0],
									  "nightly")))
		return;
	path = string_format("%s/configs/campaigns/%s.yaml", test_root(), words->items[1]);
	if (!path_exists(path))
		test_check_string(words->items[1], "the name of a campaign that is there");
}

/* It reads options in order: if it stumbles over the last, it took all before. */
static void check_call(struct strvec *words)
{
	cleanup_program struct program_run run = { .out = NULL };
	cleanup_free char *expected = string_format("kerngate %s: unknown option " UNKNOWN,
						    words->items[0]);

	check_campaign(words);
	strvec_push(words, UNKNOWN);
	program_run_argv(&run, NULL, (const char *const *)words->items);
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, expected);
}

static size_t check_calls(const char *name, bool is_page)
{
	cleanup_free char *path = path_join(test_root(), name), *text = NULL, *code = NULL;
	const char *at;
	size_t count = 0;
	char quote;

	if (!test_check(!file_read(path, 1 << 20, &text, NULL)))
		return 0;
	code = code_of(text, is_page);
	for (at = code; (at = next_call(code, at, &quote)) != NULL; count++) {
		cleanup_strvec struct strvec words = STRVEC_INIT;
		char *word;

		while ((word = next_word(&at, quote)) != NULL) {
			strvec_push(&words, word);
			free(word);
		}
		if (test_check(words.count > 0))
			check_call(&words);
	}
	return count;
}

static void test_calls(void)
{
	/* How many there are, so that none is overlooked. */
	static const struct { const char *name; size_t count; } files[] = {
		{ "configs/ci/systemd/kerngate-nightly.service", 1 },
		{ "configs/ci/systemd/user/kerngate-nightly.service", 1 },
		{ "configs/ci/gitlab-ci.yml", 7 },
		{ "configs/ci/github-workflow.yml", 9 },
		{ "configs/ci/Jenkinsfile", 7 },
	};

	for (size_t i = 0; i < ARRAY_COUNT(files); i++)
		CU_ASSERT_EQUAL(check_calls(files[i].name, false), files[i].count);
	CU_ASSERT(check_calls("docs/ci.md", true) >= 2);
}

/* What the finder makes of one line, words joined by '|'. */
static char *words_of(const char *line)
{
	cleanup_free char *code = code_of(line, false);
	struct strbuf out = STRBUF_INIT;
	char quote, *word;
	const char *at = next_call(code, code, &quote);

	while (at && (word = next_word(&at, quote)) != NULL) {
		strbuf_addf(&out, "%s%s", out.length ? "|" : "", word);
		free(word);
	}
	return strbuf_detach(&out);
}

static void test_finder(void)
{
	static const char *const cases[][2] = {
		{ "- build/kerngate gate --json >x", "gate|--json" },
		{ "sh 'build/kerngate gate latest'", "gate|latest" },
		{ "ExecStart=/usr/local/bin/kerngate run a --hook 'b c'", "run|a|--hook|b c" },
		{ "x=$(build/kerngate show \"$run\") y", "show|1" },
		{ "kerngate run a \\\n  --blocks \"$N\" || z", "run|a|--blocks|1" },
		{ "kerngate run a\n  --blocks 3\n", "run|a|--blocks|3" },
		{ "# kerngate ends", "" },
		{ "Description=kerngate: one", "" },
		{ "%C/kerngate XDG=1", "" },
		{ "--home /var/lib/kerngate kerngate", "" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_free char *words = words_of(cases[i][0]);

		test_check_string(words, cases[i][1]);
	}
}

TEST_SUITE("ci calls",
	   {"the finder of calls", test_finder},
	   {"commands and options are the program's", test_calls})
