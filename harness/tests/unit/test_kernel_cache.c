/* test_kernel_cache.c - the kernel cache under several processes, sudden death,
 * interruption and damage; listing and pruning.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "clock.h"
#include "fake_kernel.h"
#include "files.h"
#include "memory.h"
#include "process.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_close)
#define cleanup_kernel cleanup_with(built_kernel_release)

static const struct build_options plain = { .label = "test" };

static bool build(struct fake *fake, struct built_kernel *ret_kernel)
{
	struct error err;

	if (test_check(fake_build(fake, &plain, ret_kernel, &err) == 0))
		return true;
	fprintf(stderr, "%s\n", err.message);
	return false;
}

/* --- several processes --------------------------------------------------------------- */

static void cancel(int number)
{
	(void)number;
	process_cancel_all();
}

/* Builds in a child with a cache handle of its own; its exit status is the
 * positive error code, 0 for success. SIGUSR1 cancels. */
static pid_t start_builder(const struct fake *fake)
{
	struct built_kernel kernel = { .folder = NULL };
	struct kernel_cache *cache;
	struct error err = ERROR_INIT;
	sigset_t signals, before;
	pid_t child;
	int code;

	/* A signal that comes early waits until there is a handler. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	CU_ASSERT_EQUAL(sigprocmask(SIG_BLOCK, &signals, &before), 0);
	child = fork();
	if (child == 0)
		(void)signal(SIGUSR1, cancel);
	CU_ASSERT_EQUAL(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	if (child != 0)
		return child;
	code = kernel_cache_open(fake->cache_path, 0, &cache, &err);
	if (code == 0)
		code = kernel_build(cache, &fake->spec, &plain, &kernel, &err);
	if (code < 0)
		fprintf(stderr, "builder: %s\n", err.message);
	/* No leak check: what the parent holds is not the child's. */
	_exit(-code & 0xff);
}

static int wait_builder(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* A gate that the compilation of a source file waits at. */
static char *make_gate(struct fake *fake, const char *source)
{
	char *gate = string_format("%s/gate", fake->folder);

	test_check(mkfifo(gate, 0600) == 0);
	fake_write(fake->source, source, "wait: %s\n", gate);
	return gate;
}

static bool wait_at_gate(const char *gate)
{
	cleanup_free char *started = string_format("%s.started", gate);

	return test_check(fake_wait_for(started));
}

/* Opens it for whoever waits (blocks until somebody does). */
static void open_gate(const char *gate)
{
	int fd = open(gate, O_WRONLY | O_CLOEXEC);

	CU_ASSERT(fd >= 0);
	if (fd >= 0)
		(void)close(fd);
}

static void test_two_processes_build_once(void)
{
	cleanup_fake struct fake fake;
	cleanup_free char *gate = NULL, *counts = NULL;
	pid_t first, second;

	if (!fake_open(&fake))
		return;
	gate = make_gate(&fake, "c.c");
	fake_write(fake.source, "a.c", "count: %s/counts\n", fake.folder);
	first = start_builder(&fake);
	if (!wait_at_gate(gate))
		return;
	second = start_builder(&fake);
	open_gate(gate);
	CU_ASSERT_EQUAL(wait_builder(first), 0);
	CU_ASSERT_EQUAL(wait_builder(second), 0);
	counts = fake_read(fake.folder, "counts");
	test_check_string(counts, "a.o\n");
}

static void test_killed_in_mid_build(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_free char *gate = NULL, *text = NULL, *started = NULL;
	struct cache_entry *entries = NULL;
	size_t count = 0;
	pid_t child;

	if (!fake_open(&fake))
		return;
	gate = make_gate(&fake, "b.c");
	child = start_builder(&fake);
	if (!wait_at_gate(gate))
		return;
	CU_ASSERT_EQUAL(kill(child, SIGKILL), 0);
	CU_ASSERT_TRUE(WIFSIGNALED(wait_builder(child)));
	CU_ASSERT_EQUAL(kernel_find(fake.cache, &fake.spec, &kernel, NULL), -ENOENT);
	CU_ASSERT_EQUAL(kernel_cache_list(fake.cache, &entries, &count, NULL), 0);
	for (size_t i = 0; i < count; i++)
		test_check_string(entries[i].kind, "source");
	cache_entries_free(entries, count);
	/* The half written b.o is of no use to the next build, which waits until
	 * the orphan at the gate has let go. */
	started = string_format("%s.started", gate);
	CU_ASSERT_EQUAL(unlink(started), 0);
	child = start_builder(&fake);
	open_gate(gate);
	if (!wait_at_gate(gate))
		return;
	open_gate(gate);
	CU_ASSERT_EQUAL(wait_builder(child), 0);
	if (!build(&fake, &kernel))
		return;
	CU_ASSERT_TRUE(kernel.was_cached);
	CU_ASSERT_EQUAL(fake_record_number(&kernel, "objects_count"), 3);
	text = fake_read(kernel.folder, "vmlinux");
	test_check_contains(text, "header\nc\n");
}

static void age(const char *folder, const char *name)
{
	const struct timespec times[2] = {
		{ .tv_sec = time(NULL) - 600 }, { .tv_sec = time(NULL) - 600 },
	};
	cleanup_free char *path = path_join(folder, name);

	CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void test_interrupted_build_goes_on(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_free char *gate = NULL, *tree = NULL, *counts = NULL;
	cleanup_free char *started = NULL;
	pid_t child;

	if (!fake_open(&fake))
		return;
	fake_write(fake.source, "a.c", "count: %s/counts\n", fake.folder);
	gate = make_gate(&fake, "b.c");
	/* One job: a.o is done when b.o waits. */
	fake_write(fake.source, "extra.mk", ".NOTPARALLEL:\n");
	child = start_builder(&fake);
	if (!wait_at_gate(gate))
		return;
	/* As if a.o had been compiled long ago. */
	tree = path_join(fake.cache_path, "build/tree");
	age(tree, ".config");
	age(tree, "a.o");
	age(tree, ".a.o.cmd");
	CU_ASSERT_EQUAL(kill(child, SIGUSR1), 0);
	CU_ASSERT_EQUAL(wait_builder(child), ECANCELED << 8);
	started = string_format("%s.started", gate);
	CU_ASSERT_EQUAL(unlink(started), 0);
	child = start_builder(&fake);
	if (!wait_at_gate(gate))
		return;
	open_gate(gate);
	CU_ASSERT_EQUAL(wait_builder(child), 0);
	counts = fake_read(fake.folder, "counts");
	test_check_string(counts, "a.o\n");
	if (build(&fake, &kernel))
		CU_ASSERT_EQUAL(fake_record_number(&kernel, "objects_count"), 2);
}

static void test_waiting_can_be_cancelled(void)
{
	cleanup_fake struct fake fake;
	cleanup_free char *gate = NULL;
	pid_t first, second;

	if (!fake_open(&fake))
		return;
	gate = make_gate(&fake, "c.c");
	first = start_builder(&fake);
	if (!wait_at_gate(gate))
		return;
	second = start_builder(&fake);
	CU_ASSERT_EQUAL(kill(second, SIGUSR1), 0);
	CU_ASSERT_EQUAL(wait_builder(second), ECANCELED << 8);
	open_gate(gate);
	CU_ASSERT_EQUAL(wait_builder(first), 0);
}

/* --- damage ------------------------------------------------------------------------- */

static void test_damaged_kernels_are_built_again(void)
{
	static const char *const names[] = { "vmlinux", "config", "kernel.json" };

	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		cleanup_fake struct fake fake;
		cleanup_kernel struct built_kernel first = { .folder = NULL };
		cleanup_kernel struct built_kernel found = { .folder = NULL };
		cleanup_kernel struct built_kernel second = { .folder = NULL };
		cleanup_free char *path = NULL;

		if (!fake_open(&fake) || !build(&fake, &first))
			return;
		path = path_join(first.folder, names[i]);
		CU_ASSERT_EQUAL(unlink(path), 0);
		CU_ASSERT_EQUAL(kernel_find(fake.cache, &fake.spec, &found, NULL),
				-ENOENT);
		if (!build(&fake, &second))
			return;
		CU_ASSERT_FALSE(second.was_cached);
		test_check_string(second.image_sha256, first.image_sha256);
		/* From its own tree: nothing to compile. */
		CU_ASSERT_EQUAL(fake_record_number(&second, "objects_count"), 0);
	}
}

static void test_changed_image_is_noticed(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel first = { .folder = NULL };
	cleanup_kernel struct built_kernel second = { .folder = NULL };

	if (!fake_open(&fake) || !build(&fake, &first))
		return;
	fake_write(first.folder, "vmlinux", "something else\n");
	if (!build(&fake, &second))
		return;
	CU_ASSERT_FALSE(second.was_cached);
	test_check_string(second.image_sha256, first.image_sha256);
}

static void test_damaged_source_is_fetched_again(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel first = { .folder = NULL };
	cleanup_kernel struct built_kernel second = { .folder = NULL };
	cleanup_strvec struct strvec keys = STRVEC_INIT;
	cleanup_free char *sources = NULL, *text = NULL;

	if (!fake_open(&fake) || !build(&fake, &first))
		return;
	sources = path_join(fake.cache_path, "sources");
	CU_ASSERT_EQUAL(folder_list(sources, &keys), 0);
	if (!test_check(keys.count == 1))
		return;
	{
		/* In place, as a stray tool would: the donor's file changes too. */
		cleanup_free char *path = string_format(
			"%s/%s/tree/b.c", sources, keys.items[0]);
		cleanup_fclose FILE *file = fopen(path, "we");

		CU_ASSERT(file && fputs("spoiled\n", file) >= 0);
	}
	fake_add_patch(&fake, "s", fake_patch_a);
	if (!build(&fake, &second))
		return;
	text = fake_read(second.folder, "vmlinux");
	test_check_contains(text, "header\nb\n");
}

static void test_clears_what_was_left_over(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	static const char *const names[] = { "build", "fetch", "kernels/.new-x",
					     "trash/1-1" };

	if (!fake_open(&fake))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		cleanup_free char *path = path_join(fake.cache_path, names[i]);

		fake_write(path, "tree/Makefile", "rubbish\n");
	}
	if (!build(&fake, &kernel))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		cleanup_free char *path = path_join(fake.cache_path, names[i]);

		CU_ASSERT_FALSE(path_exists(path));
	}
}

/* --- listing and pruning --------------------------------------------------------------- */

struct totals {
	size_t sources, trees, kernels, in_use;
	uint64_t bytes;
};

static struct totals count_entries(struct fake *fake)
{
	struct cache_entry *entries = NULL;
	struct totals totals = { .sources = 0 };
	size_t count = 0;

	CU_ASSERT_EQUAL(kernel_cache_list(fake->cache, &entries, &count, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		totals.sources += strcmp(entries[i].kind, "source") == 0;
		totals.trees += strcmp(entries[i].kind, "tree") == 0;
		totals.kernels += strcmp(entries[i].kind, "kernel") == 0;
		totals.in_use += entries[i].in_use;
		totals.bytes += entries[i].bytes;
		CU_ASSERT(entries[i].bytes > 0);
		CU_ASSERT(entries[i].used_wall_ns > 0);
		test_check_contains(entries[i].description, "7.3.9");
	}
	cache_entries_free(entries, count);
	return totals;
}

/* Two kernels, their trees, one source. */
static bool build_two(struct fake *fake, char ret_keys[2][SHA256_HEX_SIZE])
{
	for (int i = 0; i < 2; i++) {
		struct built_kernel kernel = { .folder = NULL };

		if (i)
			fake_add_patch(fake, "s", fake_patch_a);
		if (!build(fake, &kernel))
			return false;
		memcpy(ret_keys[i], kernel.key, SHA256_HEX_SIZE);
		built_kernel_release(&kernel);
	}
	return true;
}

static void test_prunes_nothing_in_use(void)
{
	cleanup_fake struct fake fake;
	char keys[2][SHA256_HEX_SIZE];
	struct totals totals;
	uint64_t freed = 1;

	if (!fake_open(&fake) || !build_two(&fake, keys))
		return;
	totals = count_entries(&fake);
	CU_ASSERT_EQUAL(totals.sources, 1);
	CU_ASSERT_EQUAL(totals.trees, 2);
	CU_ASSERT_EQUAL(totals.kernels, 2);
	/* The second tree was not used by anybody yet. */
	CU_ASSERT_EQUAL(totals.in_use, 4);
	CU_ASSERT_EQUAL(kernel_cache_prune(fake.cache, 0, &freed, NULL), 0);
	totals = count_entries(&fake);
	CU_ASSERT_EQUAL(totals.sources, 1);
	CU_ASSERT_EQUAL(totals.trees, 1);
	CU_ASSERT_EQUAL(totals.kernels, 2);
}

static void test_prunes_all(void)
{
	cleanup_fake struct fake fake;
	char keys[2][SHA256_HEX_SIZE];
	struct totals before, after;
	uint64_t freed = 0;

	if (!fake_open(&fake) || !build_two(&fake, keys))
		return;
	fake_reopen(&fake);
	before = count_entries(&fake);
	CU_ASSERT_EQUAL(before.in_use, 0);
	CU_ASSERT_EQUAL(kernel_cache_prune(fake.cache, 0, &freed, NULL), 0);
	CU_ASSERT_EQUAL(freed, before.bytes);
	after = count_entries(&fake);
	CU_ASSERT_EQUAL(after.sources + after.trees + after.kernels, 0);
}

/* Pruning by one byte each time shows the order. */
static void test_prunes_least_recently_used_first(void)
{
	static const char *const order[] = { "trees/1", "trees/0", "kernels/1",
					     "kernels/0", "sources" };
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel used = { .folder = NULL };
	char keys[2][SHA256_HEX_SIZE];

	if (!fake_open(&fake) || !build_two(&fake, keys))
		return;
	/* Uses the first kernel and its tree once more. */
	fake_drop_series(&fake);
	{
		cleanup_free char *image = string_format(
			"%s/kernels/%s/vmlinux", fake.cache_path, keys[0]);

		CU_ASSERT_EQUAL(unlink(image), 0);
	}
	if (!build(&fake, &used))
		return;
	fake_reopen(&fake);
	for (size_t i = 0; i < ARRAY_COUNT(order); i++) {
		struct totals totals = count_entries(&fake);
		cleanup_free char *kind = string_copy_n(order[i],
							strcspn(order[i], "/"));
		const char *which = strchr(order[i], '/');
		cleanup_free char *path = string_format(
			"%s/%s/%s", fake.cache_path, kind,
			which ? keys[which[1] - '0'] : "");
		cleanup_strvec struct strvec left = STRVEC_INIT;
		uint64_t freed = 0;

		CU_ASSERT_EQUAL(kernel_cache_prune(fake.cache, totals.bytes - 1,
						   &freed, NULL), 0);
		CU_ASSERT(freed > 0);
		if (which)
			CU_ASSERT_FALSE(path_exists(path));
		if (!which)
			CU_ASSERT(folder_list(path, &left) == 0 && !left.count);
	}
}

static void test_stays_below_its_bound(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	char keys[2][SHA256_HEX_SIZE];
	struct totals totals;

	if (!fake_open(&fake) || !build_two(&fake, keys))
		return;
	kernel_cache_close(fake.cache);
	fake.cache = NULL;
	CU_ASSERT_EQUAL(kernel_cache_open(fake.cache_path, 1, &fake.cache, NULL), 0);
	fake_add_patch(&fake, "more", fake_patch_a_more);
	if (!build(&fake, &kernel))
		return;
	/* What this build used stays; what it did not need went. */
	totals = count_entries(&fake);
	CU_ASSERT_EQUAL(totals.kernels, 1);
	CU_ASSERT_EQUAL(totals.sources, 1);
	CU_ASSERT_EQUAL(totals.trees, 1);
	CU_ASSERT_TRUE(path_exists(kernel.image_path));
}

static void test_prune_spares_another_process(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	struct kernel_cache *other = NULL;
	uint64_t freed = 0;

	if (!fake_open(&fake) || !build(&fake, &kernel))
		return;
	/* A handle of its own locks like another process. */
	CU_ASSERT_EQUAL(kernel_cache_open(fake.cache_path, 0, &other, NULL), 0);
	CU_ASSERT_EQUAL(kernel_cache_prune(other, 0, &freed, NULL), 0);
	CU_ASSERT_TRUE(path_exists(kernel.image_path));
	kernel_cache_close(other);
}

static void test_cache_folder_that_cannot_be(void)
{
	cleanup_fake struct fake fake;
	cleanup_free char *path = NULL;
	struct kernel_cache *cache = NULL;
	struct error err = ERROR_INIT;

	if (!fake_open(&fake))
		return;
	fake_write(fake.folder, "file", "no folder\n");
	path = path_join(fake.folder, "file/cache");
	CU_ASSERT_EQUAL(kernel_cache_open(path, 0, &cache, &err), -ENOTDIR);
	test_check_contains(err.message, "file/cache");
	CU_ASSERT_PTR_NULL(cache);
}

static void test_default_place(void)
{
	cleanup_free char *old = string_copy(getenv("XDG_CACHE_HOME"));
	const char *folder = test_temp_folder();
	cleanup_free char *expected = path_join(folder, "kerngate");
	struct kernel_cache *cache = NULL;

	setenv("XDG_CACHE_HOME", folder, 1);
	if (test_check(kernel_cache_open(NULL, 0, &cache, NULL) == 0))
		test_check_string(kernel_cache_path(cache), expected);
	kernel_cache_close(cache);
	if (old)
		setenv("XDG_CACHE_HOME", old, 1);
	else
		unsetenv("XDG_CACHE_HOME");
}

TEST_SUITE("kernel_cache",
	   {"two processes build once", test_two_processes_build_once},
	   {"killed in mid-build", test_killed_in_mid_build},
	   {"interrupted build goes on", test_interrupted_build_goes_on},
	   {"waiting can be cancelled", test_waiting_can_be_cancelled},
	   {"damaged kernels are built again", test_damaged_kernels_are_built_again},
	   {"changed image is noticed", test_changed_image_is_noticed},
	   {"damaged source is fetched again", test_damaged_source_is_fetched_again},
	   {"clears what was left over", test_clears_what_was_left_over},
	   {"prunes nothing in use", test_prunes_nothing_in_use},
	   {"prunes all", test_prunes_all},
	   {"prunes least recently used first",
	    test_prunes_least_recently_used_first},
	   {"stays below its bound", test_stays_below_its_bound},
	   {"prune spares another process", test_prune_spares_another_process},
	   {"cache folder that cannot be", test_cache_folder_that_cannot_be},
	   {"default place", test_default_place})
