/* kernel_source_debian.c - a linux-source package from Debian's archive,
 * through apt-get with a state of its own: the machine's lists, cache and
 * configuration are read, never written. What is fetched is verified by apt
 * against Debian's keyring; unsigned is never accepted.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "kernel_source_private.h"
#include "log.h"
#include "memory.h"
#include "process.h"
#include "progress_ticker.h"

#define KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"
#define TIMEOUT_NS (3600 * NS_PER_SECOND)

static const char *const plain_language[] = { "LC_ALL=C", NULL };

/* One index that the machine's own apt knows. */
struct index_target {
	char *fields[6]; /* borrowed: component, origin, release, codename, suite, URI */
};

enum { COMPONENT, ORIGIN, RELEASE, CODENAME, SUITE, URI };

static bool parse_target(char *line, struct index_target *ret)
{
	for (size_t i = 0; i < ARRAY_COUNT(ret->fields); i++) {
		ret->fields[i] = strsep(&line, "|");
		if (!ret->fields[i])
			return false;
		/* apt leaves a field that it does not know as it stands. */
		if (strncmp(ret->fields[i], "$(", 2) == 0)
			ret->fields[i] = (char *)(uintptr_t)"";
	}
	return true;
}

/* 2: Debian's main archive by its signed Release file; 1: looks like it (no
 * lists fetched yet); 0: something else. */
static int target_rank(const struct index_target *target)
{
	const char *uri = target->fields[URI];
	size_t length = strlen(uri);

	if (strcmp(target->fields[COMPONENT], "main") != 0 || !*uri)
		return 0;
	for (int field = RELEASE; field <= URI; field++)
		if (strstr(target->fields[field], "security"))
			return 0;
	if (strcmp(target->fields[ORIGIN], "Debian") == 0)
		return 2;
	if (*target->fields[ORIGIN])
		return 0;
	while (length && uri[length - 1] == '/')
		length--;
	return length > 7 && strncmp(uri + length - 7, "/debian", 7) == 0;
}

/* The mirror that this machine already uses; owned. */
static int find_mirror(char **ret_uri, struct error *err)
{
	static const char *const argv[] = {
		"apt-get", "indextargets", "--format",
		"$(COMPONENT)|$(ORIGIN)|$(RELEASE)|$(CODENAME)|$(SUITE)|$(REPO_URI)",
		"Created-By: Packages", NULL,
	};
	const struct process_options options = {
		.capture = true, .environment = plain_language,
	};
	cleanup_free char *output = NULL;
	char *rest, *line, *best = NULL;
	int code = process_run(argv, &options, &output, err), best_rank = 0;

	if (code < 0)
		return code;
	for (rest = output; (line = strsep(&rest, "\n")) != NULL;) {
		struct index_target target;

		if (!parse_target(line, &target) ||
		    target_rank(&target) <= best_rank)
			continue;
		best_rank = target_rank(&target);
		best = target.fields[URI];
	}
	if (!best)
		return error_set(err, -ENOENT,
				 "no Debian archive among this machine's apt "
				 "sources (apt-get indextargets)");
	*ret_uri = string_copy(best);
	return 0;
}

static int write_text(const char *folder, const char *name,
		      const struct strbuf *text, struct error *err)
{
	cleanup_free char *path = path_join(folder, name);
	int code = file_write_atomic(path, text->data, text->length, 0644);

	return code < 0 ? error_set_errno(err, code, "%s", path) : 0;
}

static void add_setting(struct strbuf *text, const char *name,
			const char *folder, const char *value)
{
	cleanup_free char *path = folder ? path_join(folder, value) :
					   string_copy(value);

	strbuf_addf(text, "%s \"%s\";\n", name, path);
}

/* apt.conf, read after the machine's own (whose proxy settings stay). */
static int write_configuration(const char *folder, struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	/* Hooks of the machine would work on its own cache. */
	strbuf_adds(&text, "#clear APT::Update::Pre-Invoke;\n"
			   "#clear APT::Update::Post-Invoke;\n"
			   "#clear APT::Update::Post-Invoke-Success;\n");
	add_setting(&text, "Dir::Etc::SourceList", folder, "sources.list");
	add_setting(&text, "Dir::Etc::SourceParts", NULL, "/dev/null");
	add_setting(&text, "Dir::Etc::Preferences", NULL, "/dev/null");
	add_setting(&text, "Dir::Etc::PreferencesParts", NULL, "/dev/null");
	add_setting(&text, "Dir::State", folder, "state");
	add_setting(&text, "Dir::State::Lists", folder, "state/lists");
	add_setting(&text, "Dir::State::status", folder, "state/status");
	add_setting(&text, "Dir::Cache", folder, "cache");
	add_setting(&text, "Dir::Cache::archives", folder, "cache/archives");
	add_setting(&text, "Dir::Log", folder, "state");
	add_setting(&text, "Acquire::Languages", NULL, "none");
	add_setting(&text, "Acquire::Retries", NULL, "2");
	add_setting(&text, "Acquire::AllowInsecureRepositories", NULL, "false");
	add_setting(&text, "Acquire::AllowWeakRepositories", NULL, "false");
	add_setting(&text, "Acquire::AllowDowngradeToInsecureRepositories", NULL,
		    "false");
	add_setting(&text, "APT::Get::AllowUnauthenticated", NULL, "false");
	/* The sandbox user could not write into a private cache. */
	if (geteuid() == 0)
		add_setting(&text, "APT::Sandbox::User", NULL, "root");
	return write_text(folder, "apt.conf", &text, err);
}

static int prepare_state(const char *folder, const char *mirror,
			 const char *suite, struct error *err)
{
	static const char *const folders[] = {
		"state/lists/partial", "cache/archives/partial",
	};
	cleanup_strbuf struct strbuf nothing = STRBUF_INIT, list = STRBUF_INIT;
	int code;

	if (!path_exists(KEYRING))
		return error_set(err, -ENOENT,
				 "%s is missing: install the package "
				 "debian-archive-keyring", KEYRING);
	for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
		cleanup_free char *path = path_join(folder, folders[i]);

		code = folder_make(path);
		if (code < 0)
			return error_set_errno(err, code, "%s", path);
	}
	strbuf_addf(&list, "deb [signed-by=" KEYRING "] %s %s main\n", mirror,
		    suite);
	code = write_text(folder, "sources.list", &list, err);
	if (code == 0)
		code = write_text(folder, "state/status", &nothing, err);
	if (code == 0)
		code = write_configuration(folder, err);
	return code;
}

static int run_apt(const char *folder, const char *const *words,
		   bool capture, char **ret_output, struct error *err)
{
	cleanup_free char *configuration = path_join(folder, "apt.conf");
	cleanup_strvec struct strvec argv = STRVEC_INIT;
	const struct process_options options = {
		.folder = folder, .capture = capture,
		.environment = plain_language, .timeout_ns = TIMEOUT_NS,
	};

	strvec_push(&argv, "apt-get");
	strvec_push(&argv, "--config-file");
	strvec_push(&argv, configuration);
	strvec_push(&argv, "-q");
	strvec_push_all(&argv, words);
	return process_run((const char *const *)argv.items, &options,
			   ret_output, err);
}

/* What `apt-get --print-uris download` says: 'URL' NAME BYTES SHA256:HEX */
struct package_file {
	char url[1024], name[256], sha256[SHA256_HEX_SIZE];
	unsigned long long bytes;
};

/* "PACKAGE" or "PACKAGE=VERSION"; owned. */
static char *package_word(const struct source_spec *source)
{
	return source->package_version ?
	       string_format("%s=%s", source->package, source->package_version) :
	       string_copy(source->package);
}

static int find_package(const char *folder, const struct source_spec *source,
			struct package_file *ret_file, struct error *err)
{
	cleanup_free char *package = package_word(source);
	const char *const words[] = { "--print-uris", "download", package, NULL };
	cleanup_free char *output = NULL;
	int code = run_apt(folder, words, true, &output, err);

	if (code < 0)
		return error_prefix(err, "package %s in %s", source->package,
				    source->suite);
	if (sscanf(output, "'%1023[^']' %255s %llu SHA256:%64[0-9a-f]",
		   ret_file->url, ret_file->name, &ret_file->bytes,
		   ret_file->sha256) != 4 || strchr(ret_file->name, '/'))
		return error_set(err, -EBADMSG,
				 "package %s in %s: unexpected answer of "
				 "apt-get: %.200s", source->package,
				 source->suite, output);
	return 0;
}

/* The unpacked tree is 10 times the size of the package. */
static int check_space(const struct source_job *job,
		       const struct package_file *file, struct error *err)
{
	uint64_t free_bytes, needed_bytes = file->bytes * 11;
	int code = disk_free_bytes(job->folder, &free_bytes);

	if (code < 0)
		return error_set_errno(err, code, "%s", job->folder);
	if (free_bytes >= needed_bytes)
		return 0;
	return error_set(err, -ENOSPC,
			 "%s: %llu MiB free; unpacking %s needs about %llu MiB",
			 job->folder, (unsigned long long)(free_bytes >> 20),
			 file->name, (unsigned long long)(needed_bytes >> 20));
}

static int download_package(const struct source_job *job, const char *folder,
			    const struct package_file *file, struct error *err)
{
	cleanup_free char *package = package_word(job->source);
	const char *const words[] = { "download", package, NULL };
	cleanup_free char *from = string_format("from %s", file->url);
	cleanup_ticker struct progress_ticker *ticker = progress_ticker_start(
		job->phase, "fetching", from, folder, file->bytes);

	return run_apt(folder, words, false, NULL, err);
}

/* "7.3.4-1~bpo13+1" out of "linux-source-7.3_7.3.4-1~bpo13+1_all.deb"; owned. */
static char *package_version(const char *file_name)
{
	const char *start = strchr(file_name, '_');

	return start ? string_copy_n(start + 1, strcspn(start + 1, "_")) :
		       string_copy("");
}

/* Brings the lists of its suite up to date and looks the package up in them. */
static int look_up_package(const struct source_spec *source, const char *folder,
			   struct package_file *ret_file, struct error *err)
{
	static const char *const update[] = { "update", "--error-on=any", NULL };
	cleanup_free char *mirror = NULL;
	int code = find_mirror(&mirror, err);

	if (code < 0)
		return code;
	code = prepare_state(folder, mirror, source->suite, err);
	if (code < 0)
		return code;
	code = run_apt(folder, update, false, NULL, err);
	if (code < 0)
		return error_prefix(err, "suite %s of %s", source->suite, mirror);
	return find_package(folder, source, ret_file, err);
}

int source_resolve_debian(const struct source_spec *source, const char *folder,
			  char **ret_version, struct error *err)
{
	struct package_file file;
	int code = look_up_package(source, folder, &file, err);

	if (code == 0)
		*ret_version = package_version(file.name);
	return code;
}

static int fetch_package(const struct source_job *job, const char *folder,
			 struct package_file *ret_file, struct error *err)
{
	int code = look_up_package(job->source, folder, ret_file, err);

	if (code < 0)
		return code;
	code = check_space(job, ret_file, err);
	if (code < 0)
		return code;
	return download_package(job, folder, ret_file, err);
}

int source_fetch_debian(const struct source_job *job,
			struct source_record *record, struct error *err)
{
	cleanup_free char *folder = path_join(job->folder, "apt");
	cleanup_free char *pattern =
		string_format("%s.tar*", job->source->package);
	const char *const inside[] = { "data.tar*", pattern, NULL };
	cleanup_free char *path = NULL;
	struct package_file file;
	int code;

	progress_update(job->phase, "fetching", 0, 0, UINT64_MAX,
			"package lists");
	code = fetch_package(job, folder, &file, err);
	if (code < 0)
		return code;
	path = path_join(folder, file.name);
	code = source_unpack(job, path, inside, err);
	if (code < 0)
		return code;
	record->location = string_copy(file.url);
	record->identity = string_format("sha256:%s", file.sha256);
	record->detail = package_version(file.name);
	return 0;
}
