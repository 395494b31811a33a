/* replay_difference.c - where two trials part: their ports and the regions of
 * their counts, line by line, up to the first that differs. Reads streams, since
 * a file of counts may be large.
 */
#include "replay_private.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "strbuf.h"

#define EXCERPT_BYTES 72u        /* of a line that is shown */
#define EXCERPT_BEFORE 24u       /* bytes of it before the difference */

enum tolerance {
	NONE,
	MAY_BE_MISSING,          /* on both sides */
	MAY_END_EARLY,           /* the second side, anywhere */
};

struct lines {
	FILE *file;              /* owned; NULL: there is none */
	const char *prefix;      /* lines that begin otherwise are passed over */
	bool skips_places;       /* so are those that name a domain or a path */
	char *text;              /* owned; the current line, without its newline */
	size_t length, capacity;
	bool has_newline, is_over;
	uint64_t number;         /* from 1 */
};

static void lines_release(struct lines *lines)
{
	if (lines->file)
		fclose(lines->file);
	free(lines->text);
}

static int lines_open(struct lines *lines, const char *folder, const char *name,
		      const char *prefix)
{
	cleanup_free char *path = path_join(folder, name);

	lines->prefix = prefix;
	lines->file = fopen(path, "re");
	return lines->file ? 0 : -errno;
}

/* In a domain's XML: what differs between any two guests of one kind. */
static bool names_place(const struct lines *lines)
{
	static const char *const places[] = { "<name>", "<uuid>", "path=", "<kernel>", "<initrd>",
					      "='/", "=/" };

	for (size_t i = 0; i < ARRAY_COUNT(places); i++)
		if (memmem(lines->text, lines->length, places[i], strlen(places[i])))
			return true;
	return false;
}

static bool is_wanted(const struct lines *lines)
{
	size_t length = strlen(lines->prefix);

	if (lines->skips_places && names_place(lines))
		return false;
	return lines->length >= length && memcmp(lines->text, lines->prefix, length) == 0;
}

static int next_line(struct lines *lines)
{
	do {
		ssize_t length;

		errno = 0;
		length = getline(&lines->text, &lines->capacity, lines->file);
		if (length < 0) {
			lines->is_over = true;
			lines->length = 0;
			return ferror(lines->file) ? -(errno ? errno : EIO) : 0;
		}
		lines->number++;
		lines->length = (size_t)length;
		lines->has_newline = lines->text[length - 1] == '\n';
		lines->length -= lines->has_newline;
	} while (!is_wanted(lines));
	return 0;
}

static bool are_equal(const struct lines *a, const struct lines *b)
{
	return a->is_over == b->is_over &&
	       (a->is_over || (a->length == b->length && a->has_newline == b->has_newline &&
			       memcmp(a->text, b->text, a->length) == 0));
}

/* Whether b was cut off in or before this line of a, and is the same so far. */
static bool ends_here(const struct lines *a, const struct lines *b)
{
	return b->is_over || (!b->has_newline && b->length <= a->length &&
			      memcmp(a->text, b->text, b->length) == 0);
}

/* --- in words -------------------------------------------------------------------- */

static size_t common_length(const struct lines *a, const struct lines *b)
{
	size_t at = 0;

	while (at < a->length && at < b->length && a->text[at] == b->text[at])
		at++;
	return at;
}

/* The part of a line from byte `from` on, on one line and printable. */
static void add_excerpt(struct strbuf *text, const struct lines *lines, size_t from)
{
	size_t end = lines->length;

	if (lines->is_over) {
		strbuf_adds(text, "its end");
		return;
	}
	if (end > from + EXCERPT_BYTES)
		end = from + EXCERPT_BYTES;
	strbuf_adds(text, from ? "\"..." : "\"");
	for (size_t i = from; i < end; i++) {
		unsigned char c = (unsigned char)lines->text[i];

		if (c >= ' ' && c < 127)
			strbuf_addc(text, (char)c);
		else
			strbuf_addf(text, "\\x%02x", c);
	}
	strbuf_adds(text, end < lines->length ? "...\"" : "\"");
}

static char *describe(const char *name, const struct lines *a, const struct lines *b)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	size_t common = common_length(a, b), from = 0;
	bool only_newline = !a->is_over && !b->is_over && common == a->length &&
			    common == b->length;

	if (common > EXCERPT_BYTES - EXCERPT_BEFORE)
		from = common - EXCERPT_BEFORE;
	strbuf_addf(&text, "%s, line %" PRIu64 ": ", name, a->is_over ? b->number : a->number);
	add_excerpt(&text, a, from);
	strbuf_adds(&text, only_newline && !a->has_newline ? " cut off and " : " and ");
	add_excerpt(&text, b, from);
	strbuf_adds(&text, only_newline && !b->has_newline ? " cut off" : "");
	return strbuf_detach(&text);
}

/* --- files ------------------------------------------------------------------------ */

static char *compare_lines(const char *name, struct lines *a, struct lines *b,
			   enum tolerance tolerance, int *ret_code)
{
	int code = 0;

	while (code == 0) {
		code = next_line(a);
		if (code == 0)
			code = next_line(b);
		if (code == 0 && tolerance == MAY_END_EARLY && ends_here(a, b))
			return NULL;
		if (code == 0 && !are_equal(a, b))
			return describe(name, a, b);
		if (a->is_over && b->is_over)
			break;
	}
	*ret_code = code;
	return NULL;
}

static char *compare_file(const char *folder_a, const char *folder_b, const char *name,
			  const char *prefix, enum tolerance tolerance, int *ret_code)
{
	cleanup_with(lines_release) struct lines a = { .file = NULL }, b = { .file = NULL };
	bool is_optional = tolerance == MAY_BE_MISSING;
	int code_a = lines_open(&a, folder_a, name, prefix);
	int code_b = lines_open(&b, folder_b, name, prefix);

	if (is_optional && code_a == -ENOENT && code_b == -ENOENT)
		return NULL;
	if (is_optional && code_a == 0 && code_b == -ENOENT)
		return string_format("%s: only in %s", name, folder_a);
	if (is_optional && code_a == -ENOENT && code_b == 0)
		return string_format("%s: only in %s", name, folder_b);
	*ret_code = code_a ? code_a : code_b;
	return *ret_code ? NULL : compare_lines(name, &a, &b, tolerance, ret_code);
}

char *replay_ports_difference(const char *folder_a, const char *folder_b, int *ret_code)
{
	char *difference;

	*ret_code = 0;
	difference = compare_file(folder_a, folder_b, "console.log", "", NONE, ret_code);
	if (!difference && *ret_code == 0)
		difference = compare_file(folder_a, folder_b, "results.log", "", NONE,
					  ret_code);
	return difference;
}

char *replay_first_difference(const char *folder_a, const char *folder_b, int *ret_code)
{
	char *difference = replay_ports_difference(folder_a, folder_b, ret_code);

	if (!difference && *ret_code == 0) /* the line `total` is not exact */
		difference = compare_file(folder_a, folder_b, "counts", "region ",
					  MAY_BE_MISSING, ret_code);
	return difference;
}

char *replay_shape_difference(const char *folder_a, const char *folder_b)
{
	cleanup_with(lines_release) struct lines a = { .skips_places = true };
	cleanup_with(lines_release) struct lines b = { .skips_places = true };
	int code = 0;

	if (lines_open(&a, folder_a, "domain.xml", "") || lines_open(&b, folder_b, "domain.xml", ""))
		return NULL;
	return compare_lines("domain.xml", &a, &b, NONE, &code);
}

char *replay_played_difference(const char *first, const char *played, int *ret_code)
{
	char *difference;

	*ret_code = 0;
	difference = compare_file(first, played, "results.log", "", NONE, ret_code);
	if (!difference && *ret_code == 0)
		difference = compare_file(first, played, "console.log", "", MAY_END_EARLY,
					  ret_code);
	return difference;
}
