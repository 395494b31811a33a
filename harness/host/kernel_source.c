/* kernel_source.c - what the kinds of source have in common; tarballs. */
#include "kernel_source.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "kernel_source_private.h"
#include "log.h"
#include "memory.h"
#include "process.h"
#include "progress_ticker.h"
#include "unpack.h"

#define MAKEFILE_BYTES_MAX (1 << 20)
#define DOWNLOAD_TIMEOUT_NS (3600 * NS_PER_SECOND)
#define MIB (UINT64_C(1) << 20)

void source_record_release(struct source_record *record)
{
	free(record->version);
	free(record->location);
	free(record->identity);
	free(record->detail);
	*record = (struct source_record){ .version = NULL };
}

char *kernel_source_describe(const struct source_spec *source)
{
	const char *kind = source_kind_name(source->kind);

	switch (source->kind) {
	case SOURCE_DEBIAN:
		return string_format("%s %s %s%s%s", kind, source->suite,
				     source->package, source->package_version ? " " : "",
				     source->package_version ? source->package_version : "");
	case SOURCE_GIT:
		return string_format("%s %s %s", kind, source->url, source->ref);
	case SOURCE_TARBALL:
		return string_format("%s %s", kind, source->location);
	case SOURCE_DIR:
		break;
	}
	return string_format("%s %s", kind, source->path);
}

static void add_field(struct sha256 *hash, const char *key, const char *value)
{
	sha256_add_field(hash, key, value ? value : "");
}

int kernel_source_key(const struct source_spec *source,
		      char ret_key[SHA256_HEX_SIZE], struct error *err)
{
	struct sha256 *hash = sha256_new();
	int code = 0;

	add_field(hash, "kind", source_kind_name(source->kind));
	add_field(hash, "package", source->package);
	add_field(hash, "suite", source->suite);
	if (source->package_version)
		add_field(hash, "package_version", source->package_version);
	add_field(hash, "url", source->url);
	add_field(hash, "ref", source->ref);
	/* The checksum says what it is, wherever it lies. */
	if (source->kind == SOURCE_TARBALL)
		add_field(hash, "sha256", source->sha256);
	add_field(hash, "path", source->path);
	if (source->kind == SOURCE_DIR)
		code = source_dir_hash(source->path, hash, err);
	if (code < 0) {
		sha256_free(hash);
		return code;
	}
	sha256_finish(hash, ret_key);
	return 0;
}

/* Value of "NAME = value" in the Makefile's head; owned, "" if empty, NULL if
 * not there. */
static char *makefile_value(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *rest;

		line += *line == '\n';
		if (strncmp(line, name, length) != 0)
			continue;
		rest = line + length + strspn(line + length, " \t");
		if (*rest != '=')
			continue;
		rest++;
		rest += strspn(rest, " \t");
		return string_copy_n(rest, strcspn(rest, " \t\r\n#"));
	}
	return NULL;
}

int kernel_source_version(const char *tree, char **ret_version,
			  struct error *err)
{
	cleanup_free char *path = path_join(tree, "Makefile"), *text = NULL;
	cleanup_free char *version = NULL, *level = NULL, *sublevel = NULL;
	cleanup_free char *extra = NULL;
	int code = file_read(path, MAKEFILE_BYTES_MAX, &text, NULL);

	if (code < 0)
		return error_set_errno(err, code, "%s", path);
	version = makefile_value(text, "VERSION");
	level = makefile_value(text, "PATCHLEVEL");
	sublevel = makefile_value(text, "SUBLEVEL");
	extra = makefile_value(text, "EXTRAVERSION");
	if (!version || !*version || !level || !*level || !sublevel)
		return error_set(err, -EINVAL,
				 "%s: no kernel's Makefile: expected VERSION, "
				 "PATCHLEVEL and SUBLEVEL", path);
	*ret_version = string_format("%s.%s.%s%s", version, level,
				     *sublevel ? sublevel : "0",
				     extra ? extra : "");
	return 0;
}

static bool version_fits(const char *found, const char *wanted)
{
	size_t length = strlen(wanted);

	return strncmp(found, wanted, length) == 0 &&
	       (found[length] == '\0' || found[length] == '.' ||
		found[length] == '-');
}

static int check_version(const char *tree, const char *wanted,
			 char **ret_version, struct error *err)
{
	cleanup_free char *found = NULL;
	int code = kernel_source_version(tree, &found, err);

	if (code < 0)
		return code;
	if (wanted && !version_fits(found, wanted))
		return error_set(err, -EINVAL,
				 "its Makefile says version %s; expected %s",
				 found, wanted);
	*ret_version = take_pointer(found);
	return 0;
}

static void tell_unpacking(void *context, uint64_t done_bytes,
			   uint64_t total_bytes)
{
	const struct source_job *job = context;

	progress_update(job->phase, "unpacking", done_bytes / MIB,
			total_bytes / MIB, UINT64_MAX, "MiB");
}

/* The one folder in the unpacked archive, or the archive's own top. */
static int find_top(const char *unpacked, char **ret_top, struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_free char *makefile = path_join(unpacked, "Makefile");
	int code = folder_list(unpacked, &names);

	if (code < 0)
		return error_set_errno(err, code, "%s", unpacked);
	if (path_exists(makefile)) {
		*ret_top = string_copy(unpacked);
		return 0;
	}
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *top = path_join(unpacked, names.items[i]);
		cleanup_free char *inner = path_join(top, "Makefile");

		if (path_is_folder(top) && path_exists(inner)) {
			*ret_top = take_pointer(top);
			return 0;
		}
	}
	return error_set(err, -EINVAL, "no kernel tree in the archive");
}

int source_unpack(const struct source_job *job, const char *archive,
		  const char *const *inside, struct error *err)
{
	cleanup_free char *unpacked = path_join(job->folder, "unpacked");
	cleanup_free char *top = NULL;
	const struct unpack_request request = {
		.path = archive, .inside = inside, .folder = unpacked,
		.on_progress = tell_unpacking,
		.context = (void *)(uintptr_t)job,
	};
	int code;

	progress_update(job->phase, "unpacking", 0, 0, UINT64_MAX, NULL);
	code = unpack_archive(&request, err);
	if (code < 0)
		return code;
	code = find_top(unpacked, &top, err);
	if (code < 0)
		return code;
	if (rename(top, job->tree) < 0)
		return error_set_errno(err, -errno, "renaming %s", top);
	return 0;
}

/* --- tarball ---------------------------------------------------------------- */

static int download_with(const char *const *argv, const char *place,
			 const struct source_job *job, struct error *err)
{
	const struct process_options options = {
		.timeout_ns = DOWNLOAD_TIMEOUT_NS,
	};
	cleanup_ticker struct progress_ticker *ticker =
		progress_ticker_start(job->phase, "fetching",
				      job->source->location, place, 0);

	return process_run(argv, &options, NULL, err);
}

static int download(const struct source_job *job, const char *place,
		    struct error *err)
{
	const char *url = job->source->location;
	const char *const curl[] = {
		"curl", "--fail", "--location", "--silent", "--show-error",
		"--retry", "2", "--connect-timeout", "30", "--output", place,
		"--url", url, NULL,
	};
	const char *const wget[] = {
		"wget", "--no-verbose", "--tries=3", "--timeout=30", "-O", place,
		"--", url, NULL,
	};
	cleanup_free char *curl_path = process_find_program("curl");
	cleanup_free char *wget_path = process_find_program("wget");

	if (!curl_path && !wget_path)
		return error_set(err, -ENOENT,
				 "needs curl or wget (packages of those names) "
				 "to fetch %s", url);
	return download_with(curl_path ? curl : wget, place, job, err);
}

/* The path of the tarball on this machine; downloads it if need be. */
static int locate_tarball(const struct source_job *job, char **ret_path,
			  struct error *err)
{
	const char *location = job->source->location;
	cleanup_free char *place = path_join(job->folder, "download");
	int code;

	if (strncmp(location, "file://", 7) == 0)
		location += 7;
	if (!strstr(location, "://")) {
		*ret_path = string_copy(location);
		return 0;
	}
	code = download(job, place, err);
	if (code == 0)
		*ret_path = take_pointer(place);
	return code;
}

int source_fetch_tarball(const struct source_job *job,
			 struct source_record *record, struct error *err)
{
	cleanup_free char *path = NULL;
	char found[SHA256_HEX_SIZE];
	int code = locate_tarball(job, &path, err);

	if (code < 0)
		return code;
	progress_update(job->phase, "verifying", 0, 0, UINT64_MAX, NULL);
	code = sha256_of_file(path, found);
	if (code < 0)
		return error_set_errno(err, code, "%s", path);
	if (strcasecmp(found, job->source->sha256) != 0)
		return error_set(err, -EBADMSG,
				 "%s: its SHA-256 is %s; expected %s",
				 job->source->location, found,
				 job->source->sha256);
	code = source_unpack(job, path, NULL, err);
	if (code < 0)
		return code;
	record->location = string_copy(job->source->location);
	record->identity = string_format("sha256:%s", found);
	record->detail = string_copy("");
	return 0;
}

/* ------------------------------------------------------------------------- */

static int fetch(const struct source_job *job, struct source_record *record,
		 struct error *err)
{
	switch (job->source->kind) {
	case SOURCE_DEBIAN:
		return source_fetch_debian(job, record, err);
	case SOURCE_GIT:
		return source_fetch_git(job, record, err);
	case SOURCE_TARBALL:
		return source_fetch_tarball(job, record, err);
	case SOURCE_DIR:
		return source_fetch_dir(job, record, err);
	}
	return error_set(err, -EINVAL, "unknown kind of source");
}

int kernel_source_fetch(const struct source_spec *source, const char *version,
			const char *phase, const char *folder,
			const char *previous, struct source_record *ret_record,
			struct error *err)
{
	cleanup_with(source_record_release) struct source_record record = {
		.kind = source->kind,
	};
	cleanup_free char *tree = path_join(folder, "tree");
	const struct source_job job = {
		.source = source, .phase = phase, .folder = folder,
		.previous = previous, .tree = tree,
	};
	int code = fetch(&job, &record, err);

	if (code == 0)
		code = check_version(tree, version, &record.version, err);
	if (code < 0)
		return code;
	*ret_record = record;
	record = (struct source_record){ .version = NULL };
	return 0;
}

int kernel_source_resolve(const struct source_spec *source, const char *folder,
			  char **ret_identity, struct error *err)
{
	if (source->kind == SOURCE_GIT)
		return source_resolve_git(source, folder, ret_identity, err);
	if (source->kind == SOURCE_DEBIAN)
		return source_resolve_debian(source, folder, ret_identity, err);
	return error_set(err, -EOPNOTSUPP, "a %s is what its base says",
			 source_kind_name(source->kind));
}
