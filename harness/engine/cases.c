/* cases.c - kept cases as folders: named, written whole, found again. */
#include "cases.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "case_record.h"
#include "clock.h"
#include "files.h"
#include "hash.h"
#include "memory.h"
#include "suggest.h"

#define RECORD_BYTES_MAX (16u << 20)
#define NAME_TITLE_MAX 36
#define KEY_DIGITS 8

void kept_case_release(struct kept_case *kept)
{
	free(kept->name);
	free(kept->origin);
	symptoms_release(&kept->expected);
	replay_world_release(&kept->world);
	*kept = (struct kept_case){ .name = NULL };
}

static char *cases_path(const char *results_dir, const char *name)
{
	return string_format("%s/%s/%s", results_dir, CASES_FOLDER, name);
}

/* --- reading ---------------------------------------------------------------------- */

int case_open(const char *folder, struct kept_case *ret_case, struct error *err)
{
	cleanup_free char *absolute = path_absolute(folder), *text = NULL;
	cleanup_free char *record = path_join(absolute, CASE_RECORD);
	size_t length;
	int rc = file_read(record, RECORD_BYTES_MAX, &text, &length);

	if (rc)
		return error_set_errno(err, rc, "%s", record);
	rc = case_record_parse(text, length, absolute, ret_case, err);
	return rc ? error_prefix(err, "%s", record) : 0;
}

int case_load(const char *folder, struct replay_world *ret_world, struct error *err)
{
	cleanup_kept_case struct kept_case kept = { .name = NULL };
	int rc = case_open(folder, &kept, err);

	if (rc)
		return rc;
	*ret_world = kept.world;
	kept.world = (struct replay_world){ .name = NULL };
	return 0;
}

int cases_list(const char *results_dir, struct strvec *ret_names, struct error *err)
{
	cleanup_free char *folder = path_join(results_dir, CASES_FOLDER);
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int rc = path_exists(folder) ? folder_list(folder, &names) : 0;

	if (rc)
		return error_set_errno(err, rc, "%s", folder);
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *record = string_format("%s/%s/%s", folder, names.items[i],
							  CASE_RECORD);

		/* Not what was being written when the program died (".new-..."). */
		if (names.items[i][0] != '.' && path_exists(record))
			strvec_push(ret_names, names.items[i]);
	}
	return 0;
}

int case_resolve(const char *results_dir, const char *name, char **ret_folder,
		 struct error *err)
{
	cleanup_free char *folder = strchr(name, '/') ? path_absolute(name) :
				    cases_path(results_dir, name);
	cleanup_free char *record = path_join(folder, CASE_RECORD);
	cleanup_strvec struct strvec names = STRVEC_INIT;
	const char *nearest;
	int rc;

	if (path_exists(record)) {
		*ret_folder = take_pointer(folder);
		return 0;
	}
	rc = cases_list(results_dir, &names, err);
	if (rc)
		return rc;
	nearest = suggest_nearest(name, (const char *const *)names.items, names.count);
	return error_set(err, -ENOENT, "no case \"%s\" in %s/%s%s%s%s", name, results_dir,
			 CASES_FOLDER, nearest ? " (did you mean \"" : "",
			 nearest ? nearest : "", nearest ? "\"?)" : "");
}

int cases_find(const char *results_dir, const struct symptom *symptom, const char *kernel_key,
	       char **ret_name, struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int rc = cases_list(results_dir, &names, err);

	*ret_name = NULL;
	for (size_t i = 0; !rc && !*ret_name && i < names.count; i++) {
		cleanup_free char *folder = cases_path(results_dir, names.items[i]);
		cleanup_kept_case struct kept_case kept = { .name = NULL };

		rc = case_open(folder, &kept, err);
		if (!rc && !strcmp(kept.world.kernel_key, kernel_key) &&
		    symptoms_contain(&kept.expected, symptom))
			*ret_name = string_copy(names.items[i]);
	}
	return rc;
}

/* --- keeping ------------------------------------------------------------------------ */

/* "WARNING in f" and seed 7 > "warning-in-f-seed7". */
static char *plain_name(const char *title, uint64_t seed)
{
	cleanup_strbuf struct strbuf name = STRBUF_INIT;

	for (const char *at = title; *at && name.length < NAME_TITLE_MAX; at++) {
		if (isalnum((unsigned char)*at) || *at == '_')
			strbuf_addc(&name, (char)tolower((unsigned char)*at));
		else if (name.length && name.data[name.length - 1] != '-')
			strbuf_addc(&name, '-');
	}
	while (name.length && name.data[name.length - 1] == '-')
		strbuf_cut(&name, name.length - 1);
	return string_format("%s%sseed%llu", name.data, name.length ? "-" : "",
			     (unsigned long long)seed);
}

/* One that no case has: another kernel may have failed with this title and seed, or
 * this one in another way. */
static char *free_name(const char *results_dir, const struct kept_case *kept)
{
	cleanup_free char *plain = plain_name(kept->expected.items[0].title,
					      kept->world.seed.number);
	char *name = string_copy(plain);

	for (unsigned int i = 1;; i++) {
		cleanup_free char *folder = cases_path(results_dir, name);

		if (!path_exists(folder))
			return name;
		free(name);
		name = i == 1 ? string_format("%s-%.*s", plain, KEY_DIGITS, kept->world.kernel_key) :
				string_format("%s-%.*s-%u", plain, KEY_DIGITS,
					      kept->world.kernel_key, i);
	}
}

static int copy_into(const char *from, const char *folder, const char *name, bool is_needed,
		     struct error *err)
{
	cleanup_free char *to = path_join(folder, name);
	int rc = file_copy(from, to, 0644);

	if (rc == -ENOENT && !is_needed)
		return 0;
	return rc ? error_set_errno(err, rc, "%s: cannot be copied to %s", from, to) : 0;
}

static int copy_artifacts(const struct replay_world *world, const char *folder,
			  struct error *err)
{
	static const struct {
		const char *name;
		bool is_needed;
	} files[] = { { "console.log", true }, { "results.log", true }, { "counts", false } };
	int rc = copy_into(world->common_path, folder, CASE_COMMON, true, err);

	if (!rc)
		rc = copy_into(world->plan_path, folder, CASE_PLAN, true, err);
	for (size_t i = 0; !rc && i < ARRAY_COUNT(files); i++) {
		cleanup_free char *from = path_join(world->folder, files[i].name);

		rc = copy_into(from, folder, files[i].name, files[i].is_needed, err);
	}
	return rc;
}

static int fill_folder(const struct kept_case *kept, const char *folder, struct error *err)
{
	cleanup_free char *record = path_join(folder, CASE_RECORD);
	cleanup_free char *text = case_record_format(kept);
	int rc = folder_make(folder);

	if (rc)
		return error_set_errno(err, rc, "%s", folder);
	rc = copy_artifacts(&kept->world, folder, err);
	if (!rc)
		rc = case_kernel_copy(&kept->world.kernel, folder, err);
	if (rc)
		return rc;
	rc = file_write_atomic(record, text, strlen(text), 0644);
	return rc ? error_set_errno(err, rc, "%s", record) : 0;
}

/* Beside its place first, so that a case is whole or not there. */
static int write_case(const char *results_dir, const struct kept_case *kept, struct error *err)
{
	cleanup_free char *beside = string_format(".new-%s-%d", kept->name, (int)getpid());
	cleanup_free char *new = cases_path(results_dir, beside);
	cleanup_free char *folder = cases_path(results_dir, kept->name);
	int rc = fill_folder(kept, new, err);

	if (!rc && rename(new, folder) < 0)
		rc = error_set_errno(err, -errno, "%s: cannot be put in place", folder);
	if (rc)
		(void)!folder_remove(new);
	return rc ? error_prefix(err, "case %s", kept->name) : 0;
}

/* Whether every symptom has a case already; then *ret_name is the first one's. */
static int find_kept(const char *results_dir, const struct kept_case *kept, bool *ret_all,
		     char **ret_name, struct error *err)
{
	cleanup_free char *first = NULL;
	bool all = true;

	for (size_t i = 0; i < kept->expected.count; i++) {
		cleanup_free char *name = NULL;
		int rc = cases_find(results_dir, &kept->expected.items[i], kept->world.kernel_key,
				    &name, err);

		if (rc)
			return rc;
		all = all && name;
		if (i == 0)
			first = take_pointer(name);
	}
	*ret_all = all;
	*ret_name = take_pointer(first);
	return 0;
}

/* kept borrows the world here: it is not released. */
static int keep(const char *results_dir, struct kept_case *kept, char **ret_name,
		struct error *err)
{
	cleanup_free char *name = NULL;
	bool is_kept;
	int rc = find_kept(results_dir, kept, &is_kept, &name, err);

	if (rc)
		return rc;
	if (is_kept) {
		*ret_name = take_pointer(name);
		return 0;
	}
	kept->name = free_name(results_dir, kept);
	rc = write_case(results_dir, kept, err);
	if (!rc)
		*ret_name = string_copy(name ? name : kept->name);
	free(take_pointer(kept->name));
	return rc;
}

int case_keep(const char *results_dir, const struct replay_world *world, const char *origin,
	      char **ret_name, struct error *err)
{
	cleanup_symptoms struct symptoms expected = SYMPTOMS_INIT;
	cleanup_free char *copy = string_copy(origin);
	char key[SHA256_HEX_SIZE];
	struct kept_case kept = {
		.origin = copy, .kept_wall_ns = clock_wall_ns(), .world = *world,
	};

	symptoms_add_trial(&expected, world->outcome, world->reason, world->findings,
			   world->findings_count);
	if (!expected.count)
		return error_set(err, -EINVAL, "%s passed: there is nothing to keep",
				 world->name);
	kept.expected = expected;
	if (!world->kernel_key) {
		int rc = kernel_spec_key(&world->kernel, key, err);

		if (rc)
			return rc;
		kept.world.kernel_key = key;
	}
	return keep(results_dir, &kept, ret_name, err);
}
