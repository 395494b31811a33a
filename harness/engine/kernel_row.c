/* kernel_row.c - the kernels of a series and of a line of commits. Campaigns of them
 * are in kernel_row_campaign.c.
 */
#include "kernel_row.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "files.h"
#include "git_run.h"
#include "kernel_patches.h"
#include "memory.h"
#include "suggest.h"

#define COMMIT_NAME_LENGTH 12
#define CANDIDATES_MAX 4096

void kernel_row_release(struct kernel_row *row)
{
	for (size_t i = 0; i < row->count; i++) {
		free(row->items[i].name);
		free(row->items[i].label);
		free(row->items[i].id);
		free(row->items[i].subject);
	}
	free(row->items);
	free(row->series);
	free(row->folder);
	free(row->repository);
	*row = (struct kernel_row){ .series = NULL };
}

static struct kernel_row_item *add_item(struct kernel_row *row)
{
	row->items = memory_realloc_array(row->items, row->count + 1, sizeof(*row->items));
	row->items[row->count] = (struct kernel_row_item){ .name = NULL };
	return &row->items[row->count++];
}

/* --- a series -------------------------------------------------------------------------- */

/* The mail's subject in one line, without "[PATCH 3/7]"; owned; "" if it has none. */
static char *patch_subject(const char *text)
{
	static const char field[] = "Subject:";
	struct strbuf subject = STRBUF_INIT;
	const char *line = text;
	bool is_in = false;

	for (; line && *line && *line != '\n'; line = strchr(line, '\n'), line += line != NULL) {
		size_t length = strcspn(line, "\r\n");

		if (!strncasecmp(line, field, strlen(field))) {
			is_in = true;
			line += strlen(field);
			length -= strlen(field);
		} else if (!is_in || !isblank((unsigned char)*line)) {
			is_in = false;
			continue;
		}
		while (length && isblank((unsigned char)*line))
			line++, length--;
		if (!subject.length && length && *line == '[' && memchr(line, ']', length)) {
			size_t tag = (size_t)((const char *)memchr(line, ']', length) - line) + 1;

			line += tag;
			length -= tag;
		}
		while (length && isblank((unsigned char)*line))
			line++, length--;
		if (subject.length)
			strbuf_addc(&subject, ' ');
		strbuf_add(&subject, line, length);
	}
	return strbuf_detach(&subject);
}

static void add_prefixes(const struct kernel_patches *patches, struct kernel_row *row)
{
	struct kernel_row_item *item = add_item(row);

	*item = (struct kernel_row_item){ .name = string_copy("p00"), .label = string_copy(""),
					  .id = string_copy(""),
					  .subject = string_copy("(no patch)") };
	for (size_t i = 0; i < patches->count; i++) {
		item = add_item(row);
		item->name = string_format("p%02zu", i + 1);
		item->label = string_copy(patches->items[i].name);
		item->id = string_copy(patches->items[i].sha256);
		item->subject = patch_subject(patches->items[i].text);
	}
}

int kernel_row_of_series(const char *project_root, const char *series,
			 struct kernel_row *ret_row, struct error *err)
{
	cleanup_with(kernel_patches_release) struct kernel_patches patches = { .items = NULL };
	cleanup_with(kernel_row_release) struct kernel_row row = { .series = NULL };
	cleanup_strvec struct strvec folders = STRVEC_INIT;
	cleanup_free char *file = NULL;
	int code;

	row.folder = strchr(series, '/') ? path_absolute(series) :
		     string_format("%s/kernel/series/%s", project_root, series);
	row.series = strchr(series, '/') ? string_copy(row.folder) : string_copy(series);
	file = path_join(row.folder, "series");
	if (!path_exists(file))
		return error_set(err, -ENOENT, "no patch series '%s': expected the file %s", series,
				 file);
	strvec_push(&folders, row.folder);
	code = kernel_patches_load(&folders, &patches, err);
	if (code)
		return code;
	if (!patches.count)
		return error_set(err, -EINVAL, "series %s has no patch", series);
	add_prefixes(&patches, &row);
	*ret_row = row;
	row = (struct kernel_row){ .series = NULL };
	return 0;
}

/* --- commits ------------------------------------------------------------------------------ */

static int run_git(const char *repository, const char *const *words, char **ret_output,
		   struct error *err)
{
	const struct git_request request = { .folder = repository, .words = words };

	return git_run(&request, ret_output, err);
}

/* "COMMIT\tPARENTS\tSUBJECT" */
static void add_commit(struct kernel_row *row, char *line)
{
	char *rest = line, *commit = strsep(&rest, "\t"), *parents = strsep(&rest, "\t");
	struct kernel_row_item *item = add_item(row);

	item->name = string_copy_n(commit, COMMIT_NAME_LENGTH);
	item->label = string_copy(commit);
	item->id = string_copy(commit);
	item->is_merge = parents && strchr(parents, ' ');
	item->subject = string_copy(rest ? rest : "");
}

static int list_commits(const char *repository, const char *good, const char *bad,
			struct kernel_row *row, struct error *err)
{
	cleanup_free char *range = string_format("%s..%s", good, bad);
	const char *const first[] = { "log", "-1", "--format=%H%x09%P%x09%s", good, NULL };
	const char *const others[] = { "log", "--first-parent", "--reverse",
				       "--format=%H%x09%P%x09%s", range, NULL };
	cleanup_free char *head = NULL, *output = NULL, *parent = NULL;
	char *rest, *line;
	int code = run_git(repository, first, &head, err);

	if (!code)
		code = run_git(repository, others, &output, err);
	if (code)
		return code;
	head[strcspn(head, "\n")] = '\0';
	add_commit(row, head);
	for (rest = output; (line = strsep(&rest, "\n"));) {
		if (row->count == 1 && *line)
			parent = string_copy_n(line + strcspn(line, "\t") + 1, strlen(good));
		if (*line)
			add_commit(row, line);
	}
	if (!parent || strcmp(parent, good))
		return error_set(err, -EINVAL, "good (%.12s) is not on the line of first parents "
				 "that leads to bad (%.12s): expected one of its ancestors there",
				 good, bad);
	return 0;
}

int kernel_row_of_commits(const char *repository, const char *good, const char *bad,
			  struct kernel_row *ret_row, struct error *err)
{
	cleanup_with(kernel_row_release) struct kernel_row row = {
		.repository = path_absolute(repository),
	};
	cleanup_free char *good_commit = NULL, *bad_commit = NULL;
	int code;

	if (!path_is_folder(row.repository))
		return error_set(err, -ENOENT, "%s: no such folder", row.repository);
	code = git_find_commit(row.repository, good, &good_commit, err);
	if (!code)
		code = git_find_commit(row.repository, bad, &bad_commit, err);
	if (!code && !strcmp(good_commit, bad_commit))
		code = error_set(err, -EINVAL, "good and bad are the same commit, %.12s",
				 good_commit);
	if (!code)
		code = list_commits(row.repository, good_commit, bad_commit, &row, err);
	if (code)
		return code;
	*ret_row = row;
	row = (struct kernel_row){ .series = NULL };
	return 0;
}

/* --- finding ------------------------------------------------------------------------------- */

static bool is_named(const struct kernel_row_item *item, const char *text)
{
	size_t length = strlen(text);

	if (!strcmp(item->name, text))
		return true;
	return *item->label && !strncmp(item->label, text, length) &&
	       (!item->label[length] || !strcmp(item->label + length, ".patch"));
}

static bool is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789")] && strlen(text) < 7;
}

int kernel_row_find(const struct kernel_row *row, const char *text, size_t *ret_position,
		    struct error *err)
{
	const char *names[CANDIDATES_MAX], *nearest;
	size_t count = 0, position = SIZE_MAX;

	if (!row->repository && is_number(text))
		position = strtoul(text, NULL, 10);
	for (size_t i = 0; i < row->count && position == SIZE_MAX; i++)
		if (is_named(&row->items[i], text))
			position = i;
	if (position < row->count) {
		*ret_position = position;
		return 0;
	}
	for (size_t i = 0; i < row->count && count < CANDIDATES_MAX; i++)
		if (*row->items[i].label)
			names[count++] = row->items[i].label;
	nearest = suggest_nearest(text, names, count);
	if (row->repository)
		return error_set(err, -ENOENT, "no commit '%s' between good and bad", text);
	return error_set(err, -ENOENT, "'%s' is no place in series %s: expected 0..%zu (how many "
			 "of its patches are applied) or a patch's name%s%s%s", text, row->series,
			 row->count - 1, nearest ? " (did you mean '" : "", nearest ? nearest : "",
			 nearest ? "'?)" : "");
}

/* --- what it was ----------------------------------------------------------------------------- */

json_t *kernel_row_json(const struct kernel_row *row)
{
	json_t *list = json_array();

	for (size_t i = 0; i < row->count; i++) {
		const struct kernel_row_item *item = &row->items[i];
		json_t *subject = json_string(item->subject);

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "name", item->name,
						      "label", item->label, "id", item->id,
						      "subject", subject ? subject :
						      json_string("(not UTF-8)")));
	}
	return list;
}

int kernel_row_check(const struct kernel_row *row, const json_t *description, struct error *err)
{
	if (json_array_size(description) != row->count)
		return error_set(err, -ESTALE, "there were %zu kernels when it began and there are "
				 "%zu now", json_array_size(description), row->count);
	for (size_t i = 0; i < row->count; i++) {
		const json_t *item = json_array_get(description, i);
		const char *id = json_string_value(json_object_get(item, "id"));

		if (!id || strcmp(id, row->items[i].id))
			return error_set(err, -ESTALE, "%s (%s) is not what it was when it began",
					 row->items[i].name, row->items[i].label);
	}
	return 0;
}

/* --- folders -------------------------------------------------------------------------------------- */

int kernel_row_folder(const char *parent, char **ret_id, char **ret_path, struct error *err)
{
	char stamp[CLOCK_TEXT_MAX];
	int code = folder_make(parent);

	if (code)
		return error_set_errno(err, code, "%s", parent);
	clock_format_stamp(clock_wall_ns(), stamp);
	for (unsigned int i = 1; i < 100; i++) {
		cleanup_free char *id = i == 1 ? string_copy(stamp) :
						 string_format("%s-%u", stamp, i);
		cleanup_free char *path = path_join(parent, id);

		/* two may be begun at once: mkdir says who was first */
		if (mkdir(path, 0777)) {
			if (errno == EEXIST)
				continue;
			return error_set_errno(err, -errno, "%s", path);
		}
		*ret_id = take_pointer(id);
		*ret_path = take_pointer(path);
		return 0;
	}
	return error_set(err, -EEXIST, "%s/%s: taken", parent, stamp);
}

int kernel_row_newest(const char *parent, char **ret_id, struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;

	if (folder_list(parent, &names) || !names.count)
		return error_set(err, -ENOENT, "nothing to resume in %s", parent);
	*ret_id = string_copy(names.items[names.count - 1]);
	return 0;
}
