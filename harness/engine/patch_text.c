/* patch_text.c - see patch_text.h. */
#include "patch_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

/* Where a reader of a diff stands: between hunks, or how many lines the
 * current one has left. */
struct position {
	unsigned long old_left, new_left;
};

/* Whether the line belongs to a hunk; then it is counted. */
static bool in_hunk(struct position *position, const char *line)
{
	if (!position->old_left && !position->new_left)
		return *line == '\\';
	if (*line == '-' && position->old_left)
		position->old_left--;
	else if (*line == '+' && position->new_left)
		position->new_left--;
	else if (*line == '\\')
		return true;
	else {
		position->old_left -= position->old_left > 0;
		position->new_left -= position->new_left > 0;
	}
	return true;
}

/* "@@ -12,7 +12,9 @@": the old line, 0 if the line is no hunk's head. */
static bool start_hunk(struct position *position, const char *line,
		       unsigned long *ret_old_line)
{
	unsigned long old_line, new_line;
	int used = 0;

	*position = (struct position){ .old_left = 1, .new_left = 1 };
	if (sscanf(line, "@@ -%lu%n", &old_line, &used) < 1 || !used)
		return *position = (struct position){ 0 }, false;
	line += used;
	if (*line == ',' && sscanf(line, ",%lu%n", &position->old_left, &used) == 1)
		line += used;
	if (sscanf(line, " +%lu%n", &new_line, &used) == 1) {
		line += used;
		if (*line == ',')
			(void)!sscanf(line, ",%lu", &position->new_left);
	}
	*ret_old_line = old_line;
	return true;
}

/* A name as a header has it, up to a tab or the line's end; owned; NULL where
 * it names no file of the tree. */
static char *clean_name(const char *text, bool strip)
{
	cleanup_free char *name = string_copy_n(text, strcspn(text, "\t\r\n"));
	cleanup_free char *copy = NULL;
	const char *start = name;
	char *rest, *part;

	if (strcmp(name, "/dev/null") == 0 || *name == '/' || *name == '"')
		return NULL;
	if (strip) {
		start = strchr(name, '/');
		if (!start)
			return NULL;
		start++;
	}
	copy = string_copy(start);
	for (rest = copy; (part = strsep(&rest, "/")) != NULL;)
		if (!*part || strcmp(part, "..") == 0 || strcmp(part, ".") == 0)
			return NULL;
	return string_copy(start);
}

/* The file that a header line names; owned; NULL if it is none. */
static char *header_name(const char *line)
{
	static const struct {
		const char *start;
		bool strip;
	} heads[] = {
		{ "--- ", true }, { "+++ ", true }, { "rename from ", false },
		{ "rename to ", false }, { "copy from ", false },
		{ "copy to ", false },
	};

	for (size_t i = 0; i < ARRAY_COUNT(heads); i++) {
		size_t length = strlen(heads[i].start);

		if (strncmp(line, heads[i].start, length) == 0)
			return clean_name(line + length, heads[i].strip);
	}
	return NULL;
}

/* "diff --git a/X b/X": the only place that names the file of an empty or
 * mode-only change. */
static void add_git_names(const char *line, struct strvec *files)
{
	const char *start = line + strlen("diff --git ");
	size_t length = strcspn(start, "\r\n");
	cleanup_free char *names = string_copy_n(start, length);
	char *middle = strchr(names, ' ');

	/* With a space in a name the other headers have to do. */
	if (!middle || strchr(middle + 1, ' '))
		return;
	*middle = '\0';
	for (int i = 0; i < 2; i++) {
		cleanup_free char *name =
			clean_name(i ? middle + 1 : names, true);

		if (name)
			strvec_push(files, name);
	}
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

void patch_text_files(const char *text, struct strvec *ret_files)
{
	cleanup_strvec struct strvec found = STRVEC_INIT;
	struct position position = { 0 };
	unsigned long old_line;

	for (const char *line = text; *line; line = next_line(line)) {
		cleanup_free char *name = NULL;

		if (in_hunk(&position, line) ||
		    start_hunk(&position, line, &old_line))
			continue;
		if (strncmp(line, "diff --git ", strlen("diff --git ")) == 0)
			add_git_names(line, &found);
		name = header_name(line);
		if (name)
			strvec_push(&found, name);
	}
	strvec_sort(&found);
	strvec_release(ret_files);
	*ret_files = STRVEC_INIT;
	for (size_t i = 0; i < found.count; i++)
		if (i == 0 || strcmp(found.items[i], found.items[i - 1]) != 0)
			strvec_push(ret_files, found.items[i]);
}

/* --- the diff alone -------------------------------------------------------------------- */

static bool begins(const char *line, const char *start)
{
	return strncmp(line, start, strlen(start)) == 0;
}

/* Lines that git writes between "diff --git" and the first hunk. */
static bool is_extended_header(const char *line)
{
	static const char *const starts[] = {
		"old mode ", "new mode ", "deleted file mode ", "new file mode ",
		"copy from ", "copy to ", "rename from ", "rename to ", "similarity index ",
		"dissimilarity index ", "Binary files ",
	};

	for (size_t i = 0; i < ARRAY_COUNT(starts); i++)
		if (begins(line, starts[i]))
			return true;
	return false;
}

/* "--- a/x" and "+++ b/x" one after the other. */
static bool is_names(const char *line)
{
	const char *next = line + strcspn(line, "\n");

	return begins(line, "--- ") && *next && begins(next + 1, "+++ ");
}

/* Of a section "diff --git": it is binary where a line says so before the next. */
static bool is_binary(const char *section)
{
	for (const char *line = next_line(section); *line; line = next_line(line)) {
		if (begins(line, "GIT binary patch"))
			return true;
		if (!begins(line, "index ") && !is_extended_header(line))
			return false;
	}
	return false;
}

static void add_line(const char *line, struct strbuf *out)
{
	strbuf_add(out, line, strcspn(line, "\n"));
	strbuf_addc(out, '\n');
}

enum part { PART_TEXT, PART_HEADER, PART_BINARY };

/* One line outside of hunks; returns where the reader is after it. */
static enum part add_outer(const char *line, enum part part, bool *binary, struct strbuf *out)
{
	if (begins(line, "diff --git ")) {
		*binary = is_binary(line);
		add_line(line, out);
		return PART_HEADER;
	}
	if (part == PART_HEADER && *binary &&
	    (begins(line, "index ") || begins(line, "GIT binary patch"))) {
		add_line(line, out);
		return begins(line, "GIT") ? PART_BINARY : part;
	}
	if (part == PART_HEADER && is_extended_header(line)) {
		add_line(line, out);
		return part;
	}
	/* literal or delta, its lines, an empty one; up to two of them */
	if (part == PART_BINARY && !begins(line, "-- ")) {
		add_line(line, out);
		return part;
	}
	return part == PART_HEADER && begins(line, "index ") ? part : PART_TEXT;
}

void patch_text_diff(const char *text, struct strbuf *out)
{
	struct position position = { 0 };
	enum part part = PART_TEXT;
	bool binary = false, in_names = false, has_names = false;
	unsigned long old_line;

	for (const char *line = text; *line; line = next_line(line)) {
		if (has_names && in_hunk(&position, line)) {
			add_line(line, out);
		} else if (in_names) { /* the "+++" line */
			in_names = false;
			has_names = true;
			add_line(line, out);
		} else if (is_names(line)) {
			in_names = true;
			part = PART_TEXT;
			add_line(line, out);
		} else if (has_names && start_hunk(&position, line, &old_line)) {
			add_line(line, out);
		} else {
			part = add_outer(line, part, &binary, out);
			has_names = has_names && part == PART_TEXT;
		}
	}
}

size_t patch_text_find_hunk(const char *text, const char *file,
			    unsigned long wanted_line)
{
	struct position position = { 0 };
	bool is_ours = false, is_old;
	unsigned long old_line;
	size_t hunk = 0;

	for (const char *line = text; *line; line = next_line(line)) {
		cleanup_free char *name = NULL;

		if (in_hunk(&position, line))
			continue;
		if (start_hunk(&position, line, &old_line)) {
			hunk++;
			if (is_ours && old_line == wanted_line)
				return hunk;
			continue;
		}
		name = header_name(line);
		is_old = strncmp(line, "--- ", 4) == 0;
		if (is_old) {
			hunk = 0;
			is_ours = false;
		}
		if (name && strcmp(name, file) == 0)
			is_ours = true;
	}
	return 0;
}
