/* ab_patches.c - see ab_patches.h; folders, single files, and what all have in common.
 * Mailboxes are in ab_mail.c, commits in ab_range.c.
 */
#include "ab_patches.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "files.h"
#include "kernel_spec.h"
#include "mail_series.h"
#include "memory.h"
#include "patch_text.h"

#define SERIES_BYTES_MAX (1 << 20)
#define NAME_LENGTH_MAX 40
#define FILE_LENGTH_MAX 52 /* as git format-patch cuts them */

void ab_set_release(struct ab_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->items[i].subject);
		free(set->items[i].diff);
	}
	free(set->items);
	free(set->source);
	free(set->name);
	free(set->title);
	free(set->note);
	free(set->repository);
	free(set->first_commit);
	*set = (struct ab_set){ .items = NULL };
}

char *ab_line_of(const char *text)
{
	char *line = string_copy(text);
	json_t *whole;

	for (char *c = line; *c; c++)
		*c = iscntrl((unsigned char)*c) ? ' ' : *c;
	whole = json_string(line);
	for (char *c = line; !whole && *c; c++)
		*c = (unsigned char)*c < 0x80 ? *c : '?';
	json_decref(whole);
	return line;
}

void ab_set_add(struct ab_set *set, char *subject, char *diff)
{
	set->items = memory_realloc_array(set->items, set->count + 1, sizeof(*set->items));
	set->items[set->count++] = (struct ab_patch){ .subject = ab_line_of(subject),
						      .diff = diff };
	free(subject);
}

/* --- names ------------------------------------------------------------------------------ */

static char *slug(const char *text, const char *kept, size_t length_max)
{
	struct strbuf name = STRBUF_INIT;

	for (const char *c = text; *c && name.length < length_max; c++) {
		char lower = (char)tolower((unsigned char)*c);

		if ((lower >= 'a' && lower <= 'z') || isdigit((unsigned char)lower) ||
		    (name.length && strchr(kept, lower)))
			strbuf_addc(&name, lower);
		else if (name.length && name.data[name.length - 1] != '-')
			strbuf_addc(&name, '-');
	}
	while (name.length && name.data[name.length - 1] == '-')
		strbuf_cut(&name, name.length - 1);
	return strbuf_detach(&name);
}

char *ab_name_of(const char *text)
{
	char *name = slug(text, "._-", NAME_LENGTH_MAX);

	if (*name)
		return name;
	free(name);
	return string_copy("patched");
}

/* Without what says how it is packed: "v3.mbox.gz" > "v3". */
static char *plain_name(const char *path)
{
	static const char *const suffixes[] = { ".gz", ".xz", ".zst", ".bz2", ".mbox", ".mbx",
						".patch", ".diff", ".eml", ".txt" };
	char *name = string_copy(path_base_name(path));

	for (size_t i = 0; i < ARRAY_COUNT(suffixes); i++) {
		size_t length = strlen(name), tail = strlen(suffixes[i]);

		if (length > tail && !strcasecmp(name + length - tail, suffixes[i]))
			name[length - tail] = '\0';
	}
	return name;
}

/* --- one file --------------------------------------------------------------------------- */

/* Whether the first paragraph has a mail's subject, or begins as in a mailbox. */
static bool is_mail(const char *text)
{
	static const char field[] = "Subject:";

	if (!strncmp(text, "From ", 5))
		return true;
	for (const char *line = text; *line && *line != '\n' && *line != '\r';) {
		if (!strncasecmp(line, field, strlen(field)))
			return true;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return false;
}

/* Of a diff with some words, or none, before it: their first line, else the file's. */
static char *plain_subject(const char *path, const char *text)
{
	const char *line = text + strspn(text, "\r\n \t");
	size_t length = strcspn(line, "\r\n");

	if (!length || !strncmp(line, "diff ", 5) || !strncmp(line, "--- ", 4) ||
	    !strncmp(line, "Index: ", 7))
		return plain_name(path);
	return string_copy_n(line, length);
}

static int read_patch(const char *path, const char *scratch, struct ab_set *set,
		      struct error *err)
{
	cleanup_free char *text = NULL, *subject = NULL, *diff = NULL;
	cleanup_strbuf struct strbuf alone = STRBUF_INIT;
	size_t length;
	int code = file_read(path, AB_BYTES_MAX, &text, &length);

	if (code)
		return error_set_errno(err, code, "%s", path);
	if (strlen(text) != length)
		return error_set(err, -EINVAL, "%s: holds a NUL character: expected a patch, "
				 "which is text", path);
	if (is_mail(text)) {
		code = ab_mail_read(path, scratch, false, &subject, &diff, err);
	} else {
		patch_text_diff(text, &alone);
		subject = plain_subject(path, text);
		diff = strbuf_detach(&alone);
	}
	if (!code && !*diff)
		code = error_set(err, -EINVAL, "%s: no diff in it", path);
	if (!code)
		ab_set_add(set, take_pointer(subject), take_pointer(diff));
	return code;
}

/* --- folders ----------------------------------------------------------------------------- */

static bool ends_in(const char *name, const char *suffix)
{
	size_t length = strlen(name), tail = strlen(suffix);

	return length > tail && !strcmp(name + length - tail, suffix);
}

/* The patches of a folder in their order, by its `series` file or by name. */
static int list_patches(const char *folder, struct strvec *ret_names, struct error *err)
{
	cleanup_free char *series = path_join(folder, "series"), *text = NULL;
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code;

	if (path_exists(series)) {
		code = file_read(series, SERIES_BYTES_MAX, &text, NULL);
		if (code)
			return error_set_errno(err, code, "%s", series);
		return patch_series_parse(series, text, ret_names, err);
	}
	code = folder_list(folder, &names);
	if (code)
		return error_set_errno(err, code, "%s", folder);
	for (size_t i = 0; i < names.count; i++)
		if ((ends_in(names.items[i], ".patch") || ends_in(names.items[i], ".diff")) &&
		    strncmp(names.items[i], "0000-", 5) != 0)
			strvec_push(ret_names, names.items[i]);
	return 0;
}

static int load_folder(const char *folder, const char *scratch, struct ab_set *set,
		       struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_free char *repository = path_join(folder, ".git");
	int code = list_patches(folder, &names, err);

	if (!code && !names.count && path_exists(repository))
		return error_set(err, -EINVAL, "%s is a repository: expected %s:FROM..TO", folder,
				 folder);
	if (!code && !names.count)
		return error_set(err, -ENOENT, "%s: no patch in it: expected a file `series`, or "
				 "files *.patch or *.diff", folder);
	if (!code && names.count > MAIL_SERIES_MAX)
		return error_set(err, -E2BIG, "%s: %zu patches: expected at most %u", folder,
				 names.count, MAIL_SERIES_MAX);
	for (size_t i = 0; !code && i < names.count; i++) {
		cleanup_free char *path = path_join(folder, names.items[i]);

		code = read_patch(path, scratch, set, err);
	}
	set->name = ab_name_of(path_base_name(folder));
	return code;
}

/* --- what was said ------------------------------------------------------------------------- */

/* A shell leaves "--patches=~/x" as it is. */
static char *expand_home(const char *text)
{
	const char *home = getenv("HOME");

	if (strncmp(text, "~/", 2) != 0 || !home)
		return string_copy(text);
	return path_join(home, text + 2);
}

static int load_any(const char *source, const char *scratch, struct ab_set *set,
		    struct error *err)
{
	cleanup_free char *said = expand_home(source), *path = path_absolute(said);
	cleanup_free char *mails = path_join(path, "cur"), *plain = NULL;
	int code;

	while (strlen(path) > 1 && path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	if (path_is_folder(path) && !path_is_folder(mails))
		return load_folder(path, scratch, set, err);
	if (!path_exists(path) && strstr(said, ".."))
		return ab_range_load(said, scratch, set, err);
	if (!path_exists(path))
		return error_set(err, -ENOENT, "%s: no such file or folder: expected a folder of "
				 "patches, a mailbox, or REPOSITORY:FROM..TO", source);
	code = ab_mailbox_load(path, scratch, set, err);
	plain = plain_name(path);
	set->name = ab_name_of(plain);
	return code;
}

int ab_set_load(const char *source, const char *scratch, struct ab_set *ret_set,
		struct error *err)
{
	cleanup_with(ab_set_release) struct ab_set set = { .source = string_copy(source),
							   .version = 1 };
	int code = load_any(source, scratch, &set, err);

	if (code)
		return code;
	*ret_set = set;
	set = (struct ab_set){ .items = NULL };
	return 0;
}

/* --- saving ---------------------------------------------------------------------------------- */

static int save_file(const char *folder, const char *name, const char *text, struct error *err)
{
	cleanup_free char *path = path_join(folder, name);
	int code = file_write_atomic(path, text, strlen(text), 0644);

	return code ? error_set_errno(err, code, "%s", path) : 0;
}

int ab_set_save(const struct ab_set *set, const char *folder, struct error *err)
{
	cleanup_strbuf struct strbuf series = STRBUF_INIT;
	int code = folder_make(folder);

	if (code)
		return error_set_errno(err, code, "%s", folder);
	for (size_t i = 0; !code && i < set->count; i++) {
		const struct ab_patch *patch = &set->items[i];
		cleanup_free char *words = slug(patch->subject, "", FILE_LENGTH_MAX);
		cleanup_free char *name = string_format("%04zu%s%s.patch", i + 1,
							*words ? "-" : "", words);
		cleanup_free char *text = string_format("Subject: %s\n\n%s", patch->subject,
							patch->diff);

		code = save_file(folder, name, text, err);
		strbuf_addf(&series, "%s\n", name);
	}
	return code ? code : save_file(folder, "series", series.data, err);
}
