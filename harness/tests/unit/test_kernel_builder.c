/* test_kernel_builder.c - specs to kernels on a fake source: patches, options,
 * caching, clones, failures. Sources are in test_kernel_source.c, several
 * processes and sudden deaths in test_kernel_cache.c.
 */
#include "kernel_builder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fake_kernel.h"
#include "files.h"
#include "memory.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_close)
#define cleanup_kernel cleanup_with(built_kernel_release)

static const struct build_options plain = { .label = "test" };
static const struct build_options rebuild = { .label = "test", .rebuild = true };

static char *image_text(const struct built_kernel *kernel)
{
	return fake_read(kernel->folder, "vmlinux");
}

/* Builds and expects an error whose message has all parts. */
static void check_refused(struct fake *fake, int code, const char *const *parts)
{
	struct built_kernel kernel = { .folder = NULL };
	struct error err;

	if (!test_check(fake_build(fake, &plain, &kernel, &err) == code))
		fprintf(stderr, "code %d: %s\n", err.code, err.message);
	for (; *parts; parts++)
		test_check_contains(err.message, *parts);
	CU_ASSERT_PTR_NULL(kernel.folder);
	built_kernel_release(&kernel);
}

static bool build(struct fake *fake, const struct build_options *options,
		  struct built_kernel *ret_kernel)
{
	struct error err;

	if (test_check(fake_build(fake, options, ret_kernel, &err) == 0))
		return true;
	fprintf(stderr, "%s\n", err.message);
	return false;
}

static void test_builds_once(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel first = { .folder = NULL };
	cleanup_kernel struct built_kernel second = { .folder = NULL };
	cleanup_free char *text = NULL, *map = NULL, *log = NULL;

	if (!fake_open(&fake) || !build(&fake, &plain, &first))
		return;
	text = image_text(&first);
	test_check_contains(text, "first\none\nlast\n");
	test_check_contains(text, "CONFIG_ONE=y");
	test_check_string(first.config_text, "CONFIG_ONE=y\n");
	test_check_string(first.release, "7.3.9");
	map = fake_read(first.folder, "System.map");
	log = fake_read(first.folder, "build.log");
	test_check_string(map, "map\n");
	test_check_contains(log, "CC      a.o");
	CU_ASSERT_FALSE(first.was_cached);
	CU_ASSERT(first.build_ns > 0);
	CU_ASSERT_EQUAL(fake_record_number(&first, "objects_count"), 3);
	if (!build(&fake, &plain, &second))
		return;
	CU_ASSERT_TRUE(second.was_cached);
	CU_ASSERT_EQUAL(second.build_ns, 0);
	test_check_string(second.key, first.key);
	test_check_string(second.image_sha256, first.image_sha256);
}

static void test_finds_only_what_is_there(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_kernel struct built_kernel found = { .folder = NULL };
	struct error err = ERROR_INIT;

	if (!fake_open(&fake))
		return;
	CU_ASSERT_EQUAL(kernel_find(fake.cache, &fake.spec, &found, &err), -ENOENT);
	if (!build(&fake, &plain, &kernel))
		return;
	CU_ASSERT_EQUAL(kernel_find(fake.cache, &fake.spec, &found, &err), 0);
	test_check_string(found.image_sha256, kernel.image_sha256);
}

/* Only a kernel that its loader can move needs the loader. */
static void test_movable_kernel_has_its_loader(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel plain_kernel = { .folder = NULL };
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_kernel struct built_kernel again = { .folder = NULL };
	cleanup_free char *image = NULL;
	struct error err = ERROR_INIT;

	if (!fake_open(&fake) || !build(&fake, &plain, &plain_kernel))
		return;
	CU_ASSERT_PTR_NULL(plain_kernel.bzimage_path);
	fake_write(fake.folder, "wanted.config", "CONFIG_RANDOMIZE_BASE=y\n");
	if (!build(&fake, &plain, &kernel))
		return;
	if (!test_check(kernel.bzimage_path != NULL))
		return;
	image = fake_read(kernel.folder, "bzImage");
	test_check_contains(image, "loader\nheader\nfirst\n");
	/* One that was damaged is not there. */
	fake_write(kernel.folder, "bzImage", "other");
	CU_ASSERT_EQUAL(kernel_find(fake.cache, &fake.spec, &again, &err), -ENOENT);
	test_check_contains(err.message, "bzImage is not what kernel.json says");
}

static void test_key_covers_the_inputs(void)
{
	cleanup_fake struct fake fake;
	char keys[5][SHA256_HEX_SIZE];

	if (!fake_open(&fake))
		return;
	CU_ASSERT_EQUAL(kernel_spec_key(&fake.spec, keys[0], NULL), 0);
	CU_ASSERT_EQUAL(kernel_spec_key(&fake.spec, keys[1], NULL), 0);
	test_check_string(keys[0], keys[1]);
	fake_add_patch(&fake, "one", fake_patch_a);
	CU_ASSERT_EQUAL(kernel_spec_key(&fake.spec, keys[1], NULL), 0);
	fake_add_patch(&fake, "two", fake_patch_a_more);
	CU_ASSERT_EQUAL(kernel_spec_key(&fake.spec, keys[2], NULL), 0);
	fake_write(fake.folder, "wanted.config", "CONFIG_ONE=y\nCONFIG_TWO=y\n");
	CU_ASSERT_EQUAL(kernel_spec_key(&fake.spec, keys[3], NULL), 0);
	fake_write(fake.source, "a.c", "edited\n");
	CU_ASSERT_EQUAL(kernel_spec_key(&fake.spec, keys[4], NULL), 0);
	for (int i = 0; i < 5; i++)
		for (int j = 0; j < i; j++)
			CU_ASSERT_STRING_NOT_EQUAL(keys[i], keys[j]);
}

/* --- patches ---------------------------------------------------------------------- */

static void test_applies_series_in_order(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_free char *text = NULL;

	if (!fake_open(&fake))
		return;
	fake_add_patch(&fake, "one", fake_patch_a);
	fake_add_patch(&fake, "two", fake_patch_a_more);
	if (!build(&fake, &plain, &kernel))
		return;
	text = image_text(&kernel);
	test_check_contains(text, "first\nthree\nlast\n");
}

static void test_refuses_series_out_of_order(void)
{
	static const char *const parts[] = {
		"series two: patch 0001.patch: a.c: hunk 1 (line 1)", NULL,
	};
	cleanup_fake struct fake fake;

	if (!fake_open(&fake))
		return;
	fake_add_patch(&fake, "two", fake_patch_a_more);
	fake_add_patch(&fake, "one", fake_patch_a);
	check_refused(&fake, -EINVAL, parts);
}

static void test_names_the_hunk(void)
{
	static const char *const parts[] = {
		"series s: patch 0001.patch: long.c: hunk 2 (line 5)", NULL,
	};
	cleanup_fake struct fake fake;

	if (!fake_open(&fake))
		return;
	fake_write(fake.source, "long.c", "1\n2\n3\n4\n5\n6\n7\n8\n");
	fake_add_patch(&fake, "s", "--- a/long.c\n+++ b/long.c\n"
		       "@@ -1,2 +1,2 @@\n-1\n+one\n 2\n"
		       "@@ -5,2 +5,2 @@\n-nine\n+five\n 6\n");
	check_refused(&fake, -EINVAL, parts);
}

static void test_refuses_bad_patches(void)
{
	static const struct {
		const char *patch, *part;
	} cases[] = {
		{ "--- a/none.c\n+++ b/none.c\n@@ -1 +1 @@\n-a\n+b\n", "none.c" },
		{ "--- /dev/null\n+++ b/a.c\n@@ -0,0 +1 @@\n+b\n", "a.c" },
		{ "--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n first\n", "0001.patch" },
		{ "no patch at all\n", "0001.patch" },
		{ "--- a/../../x\n+++ b/../../x\n@@ -0,0 +1 @@\n+b\n", "0001.patch" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		const char *const parts[] = { "series s: patch 0001.patch",
					      cases[i].part, NULL };
		cleanup_fake struct fake fake;

		if (!fake_open(&fake))
			return;
		fake_add_patch(&fake, "s", cases[i].patch);
		check_refused(&fake, -EINVAL, parts);
	}
}

static void test_refuses_missing_patch_files(void)
{
	static const char *const parts[] = { "series s: patch gone.patch", NULL };
	static const char *const no_series[] = { "series t:", "series", NULL };
	cleanup_fake struct fake fake;

	if (!fake_open(&fake))
		return;
	strvec_pushf(&fake.spec.series, "%s/series/s", fake.folder);
	fake_write(fake.spec.series.items[0], "series", "gone.patch\n");
	check_refused(&fake, -ENOENT, parts);
	fake_drop_series(&fake);
	strvec_pushf(&fake.spec.series, "%s/series/t", fake.folder);
	check_refused(&fake, -ENOENT, no_series);
}

static void test_new_deleted_and_renamed_files(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_kernel struct built_kernel back = { .folder = NULL };
	cleanup_free char *text = NULL, *tree = NULL, *old_text = NULL;

	if (!fake_open(&fake))
		return;
	fake_add_patch(&fake, "s",
		       "diff --git a/extra.mk b/extra.mk\nnew file mode 100644\n"
		       "--- /dev/null\n+++ b/extra.mk\n@@ -0,0 +1 @@\n"
		       "+objects := a.o moved.o new/d.o\n"
		       "diff --git a/b.c b/moved.c\nsimilarity index 100%\n"
		       "rename from b.c\nrename to moved.c\n"
		       "diff --git a/c.c b/c.c\ndeleted file mode 100644\n"
		       "--- a/c.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-c\n"
		       "diff --git a/new/d.c b/new/d.c\nnew file mode 100644\n"
		       "--- /dev/null\n+++ b/new/d.c\n@@ -0,0 +1 @@\n+dd\n");
	if (!build(&fake, &plain, &kernel))
		return;
	text = image_text(&kernel);
	test_check_string(text, "header\nfirst\none\nlast\nheader\nb\nheader\ndd\n"
				"CONFIG_ONE=y\n");
	fake_drop_series(&fake);
	if (!build(&fake, &plain, &back))
		return;
	old_text = image_text(&back);
	test_check_string(old_text, "header\nfirst\none\nlast\nheader\nb\nheader\nc\n"
				    "CONFIG_ONE=y\n");
	tree = string_format("%s/trees/%s/tree/new/d.c", fake.cache_path, back.key);
	CU_ASSERT_FALSE(path_exists(tree));
}

/* --- options ---------------------------------------------------------------------- */

static void test_names_dropped_options(void)
{
	static const char *const parts[] = { "CONFIG_NOWHERE", "wanted.config", NULL };
	cleanup_fake struct fake fake;

	if (!fake_open(&fake))
		return;
	fake_write(fake.folder, "wanted.config", "CONFIG_ONE=y\nCONFIG_NOWHERE=y\n");
	check_refused(&fake, -EINVAL, parts);
}

static void test_later_fragments_win(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };

	if (!fake_open(&fake))
		return;
	fake_write(fake.folder, "more.config",
		   "# CONFIG_ONE is not set\nCONFIG_TWO=y\n");
	strvec_pushf(&fake.spec.fragments, "%s/more.config", fake.folder);
	if (build(&fake, &plain, &kernel))
		test_check_string(kernel.config_text, "CONFIG_TWO=y\n");
}

static void test_refuses_bad_fragments(void)
{
	static const char *const parts[] = { "wanted.config", NULL };
	static const char *const missing[] = { "gone.config", NULL };
	cleanup_fake struct fake fake;

	if (!fake_open(&fake))
		return;
	fake_write(fake.folder, "wanted.config", "CONFIG_ONE y\n");
	check_refused(&fake, -EINVAL, parts);
	strvec_pushf(&fake.spec.fragments, "%s/gone.config", fake.folder);
	fake_write(fake.folder, "wanted.config", "CONFIG_ONE=y\n");
	check_refused(&fake, -ENOENT, missing);
}

/* --- clones ----------------------------------------------------------------------- */

static void test_compiles_what_changed(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel stock = { .folder = NULL };
	cleanup_kernel struct built_kernel patched = { .folder = NULL };
	cleanup_kernel struct built_kernel again = { .folder = NULL };
	cleanup_free char *from = NULL, *donor = NULL, *before = NULL, *after = NULL;
	cleanup_free char *sources = NULL, *pristine = NULL, *still = NULL;

	if (!fake_open(&fake) || !build(&fake, &plain, &stock))
		return;
	donor = string_format("%s/trees/%s", fake.cache_path, stock.key);
	sources = string_format("%s/sources", fake.cache_path);
	before = fake_digest(donor);
	pristine = fake_digest(sources);
	fake_add_patch(&fake, "s", fake_patch_a);
	if (!build(&fake, &plain, &patched))
		return;
	CU_ASSERT_EQUAL(fake_record_number(&patched, "objects_count"), 1);
	from = fake_record_text(&patched, "cloned_from");
	test_check_string(from, stock.key);
	after = fake_digest(donor);
	test_check_string(after, before);
	/* And back: the other tree is the donor, the image the first one's. */
	fake_drop_series(&fake);
	if (!build(&fake, &rebuild, &again))
		return;
	CU_ASSERT_FALSE(again.was_cached);
	test_check_string(again.image_sha256, stock.image_sha256);
	still = fake_digest(sources);
	test_check_string(still, pristine);
}

static void test_headers_reach_their_users(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel stock = { .folder = NULL };
	cleanup_kernel struct built_kernel patched = { .folder = NULL };
	cleanup_free char *text = NULL;

	if (!fake_open(&fake) || !build(&fake, &plain, &stock))
		return;
	fake_add_patch(&fake, "s", fake_patch_header);
	if (!build(&fake, &plain, &patched))
		return;
	CU_ASSERT_EQUAL(fake_record_number(&patched, "objects_count"), 3);
	text = image_text(&patched);
	test_check_contains(text, "changed header\nc\n");
}

static void test_prefers_the_nearest_tree(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel stock = { .folder = NULL };
	cleanup_kernel struct built_kernel near = { .folder = NULL };
	cleanup_kernel struct built_kernel far = { .folder = NULL };
	cleanup_kernel struct built_kernel wanted = { .folder = NULL };
	cleanup_free char *from = NULL;

	if (!fake_open(&fake) || !build(&fake, &plain, &stock))
		return;
	fake_add_patch(&fake, "a", fake_patch_a);
	if (!build(&fake, &plain, &near))
		return;
	fake_add_patch(&fake, "h", fake_patch_header);
	if (!build(&fake, &plain, &far))
		return;
	fake_drop_series(&fake);
	fake_add_patch(&fake, "a", fake_patch_a);
	fake_add_patch(&fake, "more", fake_patch_a_more);
	if (!build(&fake, &plain, &wanted))
		return;
	from = fake_record_text(&wanted, "cloned_from");
	/* stock and near both differ in a.c alone; near is the newer. */
	test_check_string(from, near.key);
	CU_ASSERT_EQUAL(fake_record_number(&wanted, "objects_count"), 1);
}

static void test_from_scratch(void)
{
	static const struct build_options scratch = { .from_scratch = true };
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel stock = { .folder = NULL };
	cleanup_kernel struct built_kernel patched = { .folder = NULL };
	cleanup_free char *from = NULL;

	if (!fake_open(&fake) || !build(&fake, &plain, &stock))
		return;
	fake_add_patch(&fake, "s", fake_patch_a);
	if (!build(&fake, &scratch, &patched))
		return;
	from = fake_record_text(&patched, "cloned_from");
	test_check_string(from, "");
	CU_ASSERT_EQUAL(fake_record_number(&patched, "objects_count"), 3);
}

static void test_object_of_a_deleted_source(void)
{
	static const char *const parts[] = { "c.o", NULL };
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel stock = { .folder = NULL };

	if (!fake_open(&fake) || !build(&fake, &plain, &stock))
		return;
	/* Still listed: with the donor's c.o it would link. */
	fake_add_patch(&fake, "s", "--- a/c.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-c\n");
	check_refused(&fake, -EREMOTEIO, parts);
}

static void test_says_when_not_reproducible(void)
{
	static const char *const parts[] = { "not reproducible", "logs/", NULL };
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel first = { .folder = NULL };
	cleanup_kernel struct built_kernel kept = { .folder = NULL };
	struct built_kernel second = { .folder = NULL };
	struct error err;

	if (!fake_open(&fake))
		return;
	fake_write(fake.source, "extra.mk", "vmlinux: unique\nobjects += unique\n"
		   "unique:\n\t@cat /proc/sys/kernel/random/uuid >unique\n");
	if (!build(&fake, &plain, &first))
		return;
	CU_ASSERT_EQUAL(fake_build(&fake, &rebuild, &second, &err), -EBADMSG);
	for (size_t i = 0; parts[i]; i++)
		test_check_contains(err.message, parts[i]);
	if (!build(&fake, &plain, &kept))
		return;
	CU_ASSERT_TRUE(kept.was_cached);
	test_check_string(kept.image_sha256, first.image_sha256);
}

/* --- failures --------------------------------------------------------------------- */

static const char broken_b[] = "--- a/b.c\n+++ b/b.c\n@@ -1 +1,2 @@\n b\n"
			       "+fail: expected a comma\n";

static void test_quotes_the_compiler(void)
{
	static const char *const parts[] = {
		"build test: ", "b.c:1:1: error: expected a comma", "/logs/", NULL,
	};
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_free char *slot = NULL;

	if (!fake_open(&fake))
		return;
	fake_add_patch(&fake, "s", broken_b);
	check_refused(&fake, -EREMOTEIO, parts);
	slot = path_join(fake.cache_path, "build");
	CU_ASSERT_FALSE(path_exists(slot));
	CU_ASSERT_EQUAL(kernel_find(fake.cache, &fake.spec, &kernel, NULL), -ENOENT);
}

static void test_keeps_what_compiled_before_a_failure(void)
{
	static const char *const parts[] = { "expected a comma", NULL };
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_free char *counts = NULL;

	if (!fake_open(&fake))
		return;
	fake_write(fake.source, "a.c", "count: %s/counts\n", fake.folder);
	fake_add_patch(&fake, "s", broken_b);
	check_refused(&fake, -EREMOTEIO, parts);
	fake_drop_series(&fake);
	if (!build(&fake, &plain, &kernel))
		return;
	counts = fake_read(fake.folder, "counts");
	test_check_string(counts, "a.o\n");
}

static void test_says_when_the_disk_is_full(void)
{
	static const char *const parts[] = { "disk full", "MiB free", NULL };
	cleanup_fake struct fake fake;

	if (!fake_open(&fake))
		return;
	fake_write(fake.source, "b.c", "fail: writing b.o: No space left on device\n");
	check_refused(&fake, -ENOSPC, parts);
}

static void test_unknown_compiler(void)
{
	static const char *const parts[] = { "no-such-compiler", NULL };
	static const char *const empty[] = { "cc is empty", NULL };
	cleanup_fake struct fake fake;

	if (!fake_open(&fake))
		return;
	free(fake.spec.cc);
	fake.spec.cc = string_copy("no-such-compiler");
	check_refused(&fake, -ENOENT, parts);
	free(fake.spec.cc);
	fake.spec.cc = string_copy(" ");
	check_refused(&fake, -EINVAL, empty);
}

static void test_environment_does_not_reach_the_build(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };

	if (!fake_open(&fake))
		return;
	setenv("MAKEFLAGS", "n", 1);
	setenv("KCONFIG_ALLCONFIG", "/nowhere", 1);
	CU_ASSERT_TRUE(build(&fake, &plain, &kernel));
	unsetenv("MAKEFLAGS");
	unsetenv("KCONFIG_ALLCONFIG");
}

TEST_SUITE("kernel_builder",
	   {"builds once", test_builds_once},
	   {"finds only what is there", test_finds_only_what_is_there},
	   {"a movable kernel has its loader", test_movable_kernel_has_its_loader},
	   {"key covers the inputs", test_key_covers_the_inputs},
	   {"applies series in order", test_applies_series_in_order},
	   {"refuses series out of order", test_refuses_series_out_of_order},
	   {"names the hunk", test_names_the_hunk},
	   {"refuses bad patches", test_refuses_bad_patches},
	   {"refuses missing patch files", test_refuses_missing_patch_files},
	   {"new, deleted and renamed files", test_new_deleted_and_renamed_files},
	   {"names dropped options", test_names_dropped_options},
	   {"later fragments win", test_later_fragments_win},
	   {"refuses bad fragments", test_refuses_bad_fragments},
	   {"compiles what changed", test_compiles_what_changed},
	   {"headers reach their users", test_headers_reach_their_users},
	   {"prefers the nearest tree", test_prefers_the_nearest_tree},
	   {"from scratch", test_from_scratch},
	   {"object of a deleted source", test_object_of_a_deleted_source},
	   {"says when not reproducible", test_says_when_not_reproducible},
	   {"quotes the compiler", test_quotes_the_compiler},
	   {"keeps what compiled before a failure",
	    test_keeps_what_compiled_before_a_failure},
	   {"says when the disk is full", test_says_when_the_disk_is_full},
	   {"unknown compiler", test_unknown_compiler},
	   {"environment does not reach the build",
	    test_environment_does_not_reach_the_build})
