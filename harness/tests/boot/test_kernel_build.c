/* test_kernel_build.c - the kernel builder on the real source: what a changed
 * .c file costs, and that every way to a kernel gives the same image. Needs the
 * stock kernel and its tree in the cache (`kerngate build quick`).
 */
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "campaign.h"
#include "files.h"
#include "hash.h"
#include "kernel_builder.h"
#include "memory.h"
#include "test.h"

#define COLD_SHARE_MAX 0.10

static void cleanup_cache(struct kernel_cache **cache)
{
	kernel_cache_close(*cache);
}

#define cleanup_kernel cleanup_with(built_kernel_release)

static double cpu_seconds(void)
{
	double seconds = 0;
	struct rusage usage;
	static const int who[] = { RUSAGE_SELF, RUSAGE_CHILDREN };

	for (size_t i = 0; i < ARRAY_COUNT(who); i++)
		if (getrusage(who[i], &usage) == 0)
			seconds += (double)usage.ru_utime.tv_sec +
				   (double)usage.ru_utime.tv_usec / 1e6 +
				   (double)usage.ru_stime.tv_sec +
				   (double)usage.ru_stime.tv_usec / 1e6;
	return seconds;
}

/* CPU time of the last build from scratch in the cache; 0: there is none. */
static double cold_cpu_seconds(const char *cache_path)
{
	cleanup_free char *folder = path_join(cache_path, "kernels");
	cleanup_strvec struct strvec keys = STRVEC_INIT;
	double seconds = 0, found;

	if (folder_list(folder, &keys) < 0)
		return 0;
	for (size_t i = 0; i < keys.count; i++) {
		cleanup_free char *path = string_format(
			"%s/%s/kernel.json", folder, keys.items[i]);
		cleanup_free char *text = NULL;
		const char *value;

		if (file_read(path, 1 << 20, &text, NULL) < 0 ||
		    !strstr(text, "\"base\": \"linux-7.3\"") ||
		    !strstr(text, "\"cloned_from\": \"\""))
			continue;
		value = strstr(text, "\"cpu_seconds\": ");
		if (value && sscanf(value, "\"cpu_seconds\": %lf", &found) == 1)
			seconds = found;
	}
	return seconds;
}

/* Over content and times of all that is not shared with the source. */
static void digest_own_files(const char *folder, struct sha256 *hash)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;

	CU_ASSERT_EQUAL(folder_list(folder, &names), 0);
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *path = path_join(folder, names.items[i]);
		char content[SHA256_HEX_SIZE], text[SHA256_HEX_SIZE + 64];
		struct stat info;

		if (lstat(path, &info) < 0)
			continue;
		if (S_ISDIR(info.st_mode))
			digest_own_files(path, hash);
		if (!S_ISREG(info.st_mode) || info.st_nlink > 1)
			continue;
		CU_ASSERT_EQUAL(sha256_of_file(path, content), 0);
		snprintf(text, sizeof(text), "%s %jd.%09ld", content,
			 (intmax_t)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
		sha256_add_field(hash, path, text);
	}
}

static void digest_tree(const char *tree, char ret_digest[SHA256_HEX_SIZE])
{
	struct sha256 *hash = sha256_new();

	digest_own_files(tree, hash);
	sha256_finish(hash, ret_digest);
}

static bool build(struct kernel_cache *cache, const struct kernel_spec *spec,
		  bool rebuild, struct built_kernel *ret_kernel)
{
	const struct build_options options = { .rebuild = rebuild,
					       .label = "test" };
	struct error err = ERROR_INIT;

	if (test_check(kernel_build(cache, spec, &options, ret_kernel, &err) == 0))
		return true;
	fprintf(stderr, "%s\n", err.message);
	return false;
}

/* The patched kernel, from the stock tree, which must not change thereby. */
static void build_patched(struct kernel_cache *cache, struct kernel_spec *spec,
			  const struct built_kernel *stock)
{
	cleanup_kernel struct built_kernel patched = { .folder = NULL };
	cleanup_free char *tree = string_format(
		"%s/trees/%s/tree", kernel_cache_path(cache), stock->key);
	double cold = cold_cpu_seconds(kernel_cache_path(cache)), before, spent;
	char digests[2][SHA256_HEX_SIZE];

	digest_tree(tree, digests[0]);
	before = cpu_seconds();
	if (!build(cache, spec, true, &patched))
		return;
	spent = cpu_seconds() - before;
	digest_tree(tree, digests[1]);
	test_check_string(digests[1], digests[0]);
	fprintf(stderr, "one .c file: %.1f s of CPU, %.1f s; cold: %.1f s of CPU\n",
		spent, (double)patched.build_ns / 1e9, cold);
	CU_ASSERT_STRING_NOT_EQUAL(patched.image_sha256, stock->image_sha256);
	/* CPU time, not the clock: other work on the machine must not decide. */
	if (cold > 0)
		CU_ASSERT(spent <= COLD_SHARE_MAX * cold);
}

static void test_one_file_changed(void)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	cleanup_with(cleanup_cache) struct kernel_cache *cache = NULL;
	cleanup_kernel struct built_kernel stock = { .folder = NULL };
	cleanup_kernel struct built_kernel again = { .folder = NULL };
	struct error err = ERROR_INIT;
	struct kernel_spec *spec;
	size_t index;

	if (!test_check(campaign_load(test_root(), "quick", &campaign, &err) == 0) ||
	    !test_check(campaign_find_variant(&campaign, "stock", &index, &err) == 0) ||
	    !test_check(kernel_cache_open(NULL, 0, &cache, &err) == 0)) {
		fprintf(stderr, "%s\n", err.message);
		return;
	}
	spec = &campaign.variants[index].kernel;
	if (!build(cache, spec, false, &stock))
		return;
	strvec_push(&spec->series, test_fixture_path("kernel/one-c"));
	build_patched(cache, spec, &stock);
	/* And back, from the patched tree: kernel_build compares the images. */
	strvec_release(&spec->series);
	spec->series = STRVEC_INIT;
	if (!build(cache, spec, true, &again))
		return;
	CU_ASSERT_FALSE(again.was_cached);
	test_check_string(again.image_sha256, stock.image_sha256);
}

TEST_SUITE("kernel_build", {"one file changed", test_one_file_changed})
