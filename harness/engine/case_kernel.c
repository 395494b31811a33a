/* case_kernel.c - the kernel's spec in a case: what it says in case.json, and
 * the patches and fragments themselves beside it, so that the kernel can be built
 * again when the cache has dropped it and the project has moved on.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "case_record.h"
#include "files.h"
#include "memory.h"
#include "run_json.h"

#define SOURCES_MAX 16
#define SERIES_BYTES_MAX (1u << 20)

static void set_text(json_t *object, const char *key, const char *value)
{
	json_object_set_new(object, key, run_json_text(value));
}

/* --- writing ---------------------------------------------------------------------- */

static json_t *source_json(const struct source_spec *source)
{
	json_t *object = json_object();

	set_text(object, "kind", source_kind_name(source->kind));
	set_text(object, "package", source->package);
	set_text(object, "suite", source->suite);
	set_text(object, "url", source->url);
	set_text(object, "ref", source->ref);
	set_text(object, "location", source->location);
	set_text(object, "sha256", source->sha256);
	set_text(object, "path", source->path);
	return object;
}

static json_t *base_names_json(const struct strvec *paths)
{
	json_t *names = json_array();

	for (size_t i = 0; i < paths->count; i++)
		json_array_append_new(names, json_string(path_base_name(paths->items[i])));
	return names;
}

json_t *case_kernel_json(const struct kernel_spec *spec)
{
	json_t *object = json_object(), *sources = json_array();

	for (size_t i = 0; i < spec->base.sources_count; i++)
		json_array_append_new(sources, source_json(&spec->base.sources[i]));
	set_text(object, "base", spec->base.name);
	set_text(object, "version", spec->base.version);
	json_object_set_new(object, "sources", sources);
	json_object_set_new(object, "series", base_names_json(&spec->series));
	json_object_set_new(object, "fragments", base_names_json(&spec->fragments));
	set_text(object, "cc", spec->cc);
	return object;
}

/* --- reading ------------------------------------------------------------------------ */

static enum source_kind read_kind(struct case_reader *reader, const json_t *object)
{
	static const enum source_kind kinds[] = { SOURCE_DEBIAN, SOURCE_GIT, SOURCE_TARBALL,
						  SOURCE_DIR };
	cleanup_free char *name = case_read_text(reader, object, "kind");

	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
		if (!strcmp(source_kind_name(kinds[i]), name))
			return kinds[i];
	case_complain(reader, "kind", "debian, git, tarball or dir");
	return SOURCE_DIR;
}

static void read_source(struct case_reader *reader, const json_t *object,
			struct source_spec *source)
{
	source->kind = read_kind(reader, object);
	source->package = case_read_text_or_null(reader, object, "package");
	source->suite = case_read_text_or_null(reader, object, "suite");
	source->url = case_read_text_or_null(reader, object, "url");
	source->ref = case_read_text_or_null(reader, object, "ref");
	source->location = case_read_text_or_null(reader, object, "location");
	source->sha256 = case_read_text_or_null(reader, object, "sha256");
	source->path = case_read_text_or_null(reader, object, "path");
}

static void read_sources(struct case_reader *reader, const json_t *object,
			 struct kernel_base *base)
{
	size_t count;
	const json_t *array = case_read_objects(reader, object, "sources", SOURCES_MAX, &count);

	base->sources = memory_alloc_array(count, sizeof(*base->sources));
	base->sources_count = count;
	for (size_t i = 0; i < count; i++)
		read_source(reader, json_array_get(array, i), &base->sources[i]);
}

/* Names only: nothing in a case leads out of its folder. */
static void read_paths(struct case_reader *reader, const json_t *object, const char *key,
		       const char *folder, struct strvec *ret)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;

	case_read_texts(reader, object, key, &names);
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.items[i];

		if (!*name || strchr(name, '/') || !strcmp(name, "..") || !strcmp(name, "."))
			case_complain(reader, key, "names without a slash");
		strvec_pushf(ret, "%s/%s/%s", folder, key, name);
	}
}

void case_kernel_read(struct case_reader *reader, const json_t *object, const char *folder,
		      struct kernel_spec *ret_spec)
{
	struct kernel_spec spec = { .cc = NULL };

	spec.base.name = case_read_text(reader, object, "base");
	spec.base.version = case_read_text(reader, object, "version");
	read_sources(reader, object, &spec.base);
	read_paths(reader, object, CASE_SERIES, folder, &spec.series);
	read_paths(reader, object, CASE_FRAGMENTS, folder, &spec.fragments);
	spec.cc = case_read_text_or_null(reader, object, "cc");
	*ret_spec = spec;
}

/* --- copying -------------------------------------------------------------------------- */

static int copy_file(const char *from, const char *to, struct error *err)
{
	cleanup_free char *parent = path_folder(to);
	int rc = folder_make(parent);

	if (!rc)
		rc = file_copy(from, to, 0644);
	return rc ? error_set_errno(err, rc, "%s: cannot be copied to %s", from, to) : 0;
}

/* The file `series` and the patches it names. */
static int copy_series(const char *from, const char *to, struct error *err)
{
	cleanup_free char *list = path_join(from, "series"), *text = NULL;
	cleanup_free char *copy = path_join(to, "series");
	cleanup_strvec struct strvec patches = STRVEC_INIT;
	int rc = file_read(list, SERIES_BYTES_MAX, &text, NULL);

	if (rc)
		return error_set_errno(err, rc, "%s", list);
	rc = patch_series_parse(list, text, &patches, err);
	if (!rc)
		rc = copy_file(list, copy, err);
	for (size_t i = 0; !rc && i < patches.count; i++) {
		cleanup_free char *patch = path_join(from, patches.items[i]);
		cleanup_free char *target = path_join(to, patches.items[i]);

		rc = copy_file(patch, target, err);
	}
	return rc;
}

/* Two folders or files of one name cannot stand beside each other. */
static int check_names(const struct strvec *paths, struct error *err)
{
	for (size_t i = 0; i < paths->count; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(path_base_name(paths->items[i]),
				    path_base_name(paths->items[j])))
				return error_set(err, -EEXIST, "%s and %s have the same name: "
						 "no case can hold both", paths->items[j],
						 paths->items[i]);
	return 0;
}

int case_kernel_copy(const struct kernel_spec *spec, const char *folder, struct error *err)
{
	int rc = check_names(&spec->series, err);

	if (!rc)
		rc = check_names(&spec->fragments, err);
	for (size_t i = 0; !rc && i < spec->series.count; i++) {
		size_t patches_max;
		cleanup_free char *from = series_split(spec->series.items[i], &patches_max);
		cleanup_free char *to = string_format("%s/%s/%s", folder, CASE_SERIES,
						      path_base_name(from));

		rc = copy_series(from, to, err);
	}
	for (size_t i = 0; !rc && i < spec->fragments.count; i++) {
		cleanup_free char *to = string_format("%s/%s/%s", folder, CASE_FRAGMENTS,
						      path_base_name(spec->fragments.items[i]));

		rc = copy_file(spec->fragments.items[i], to, err);
	}
	return rc;
}
