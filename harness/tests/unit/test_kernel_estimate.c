/* test_kernel_estimate.c - what builds are expected to take, by made-up records. */
#include "kernel_estimate.h"

#include <string.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "test.h"

static void cleanup_cache(struct kernel_cache **cache)
{
	kernel_cache_close(*cache);
}

static void write_record(const char *cache, const char *folder, const char *key,
			 const char *name, const char *text)
{
	cleanup_free char *entry = string_format("%s/%s/%s", cache, folder, key);
	cleanup_free char *path = path_join(entry, name);

	CU_ASSERT_EQUAL(folder_make(entry), 0);
	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), 0644), 0);
}

static void add_kernel(const char *cache, const char *key, const char *base,
		       const char *fragments, unsigned objects, double seconds)
{
	cleanup_free char *text = string_format(
		"{\"base\": \"%s\", \"description\": \"%s + mt@2 (%s), 7.3\", "
		"\"objects_count\": %u, \"build_seconds\": %.1f}", base, base, fragments, objects,
		seconds);

	write_record(cache, "kernels", key, "kernel.json", text);
}

/* Full builds of (base) 400, 500 and 600 s, of (base debug) 900 s; near ones 8 and 10 s. */
static char *make_cache(void)
{
	char *cache = path_join(test_temp_folder(), "cache");

	add_kernel(cache, "f1", "linux", "base", 1200, 600);
	add_kernel(cache, "f2", "linux", "base", 1000, 400);
	add_kernel(cache, "f3", "linux", "base", 300, 500);
	add_kernel(cache, "f4", "linux", "base debug", 1200, 900);
	add_kernel(cache, "n1", "linux", "base", 0, 8);
	add_kernel(cache, "n2", "linux", "base", 299, 10);
	write_record(cache, "kernels", "damaged", "kernel.json", "{\"base\": ");
	write_record(cache, "kernels", "empty", "kernel.json", "{}");
	write_record(cache, "trees", "t1", "tree.json",
		     "{\"description\": \"linux + mt@3 (base), 7.3.4\"}");
	return cache;
}

static void spec_make(struct kernel_spec *spec, const char *base, const char *series,
		      const char *fragments)
{
	cleanup_free char *copy = string_copy(fragments);
	char *rest = copy, *word;

	*spec = (struct kernel_spec){ .base = { .name = string_copy(base) } };
	if (series)
		strvec_pushf(&spec->series, "/p/kernel/series/%s", series);
	while ((word = strsep(&rest, " ")))
		strvec_pushf(&spec->fragments, "/p/kernel/fragments/%s.config", word);
}

static void check(struct kernel_estimate *estimate, const char *base, const char *series,
		  const char *fragments, uint64_t seconds, size_t seen)
{
	cleanup_with(kernel_spec_release) struct kernel_spec spec = { .cc = NULL };
	size_t seen_count = 99;

	spec_make(&spec, base, series, fragments);
	CU_ASSERT_EQUAL(kernel_estimate_add(estimate, &spec, &seen_count),
			seconds * NS_PER_SECOND);
	CU_ASSERT_EQUAL(seen_count, seen);
}

static void test_by_records(void)
{
	cleanup_free char *path = make_cache();
	cleanup_with(cleanup_cache) struct kernel_cache *cache = NULL;
	struct kernel_estimate estimate;
	struct error err = ERROR_INIT;

	if (!test_check(!kernel_cache_open(path, 0, &cache, &err)))
		return;
	kernel_estimate_begin(cache, &estimate);
	/* there is a tree of that series, with another number of patches */
	check(&estimate, "linux", "mt", "base", 10, 2);
	check(&estimate, "linux", "mt@1", "base", 10, 2);
	/* no tree, so all of it, and then there is one */
	check(&estimate, "linux", NULL, "base", 500, 3);
	check(&estimate, "linux", NULL, "base", 10, 2);
	check(&estimate, "linux", "pe", "base debug", 900, 1);
	/* fragments that were never built: as any of the base */
	check(&estimate, "linux", NULL, "base vm", 600, 4);
	/* a base that was never built: as any */
	check(&estimate, "other", NULL, "base vm", 600, 4);
	kernel_estimate_end(&estimate);
}

static void test_guesses(void)
{
	cleanup_free char *path = path_join(test_temp_folder(), "cache");
	cleanup_with(cleanup_cache) struct kernel_cache *cache = NULL;
	struct kernel_estimate estimate;
	struct error err = ERROR_INIT;

	if (!test_check(!kernel_cache_open(path, 0, &cache, &err)))
		return;
	kernel_estimate_begin(cache, &estimate);
	check(&estimate, "linux", NULL, "base", KERNEL_ESTIMATE_FULL_NS / NS_PER_SECOND, 0);
	check(&estimate, "linux", NULL, "base", KERNEL_ESTIMATE_NEAR_NS / NS_PER_SECOND, 0);
	check(&estimate, "linux", "mt", "base", KERNEL_ESTIMATE_FULL_NS / NS_PER_SECOND, 0);
	kernel_estimate_end(&estimate);
}

TEST_SUITE("kernel_estimate",
	   {"by records", test_by_records},
	   {"guesses", test_guesses})
