/* kernel_estimate.c - see kernel_estimate.h. */
#include "kernel_estimate.h"

#include <string.h>

#include "clock.h"
#include "files.h"
#include "kernel_records.h"
#include "memory.h"

/* A build that compiled less than this part of the most that one did began near. */
#define NEAR_PART 4

/* "linux-7.3 + padata-mt (base vm)" of "linux-7.3 + padata-mt@3 (base vm), 7.3.4" (as
 * kernel_inputs_describe writes it); owned. */
static char *kind_of(const char *description)
{
	cleanup_strbuf struct strbuf kind = STRBUF_INIT;

	for (const char *at = description; *at; at++) {
		if (*at == '@')
			at += strspn(at + 1, "0123456789") + 1;
		strbuf_addc(&kind, *at);
		if (*at == ')')
			break;
	}
	return strbuf_detach(&kind);
}

static char *fragments_of(const struct kernel_spec *spec)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < spec->fragments.count; i++) {
		const char *name = path_base_name(spec->fragments.items[i]);

		strbuf_addf(&text, "%s%.*s", i ? " " : "(", (int)strcspn(name, "."), name);
	}
	strbuf_addc(&text, ')');
	return strbuf_detach(&text);
}

static char *kind_of_spec(const struct kernel_spec *spec, const char *fragments)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, spec->base.name);
	for (size_t i = 0; i < spec->series.count; i++) {
		size_t patches_max;
		cleanup_free char *folder = series_split(spec->series.items[i], &patches_max);

		strbuf_addf(&text, " + %s", path_base_name(folder));
	}
	strbuf_addf(&text, " %s", fragments);
	return strbuf_detach(&text);
}

/* --- what was built ------------------------------------------------------------------ */

static void read_tree(const char *folder, struct strvec *trees)
{
	cleanup_json json_t *record = NULL;
	cleanup_free char *kind = NULL;

	if (record_load(folder, "tree.json", &record, NULL))
		return;
	kind = kind_of(record_text(record, "description"));
	strvec_push(trees, kind);
}

static void read_kernel(const char *folder, struct kernel_estimate *estimate)
{
	cleanup_json json_t *record = NULL;
	double seconds;
	const char *fragments;

	if (record_load(folder, "kernel.json", &record, NULL))
		return;
	seconds = json_number_value(json_object_get(record, "build_seconds"));
	fragments = strchr(record_text(record, "description"), '(');
	if (!(seconds > 0) || !fragments)
		return;
	estimate->seen = memory_realloc_array(estimate->seen, estimate->count + 1,
					      sizeof(*estimate->seen));
	estimate->seen[estimate->count++] = (struct kernel_build_seen){
		.base = string_copy(record_text(record, "base")),
		.fragments = string_copy_n(fragments, strcspn(fragments, ")") + 1),
		.objects_count = record_number(record, "objects_count"),
		.build_ns = (uint64_t)(seconds * (double)NS_PER_SECOND),
	};
}

void kernel_estimate_begin(struct kernel_cache *cache, struct kernel_estimate *ret)
{
	cleanup_free char *trees = path_join(kernel_cache_path(cache), "trees");
	cleanup_free char *kernels = path_join(kernel_cache_path(cache), "kernels");
	cleanup_strvec struct strvec tree_keys = STRVEC_INIT, kernel_keys = STRVEC_INIT;

	*ret = (struct kernel_estimate){ .cache = cache };
	(void)!folder_list(trees, &tree_keys);
	(void)!folder_list(kernels, &kernel_keys);
	for (size_t i = 0; i < tree_keys.count; i++) {
		cleanup_free char *folder = path_join(trees, tree_keys.items[i]);

		read_tree(folder, &ret->trees);
	}
	for (size_t i = 0; i < kernel_keys.count; i++) {
		cleanup_free char *folder = path_join(kernels, kernel_keys.items[i]);

		read_kernel(folder, ret);
	}
}

void kernel_estimate_end(struct kernel_estimate *estimate)
{
	for (size_t i = 0; i < estimate->count; i++) {
		free(estimate->seen[i].base);
		free(estimate->seen[i].fragments);
	}
	free(estimate->seen);
	strvec_release(&estimate->trees);
	*estimate = (struct kernel_estimate){ .cache = NULL };
}

/* --- the estimate -------------------------------------------------------------------- */

static int compare_ns(const void *a, const void *b)
{
	const uint64_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

/* base, fragments NULL: any. */
static uint64_t median_ns(const struct kernel_estimate *estimate, const char *base,
			  const char *fragments, bool is_near, size_t *ret_count)
{
	cleanup_free uint64_t *times = memory_alloc_array(estimate->count, sizeof(*times));
	uint64_t most = 0;
	size_t count = 0;

	for (size_t i = 0; i < estimate->count; i++)
		if (estimate->seen[i].objects_count > most)
			most = estimate->seen[i].objects_count;
	for (size_t i = 0; i < estimate->count; i++) {
		const struct kernel_build_seen *seen = &estimate->seen[i];

		if ((!base || !strcmp(seen->base, base)) &&
		    (!fragments || !strcmp(seen->fragments, fragments)) &&
		    (seen->objects_count * NEAR_PART < most) == is_near)
			times[count++] = seen->build_ns;
	}
	qsort(times, count, sizeof(*times), compare_ns);
	*ret_count = count;
	return count ? times[count / 2] : 0;
}

uint64_t kernel_estimate_add(struct kernel_estimate *estimate, const struct kernel_spec *spec,
			     size_t *ret_seen_count)
{
	cleanup_free char *fragments = fragments_of(spec);
	cleanup_free char *kind = kind_of_spec(spec, fragments);
	bool is_near = strvec_contains(&estimate->trees, kind);
	const char *const nearest[][2] = { { spec->base.name, fragments },
					   { spec->base.name, NULL }, { NULL, NULL } };

	strvec_push(&estimate->trees, kind);
	for (size_t i = 0; i < ARRAY_COUNT(nearest); i++) {
		uint64_t ns = median_ns(estimate, nearest[i][0], nearest[i][1], is_near,
					ret_seen_count);

		if (*ret_seen_count)
			return ns;
	}
	return is_near ? KERNEL_ESTIMATE_NEAR_NS : KERNEL_ESTIMATE_FULL_NS;
}
