/* kernel_source_tree.c - a source that is a tree already: a folder, copied, since
 * its owner goes on editing it.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "file_clone.h"
#include "files.h"
#include "kernel_source_private.h"
#include "log.h"
#include "memory.h"
#include "process.h"

#define PROGRESS_FILES 2000

/* --- a folder ---------------------------------------------------------------- */

/* What a build leaves in a tree; taken along, it would be built upon. */
static bool is_build_output(const char *name)
{
	static const char *const patterns[] = {
		".git", "*.o", "*.a", "*.ko", "*.cmd", "*.o.d", ".tmp_*",
		"vmlinux", "vmlinux.*[!hS]", ".config", ".config.old",
		"System.map", "modules.order", "Module.symvers", "bzImage",
	};

	if (strcmp(name, "vmlinux.lds.S") == 0 || strcmp(name, "vmlinux.lds.h") == 0)
		return false;
	for (size_t i = 0; i < ARRAY_COUNT(patterns); i++)
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	return false;
}

static bool is_generated_folder(const char *path)
{
	return strcmp(path, "include/config") == 0 ||
	       strcmp(path, "include/generated") == 0 ||
	       fnmatch("arch/*/include/generated", path, FNM_PATHNAME) == 0;
}

int source_walk_folder(const char *root, const char *below,
		       struct strvec *ret_names, struct error *err)
{
	cleanup_free char *folder = *below ? path_join(root, below) :
					     string_copy(root);
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code = folder_list(folder, &names);

	if (code < 0)
		return error_set_errno(err, code, "%s", folder);
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *name = *below ?
			path_join(below, names.items[i]) :
			string_copy(names.items[i]);
		cleanup_free char *path = path_join(root, name);
		struct stat info;

		if (is_build_output(names.items[i]) ||
		    is_generated_folder(name) || lstat(path, &info) < 0)
			continue;
		if (S_ISREG(info.st_mode) || S_ISLNK(info.st_mode))
			strvec_push(ret_names, name);
		if (!S_ISDIR(info.st_mode))
			continue;
		code = source_walk_folder(root, name, ret_names, err);
		if (code < 0)
			return code;
	}
	return 0;
}

/* Tracked files and those that git would not ignore. */
static int list_repository(const char *root, struct strvec *ret_names,
			   struct error *err)
{
	static const char *const words[] = {
		"ls-files", "--cached", "--others", "--exclude-standard",
		"--deduplicate", NULL,
	};
	cleanup_free char *output = NULL;
	char *rest, *name;
	int code = source_run_git(root, words, &output, err);

	if (code < 0)
		return code;
	for (rest = output; (name = strsep(&rest, "\n")) != NULL;) {
		if (*name == '"')
			return error_set(err, -EINVAL,
					 "%s: a control character in the name "
					 "%s", root, name);
		if (*name)
			strvec_push(ret_names, name);
	}
	return 0;
}

static int list_folder(const char *root, struct strvec *ret_names,
		       struct error *err)
{
	cleanup_free char *repository = path_join(root, ".git");
	int code;

	if (!path_is_folder(root))
		return error_set(err, -ENOENT, "%s: no such folder", root);
	code = path_exists(repository) ? list_repository(root, ret_names, err) :
					 source_walk_folder(root, "", ret_names, err);
	if (code == 0)
		strvec_sort(ret_names);
	return code;
}

int source_dir_hash(const char *path, struct sha256 *hash, struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code = list_folder(path, &names, err);

	for (size_t i = 0; code == 0 && i < names.count; i++) {
		cleanup_free char *file = path_join(path, names.items[i]);
		struct stat info;
		char text[96];

		/* Deleted, but still in git's index. */
		if (lstat(file, &info) < 0)
			continue;
		snprintf(text, sizeof(text), "%jd %" PRIu64 " %o",
			 (intmax_t)info.st_size, timespec_ns(&info.st_mtim),
			 info.st_mode & (S_IFMT | 0100));
		sha256_add_field(hash, names.items[i], text);
	}
	return code;
}

/* Links what an earlier copy has unchanged; whether it did. */
static bool link_previous(const struct source_job *job, const char *name,
			  const struct stat *info, const char *to)
{
	cleanup_free char *old = NULL;
	struct stat old_info;

	if (!job->previous)
		return false;
	old = path_join(job->previous, name);
	return lstat(old, &old_info) == 0 && old_info.st_size == info->st_size &&
	       old_info.st_mode == info->st_mode &&
	       timespec_ns(&old_info.st_mtim) == timespec_ns(&info->st_mtim) &&
	       linkat(AT_FDCWD, old, AT_FDCWD, to, 0) == 0;
}

static int copy_one(const struct source_job *job, const char *name,
		    struct error *err)
{
	cleanup_free char *from = path_join(job->source->path, name);
	cleanup_free char *to = path_join(job->tree, name);
	cleanup_free char *folder = path_folder(to);
	struct stat info;
	int code;

	/* Not there (deleted, but in the index), or a submodule. */
	if (lstat(from, &info) < 0 || S_ISDIR(info.st_mode))
		return 0;
	code = path_is_folder(folder) ? 0 : folder_make(folder);
	if (code == 0 && !link_previous(job, name, &info, to))
		code = file_clone(from, to, NULL);
	return code < 0 ? error_set_errno(err, code, "copying %s", from) : 0;
}

/* The commit checked out, and whether files differ from it; owned, "" where it
 * is no repository. */
static char *describe_checkout(const char *path)
{
	static const char *const words[] = { "describe", "--always", "--dirty",
					     "--abbrev=40", "--exclude=*", NULL };
	cleanup_free char *repository = path_join(path, ".git");
	char *text = NULL;

	if (!path_exists(repository) || source_run_git(path, words, &text, NULL) < 0)
		return string_copy("");
	text[strcspn(text, "\n")] = '\0';
	return text;
}

int source_fetch_dir(const struct source_job *job,
		     struct source_record *record, struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	char before[SHA256_HEX_SIZE], after[SHA256_HEX_SIZE];
	int code = kernel_source_key(job->source, before, err);

	if (code == 0)
		code = list_folder(job->source->path, &names, err);
	for (size_t i = 0; code == 0 && i < names.count; i++) {
		if (process_is_cancelled())
			return error_set(err, -ECANCELED, "interrupted");
		if (i % PROGRESS_FILES == 0)
			progress_update(job->phase, "copying", i, names.count,
					UINT64_MAX, "files");
		code = copy_one(job, names.items[i], err);
	}
	if (code == 0)
		code = kernel_source_key(job->source, after, err);
	if (code < 0)
		return code;
	if (strcmp(before, after) != 0)
		return error_set(err, -EAGAIN, "%s was changed while it was "
				 "copied; try again", job->source->path);
	record->location = string_copy(job->source->path);
	record->identity = string_format("listing:%s", after);
	record->detail = describe_checkout(job->source->path);
	return 0;
}
