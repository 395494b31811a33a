/* kernel_tree.c - cloning trees, putting patched files in, storing trees. Which
 * tree to clone is decided in kernel_donor.c.
 */
#include "kernel_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "file_clone.h"
#include "files.h"
#include "kernel_donor.h"
#include "log.h"
#include "memory.h"
#include "process.h"

/* Removes the object of a source file that is gone: make would take it for
 * something that needs no rule. */
static void remove_object(const char *tree, const char *name)
{
	cleanup_free char *path = path_join(tree, name);
	cleanup_free char *folder = path_folder(path);
	const char *base = path_base_name(path), *dot = strrchr(base, '.');
	cleanup_free char *object = NULL, *command = NULL;

	if (!dot || (strcmp(dot, ".c") != 0 && strcmp(dot, ".S") != 0))
		return;
	object = string_format("%s/%.*s.o", folder, (int)(dot - base), base);
	command = string_format("%s/.%.*s.o.cmd", folder, (int)(dot - base), base);
	(void)unlink(object);
	(void)unlink(command);
}

/* --- cloning --------------------------------------------------------------------- */

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* lstat as a question. */
static bool find_file(const char *folder, const char *name, struct stat *info)
{
	cleanup_free char *path = path_join(folder, name);

	return lstat(path, info) == 0 && !S_ISDIR(info->st_mode);
}

static int put_link(const struct tree_clone *clone, const char *name,
		    const struct stat *info, struct error *err)
{
	cleanup_free char *from = path_join(clone->source, name);
	cleanup_free char *to = path_join(clone->to, name);

	if (timespec_ns(&info->st_mtim) > clone->source_newest_ns)
		return error_set(err, -EUCLEAN,
				 "%s: written to since it was fetched", from);
	if (linkat(AT_FDCWD, from, AT_FDCWD, to, 0) == 0)
		return 0;
	if (errno != EMLINK && errno != EXDEV && errno != EPERM)
		return error_set_errno(err, -errno, "linking %s to %s", from, to);
	errno = -file_clone(from, to, NULL);
	return errno ? error_set_errno(err, -errno, "copying %s", from) : 0;
}

static int put_copy(const struct tree_clone *clone, const char *from_root,
		    const char *name, bool fresh, struct error *err)
{
	cleanup_free char *from = path_join(from_root, name);
	cleanup_free char *to = path_join(clone->to, name);
	struct timespec now = timespec_from_ns(clone->now_ns);
	int code = file_clone(from, to, fresh ? &now : NULL);

	/* A fifo or socket that a build left is nothing to keep. */
	if (code == -EINVAL)
		return 0;
	return code < 0 ? error_set_errno(err, code, "copying %s to %s", from,
					  to) : 0;
}

/* A source file that is no link and not patched: the donor was itself a clone of a
 * tree of another source, in which it differed. Where it differs once more, it is new
 * again. */
static int clone_copied(const struct tree_clone *clone, const char *name, struct error *err)
{
	cleanup_free char *here = path_join(clone->donor, name);
	cleanup_free char *now = path_join(clone->source, name);
	bool same = false;
	int code = file_same(here, now, &same);

	if (code < 0)
		return error_set_errno(err, code, "comparing %s with %s", here, now);
	return same ? put_copy(clone, clone->donor, name, false, err) :
		      put_copy(clone, clone->source, name, true, err);
}

static int clone_file(const struct tree_clone *clone, const char *name,
		      struct error *err)
{
	bool one_source = strcmp(clone->donor_source, clone->source) == 0;
	struct stat here, before, now;
	bool was_source, is_source;

	if (!find_file(clone->donor, name, &here))
		return 0;
	is_source = find_file(clone->source, name, &now);
	if (is_source && same_file(&here, &now))
		return put_link(clone, name, &now, err);
	was_source = one_source ? is_source :
		     find_file(clone->donor_source, name, &before);
	if (one_source)
		before = now;
	if (was_source && same_file(&here, &before))
		return is_source ? put_copy(clone, clone->source, name, true, err) :
				   0;
	if (was_source && !json_object_get(clone->donor_patched, name))
		return is_source ? clone_copied(clone, name, err) : 0;
	/* Patched or generated; or new in the source, over a generated one. */
	if (is_source && !was_source)
		return put_copy(clone, clone->source, name, true, err);
	return put_copy(clone, clone->donor, name, false, err);
}

typedef int (*entry_fn)(const struct tree_clone *clone, const char *name,
			struct error *err);

static bool is_folder_entry(const char *folder, const struct dirent *entry)
{
	cleanup_free char *path = NULL;
	struct stat info;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	path = path_join(folder, entry->d_name);
	return lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Calls on_file for everything in root/below that is no folder, having made
 * the same folders in clone->to. */
static int walk(const struct tree_clone *clone, const char *root,
		const char *below, entry_fn on_file, struct error *err)
{
	cleanup_free char *folder = path_join(root, below);
	cleanup_free char *made = path_join(clone->to, below);
	cleanup_strvec struct strvec folders = STRVEC_INIT;
	const struct dirent *entry;
	DIR *stream;
	int code = 0;

	if (process_is_cancelled())
		return error_set(err, -ECANCELED, "interrupted");
	if (mkdir(made, 0777) < 0 && errno != EEXIST)
		return error_set_errno(err, -errno, "%s", made);
	stream = opendir(folder);
	if (!stream)
		return error_set_errno(err, -errno, "%s", folder);
	while (code == 0 && (errno = 0, entry = readdir(stream)) != NULL) {
		cleanup_free char *name = NULL;

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		name = *below ? path_join(below, entry->d_name) :
				string_copy(entry->d_name);
		if (is_folder_entry(folder, entry))
			strvec_push(&folders, name);
		else
			code = on_file(clone, name, err);
	}
	if (code == 0 && errno)
		code = error_set_errno(err, -errno, "%s", folder);
	(void)closedir(stream);
	for (size_t i = 0; code == 0 && i < folders.count; i++)
		code = walk(clone, root, folders.items[i], on_file, err);
	return code;
}

/* A source file that the donor's source did not have. */
static int add_new_source(const struct tree_clone *clone, const char *name,
			  struct error *err)
{
	struct stat info, here;

	if (find_file(clone->to, name, &here) ||
	    find_file(clone->donor_source, name, &here) ||
	    !find_file(clone->source, name, &info))
		return 0;
	return put_link(clone, name, &info, err);
}

/* A source file that only the donor's source had. */
static int drop_old_source(const struct tree_clone *clone, const char *name,
			   struct error *err)
{
	struct stat info;

	(void)err;
	if (!find_file(clone->source, name, &info))
		remove_object(clone->to, name);
	return 0;
}

int kernel_tree_clone(const struct tree_clone *clone, struct error *err)
{
	int code = walk(clone, clone->donor, "", clone_file, err);

	if (strcmp(clone->donor_source, clone->source) == 0)
		return code;
	if (code == 0)
		code = walk(clone, clone->donor_source, "", drop_old_source, err);
	if (code == 0)
		code = walk(clone, clone->source, "", add_new_source, err);
	return code;
}

/* --- patched files ----------------------------------------------------------------- */

static bool is_wide_change(const char *name)
{
	const char *dot = strrchr(name, '.');

	return !dot || (strcmp(dot, ".c") != 0 && strcmp(dot, ".S") != 0);
}

/* Gives a file of the tree the content of another (NULL: none), as a new inode
 * with a new time, if it has not got it already. */
static int put_content(const char *tree, const char *name, const char *content,
		       uint64_t now_ns, struct tree_made *made,
		       struct error *err)
{
	cleanup_free char *path = path_join(tree, name);
	cleanup_free char *folder = path_folder(path);
	struct timespec now = timespec_from_ns(now_ns);
	bool same = false;
	struct stat info;
	int code = 0;

	if (content)
		code = file_same(path, content, &same);
	else
		same = lstat(path, &info) < 0;
	if (code < 0)
		return error_set_errno(err, code, "%s", path);
	if (same)
		return 0;
	made->changed_count++;
	made->is_wide |= is_wide_change(name);
	if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
		return error_set_errno(err, -errno, "%s", path);
	if (!content) {
		remove_object(tree, name);
		return 0;
	}
	code = folder_make(folder);
	if (code == 0)
		code = file_clone(content, path, &now);
	return code < 0 ? error_set_errno(err, code, "%s", path) : 0;
}

static const struct patched_file *find_patched(const struct patched_files *files,
					       const char *name)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->items[i].path, name) == 0)
			return &files->items[i];
	return NULL;
}

static int put_patched(const struct tree_wish *wish,
		       const struct tree_info *donor, const char *tree,
		       uint64_t now_ns, struct tree_made *made,
		       struct error *err)
{
	const char *name;
	json_t *digest;
	int code = 0;

	for (size_t i = 0; code == 0 && i < wish->patched->count; i++)
		code = put_content(tree, wish->patched->items[i].path,
				   wish->patched->items[i].content, now_ns,
				   made, err);
	if (!donor)
		return code;
	/* What the donor's patches touched and ours do not. */
	json_object_foreach(donor->patched, name, digest) {
		cleanup_free char *original = path_join(wish->source->tree, name);
		struct stat info;

		(void)digest;
		if (code < 0 || find_patched(wish->patched, name))
			continue;
		code = put_content(tree, name,
				   lstat(original, &info) == 0 ? original : NULL,
				   now_ns, made, err);
	}
	return code;
}

/* --- making ------------------------------------------------------------------------ */

static int make_from(const struct tree_wish *wish, const struct donor *donor,
		     const char *tree, struct tree_made *made,
		     struct error *err)
{
	uint64_t now_ns = clock_wall_ns();
	const struct tree_clone clone = {
		.donor = donor->tree ? donor->tree : wish->source->tree,
		.donor_source = donor->source ? donor->source :
						wish->source->tree,
		.donor_patched = donor->tree ? donor->info.patched : NULL,
		.source = wish->source->tree, .to = tree,
		.source_newest_ns = wish->source->newest_ns,
		.now_ns = now_ns,
	};
	int code = kernel_tree_clone(&clone, err);

	if (code == 0)
		code = put_patched(wish, donor->tree ? &donor->info : NULL, tree,
				   now_ns, made, err);
	if (code < 0)
		return code;
	snprintf(made->donor_key, sizeof(made->donor_key), "%s", donor->info.key);
	made->donor_objects = donor->info.objects_count;
	if (donor->tree) {
		made->is_wide |= strcmp(donor->info.requests, wish->requests) != 0;
		made->is_wide |= clone.donor_source != clone.source &&
				 strcmp(clone.donor_source, clone.source) != 0;
	}
	return 0;
}

int kernel_tree_make(struct kernel_cache *cache, const struct tree_wish *wish,
		     bool from_scratch, const char *folder,
		     struct tree_made *ret_made, struct error *err)
{
	cleanup_with(donor_release) struct donor donor = { .tree = NULL };
	cleanup_free char *tree = path_join(folder, "tree");
	struct tree_made made = { .changed_count = 0 };
	int code = 0;

	if (!from_scratch)
		code = donor_find(cache, wish, &donor, err);
	if (code < 0)
		return code;
	if (donor.tree)
		log_info("%s: starting from the tree of %s (%s)", wish->phase,
			 donor.info.description, donor.info.key);
	progress_update(wish->phase, "preparing the tree", 0, 0, UINT64_MAX, NULL);
	code = make_from(wish, &donor, tree, &made, err);
	if (code < 0)
		return error_prefix(err, "preparing the tree");
	*ret_made = made;
	return 0;
}

/* --- storing ----------------------------------------------------------------------- */

/* What a walk over a built tree finds out. */
struct survey {
	uint64_t bytes, objects_count, newest_ns;
	uint64_t suspect_ns; /* remove what is newer; UINT64_MAX: nothing */
};

static void survey_folder(const char *folder, struct survey *survey);

/* A target that is newer than the record of its command was not finished; make
 * would believe it, since the command is the same. (Without a record it would
 * not.) */
static bool is_unfinished(const char *folder, const char *name,
			  const struct stat *info)
{
	cleanup_free char *path = string_format("%s/.%s.cmd", folder, name);
	struct stat record;

	return lstat(path, &record) == 0 &&
	       timespec_ns(&record.st_mtim) < timespec_ns(&info->st_mtim);
}

static void survey_entry(const char *folder, const char *name,
			 struct survey *survey)
{
	cleanup_free char *path = path_join(folder, name);
	uint64_t modified_ns;
	struct stat info;

	if (lstat(path, &info) < 0)
		return;
	modified_ns = timespec_ns(&info.st_mtim);
	if (S_ISDIR(info.st_mode)) {
		survey->bytes += (uint64_t)info.st_blocks * 512;
		survey_folder(path, survey);
		return;
	}
	if (info.st_nlink > 1)
		return;
	if (survey->suspect_ns != UINT64_MAX &&
	    (modified_ns >= survey->suspect_ns ||
	     is_unfinished(folder, name, &info))) {
		(void)unlink(path);
		return;
	}
	survey->bytes += (uint64_t)info.st_blocks * 512;
	survey->objects_count += strlen(name) > 2 &&
				 strcmp(name + strlen(name) - 2, ".o") == 0;
	if (modified_ns > survey->newest_ns)
		survey->newest_ns = modified_ns;
}

static void survey_folder(const char *folder, struct survey *survey)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;

	if (folder_list(folder, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++)
		survey_entry(folder, names.items[i], survey);
}

static json_t *patched_json(const struct patched_files *files)
{
	json_t *patched = json_object();

	for (size_t i = 0; i < files->count; i++)
		json_object_set_new(patched, files->items[i].path,
				    json_string(files->items[i].digest));
	return patched;
}

int kernel_tree_store(struct kernel_cache *cache, const struct tree_wish *wish,
		      enum tree_state state, const char *folder,
		      struct error *err)
{
	/* make removes what it was writing when it is told to end, but has only
	 * so long. */
	struct survey survey = {
		.suspect_ns = state == TREE_INTERRUPTED ?
			clock_wall_ns() - 5 * NS_PER_SECOND : UINT64_MAX,
	};
	cleanup_with(tree_info_release) struct tree_info info = {
		.folder = string_copy(folder),
		.base_name = string_copy(wish->base_name),
		.description = string_copy(wish->description),
		.source_instance = string_copy(wish->source->instance),
		.toolchain = string_copy(wish->toolchain),
		.requests = string_copy(wish->requests),
		.patched = patched_json(wish->patched),
		.is_complete = state == TREE_COMPLETE,
		.stored_ns = clock_wall_ns(),
	};
	cleanup_free char *tree = path_join(folder, "tree");
	int code;

	survey_folder(tree, &survey);
	info.bytes = survey.bytes;
	info.objects_count = survey.objects_count;
	info.newest_ns = survey.newest_ns;
	snprintf(info.key, sizeof(info.key), "%s", wish->key);
	snprintf(info.source_key, sizeof(info.source_key), "%s",
		 wish->source->key);
	code = tree_info_save(&info, err);
	if (code < 0)
		return code;
	return cache_install(cache, folder, ENTRY_TREE, wish->key, err);
}
