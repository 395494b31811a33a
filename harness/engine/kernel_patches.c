/* kernel_patches.c - series of patches by `git apply`, one by one, in a scratch
 * folder that holds copies of just the files they name. git is told that it is
 * in no repository: inside one it skips, silently, paths that it takes for
 * another's.
 */
#include "kernel_patches.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "file_clone.h"
#include "files.h"
#include "kernel_spec.h"
#include "memory.h"
#include "patch_text.h"
#include "process.h"

#define SERIES_BYTES_MAX (1 << 20)
#define PATCH_BYTES_MAX (64 << 20)
#define TIMEOUT_NS (300 * NS_PER_SECOND)

void kernel_patches_release(struct kernel_patches *patches)
{
	for (size_t i = 0; i < patches->count; i++) {
		free(patches->items[i].series);
		free(patches->items[i].name);
		free(patches->items[i].path);
		free(patches->items[i].text);
	}
	free(patches->items);
	*patches = (struct kernel_patches){ .items = NULL };
}

void patched_files_release(struct patched_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->items[i].path);
		free(files->items[i].content);
	}
	free(files->items);
	*files = (struct patched_files){ .items = NULL };
}

static int load_patch(const char *series, const char *folder, const char *name,
		      struct kernel_patches *patches, struct error *err)
{
	cleanup_free char *path = path_join(folder, name), *text = NULL;
	struct kernel_patch *patch;
	size_t length;
	int code = file_read(path, PATCH_BYTES_MAX, &text, &length);

	if (code < 0)
		return error_set_errno(err, code, "series %s: patch %s: %s",
				       series, name, path);
	patches->items = memory_realloc_array(patches->items,
					      patches->count + 1,
					      sizeof(*patches->items));
	patch = &patches->items[patches->count++];
	*patch = (struct kernel_patch){
		.series = string_copy(series), .name = string_copy(name),
		.path = take_pointer(path), .text = take_pointer(text),
		.length = length,
	};
	sha256_of(patch->text, length, patch->sha256);
	return 0;
}

static int load_series(const char *spec, struct kernel_patches *patches,
		       struct error *err)
{
	size_t patches_max;
	cleanup_free char *folder = series_split(spec, &patches_max);
	const char *series = path_base_name(folder);
	cleanup_free char *path = path_join(folder, "series"), *text = NULL;
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code = file_read(path, SERIES_BYTES_MAX, &text, NULL);

	if (code < 0)
		return error_set_errno(err, code, "series %s: %s", series, path);
	code = patch_series_parse(path, text, &names, err);
	if (code == 0 && patches_max != SIZE_MAX && patches_max > names.count)
		return error_set(err, -ERANGE, "series %s: the first %zu patches were asked for, "
				 "and it has %zu", series, patches_max, names.count);
	for (size_t i = 0; code == 0 && i < names.count && i < patches_max; i++)
		code = load_patch(series, folder, names.items[i], patches, err);
	return code;
}

int kernel_patches_load(const struct strvec *series_folders,
			struct kernel_patches *ret_patches, struct error *err)
{
	struct kernel_patches patches = { .items = NULL };
	int code = 0;

	for (size_t i = 0; code == 0 && i < series_folders->count; i++)
		code = load_series(series_folders->items[i], &patches, err);
	if (code < 0) {
		kernel_patches_release(&patches);
		return code;
	}
	*ret_patches = patches;
	return 0;
}

/* --- applying ------------------------------------------------------------------ */

/* Brings the files that a patch names into the scratch folder, unless an
 * earlier patch did. */
static int bring_files(const struct strvec *files, const char *pristine,
		       const char *scratch, struct strvec *brought,
		       struct error *err)
{
	for (size_t i = 0; i < files->count; i++) {
		cleanup_free char *from = path_join(pristine, files->items[i]);
		cleanup_free char *to = path_join(scratch, files->items[i]);
		cleanup_free char *folder = path_folder(to);
		struct stat info;
		int code;

		if (strvec_contains(brought, files->items[i]))
			continue;
		strvec_push(brought, files->items[i]);
		if (lstat(from, &info) < 0 || S_ISDIR(info.st_mode))
			continue;
		code = folder_make(folder);
		if (code == 0)
			code = file_clone(from, to, NULL);
		if (code < 0)
			return error_set_errno(err, code, "copying %s", from);
	}
	return 0;
}

/* "error: patch failed: mm/foo.c:123" > file and hunk; else git's own words. */
static int explain(const struct kernel_patch *patch, const char *output,
		   struct error *err)
{
	static const char failed[] = "error: patch failed: ";
	const char *line = strstr(output, failed), *text;
	cleanup_free char *where = NULL;
	unsigned long old_line;
	size_t hunk, length;
	char *colon;

	if (line) {
		line += strlen(failed);
		where = string_copy_n(line, strcspn(line, "\n"));
		colon = strrchr(where, ':');
		if (colon && (old_line = strtoul(colon + 1, NULL, 10)) > 0) {
			*colon = '\0';
			hunk = patch_text_find_hunk(patch->text, where, old_line);
			return error_set(err, -EINVAL,
					 "series %s: patch %s: %s: hunk %zu "
					 "(line %lu) does not apply",
					 patch->series, patch->name, where, hunk,
					 old_line);
		}
	}
	text = strstr(output, "error: ");
	text = text ? text + strlen("error: ") : output;
	length = strcspn(text, "\n");
	return error_set(err, -EINVAL, "series %s: patch %s: %.*s",
			 patch->series, patch->name, (int)length, text);
}

static int apply_one(const struct kernel_patch *patch, const char *scratch,
		     struct error *err)
{
	cleanup_free char *parent = path_folder(scratch);
	cleanup_free char *ceiling =
		string_format("GIT_CEILING_DIRECTORIES=%s", parent);
	const char *const environment[] = {
		ceiling, "LC_ALL=C", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_NOSYSTEM=1", NULL,
	};
	const char *const argv[] = {
		"env", "-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "-u",
		"GIT_INDEX_FILE", "git", "apply", "--whitespace=nowarn", "-p1",
		patch->path, NULL,
	};
	const struct process_options options = {
		.folder = scratch, .environment = environment,
		.timeout_ns = TIMEOUT_NS,
	};
	struct error cause = ERROR_INIT;
	int code = process_run(argv, &options, NULL, &cause);

	if (code == 0)
		return 0;
	if (code != -EREMOTEIO)
		return error_set(err, code, "series %s: patch %s: %s",
				 patch->series, patch->name, cause.message);
	return explain(patch, cause.message, err);
}

static int digest_file(const char *path, char ret_digest[SHA256_HEX_SIZE])
{
	struct sha256 *hash;
	char content[SHA256_HEX_SIZE], target[4096], kind[32];
	struct stat info;
	ssize_t length;
	int code = 0;

	if (lstat(path, &info) < 0)
		return -errno;
	if (S_ISLNK(info.st_mode)) {
		length = readlink(path, target, sizeof(target));
		if (length < 0)
			return -errno;
		sha256_of(target, (size_t)length, content);
	} else {
		code = sha256_of_file(path, content);
	}
	if (code < 0)
		return code;
	snprintf(kind, sizeof(kind), "%o", info.st_mode & (S_IFMT | 0100));
	hash = sha256_new();
	sha256_add_field(hash, kind, content);
	sha256_finish(hash, ret_digest);
	return 0;
}

/* Adds a file to the result if it differs from the pristine one. */
static int collect_one(const char *name, const char *pristine,
		       const char *scratch, struct patched_files *files,
		       struct error *err)
{
	cleanup_free char *before = path_join(pristine, name);
	cleanup_free char *after = path_join(scratch, name);
	struct patched_file file = { .path = NULL };
	bool same = false;
	struct stat info;
	int code = file_same(before, after, &same);

	if (code == -EINVAL)
		return error_set(err, code, "%s: neither file nor link", name);
	if (code == 0 && lstat(after, &info) == 0 && !same)
		code = digest_file(after, file.digest);
	else if (code == 0 && !same && lstat(before, &info) < 0)
		return 0; /* named, but there neither before nor after */
	if (code < 0)
		return error_set_errno(err, code, "%s", after);
	if (same)
		return 0;
	file.path = string_copy(name);
	if (*file.digest)
		file.content = take_pointer(after);
	files->items = memory_realloc_array(files->items, files->count + 1,
					    sizeof(*files->items));
	files->items[files->count++] = file;
	return 0;
}

int kernel_patches_apply(const struct kernel_patches *patches,
			 const char *pristine, const char *scratch,
			 struct patched_files *ret_files, struct error *err)
{
	cleanup_with(patched_files_release) struct patched_files files = {
		.items = NULL,
	};
	cleanup_strvec struct strvec brought = STRVEC_INIT;
	int code = folder_make(scratch);

	if (code < 0)
		return error_set_errno(err, code, "%s", scratch);
	for (size_t i = 0; i < patches->count; i++) {
		const struct kernel_patch *patch = &patches->items[i];
		cleanup_strvec struct strvec names = STRVEC_INIT;

		patch_text_files(patch->text, &names);
		code = bring_files(&names, pristine, scratch, &brought, err);
		if (code == 0)
			code = apply_one(patch, scratch, err);
		if (code < 0)
			return code;
	}
	strvec_sort(&brought);
	for (size_t i = 0; i < brought.count; i++) {
		code = collect_one(brought.items[i], pristine, scratch, &files,
				   err);
		if (code < 0)
			return code;
	}
	*ret_files = files;
	files = (struct patched_files){ .items = NULL };
	return 0;
}
