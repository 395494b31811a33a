/* test_nightly_fetch.c - what a source is by now, and what a night makes of one that moved
 * since the cached kernel was built.
 */
#include <errno.h>
#include <string.h>

#include "experiment_private.h"
#include "fake_kernel.h"
#include "files.h"
#include "kernel_source.h"
#include "memory.h"
#include "nightly_private.h"
#include "process.h"
#include "sample_project.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_close)
#define cleanup_kernel cleanup_with(built_kernel_release)

static bool git(const char *folder, const char *a, const char *b, const char *c)
{
	const char *const argv[] = { "git", "-c", "user.name=t", "-c", "user.email=t@t",
				     a, b, c, NULL };

	return test_check(fake_run(folder, argv));
}

static bool commit(const char *folder)
{
	return git(folder, "add", "--all", ".") && git(folder, "commit", "--quiet", "-mx");
}

/* "commit:..." of a revision; owned. */
static char *revision(const char *folder, const char *name)
{
	const char *const argv[] = { "git", "-C", folder, "rev-parse", name, NULL };
	const struct process_options options = { .capture = true };
	struct error err = ERROR_INIT;
	cleanup_free char *line = NULL;

	if (!test_check(!process_run(argv, &options, &line, &err)))
		return string_copy("");
	line[strcspn(line, "\n")] = '\0';
	return string_format("commit:%s", line);
}

/* Branch "next" with one commit, and the tag v1 of it, which is an object of its own. */
static bool open_repository(struct fake *fake)
{
	if (!fake_open(fake))
		return false;
	source_spec_release(&fake->spec.base.sources[0]);
	fake->spec.base.sources[0] = (struct source_spec){
		.kind = SOURCE_GIT, .ref = string_copy("next"), .url = string_copy(fake->source),
	};
	return git(fake->source, "init", "--quiet", "--initial-branch=next") &&
	       commit(fake->source) && git(fake->source, "tag", "-mx", "v1");
}

static int resolve(struct fake *fake, const char *ref, char **ret_identity, struct error *err)
{
	const struct source_spec source = {
		.kind = SOURCE_GIT, .ref = (char *)ref, .url = fake->source,
	};

	return kernel_source_resolve(&source, test_temp_folder(), ret_identity, err);
}

static void test_resolves(void)
{
	cleanup_fake struct fake fake;
	cleanup_free char *first = NULL, *second = NULL, *found = NULL;
	static const char *const names[] = { "v1", "next", "refs/heads/next", "refs/tags/v1" };
	const struct source_spec folder = { .kind = SOURCE_DIR, .path = (char *)"/" };
	struct error err = ERROR_INIT;

	if (!open_repository(&fake))
		return;
	first = revision(fake.source, "HEAD");
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		cleanup_free char *identity = NULL;

		CU_ASSERT_EQUAL(resolve(&fake, names[i], &identity, &err), 0);
		test_check_string(identity, first);
	}
	fake_write(fake.source, "b.c", "b, edited\n");
	if (!commit(fake.source))
		return;
	second = revision(fake.source, "HEAD");
	CU_ASSERT_EQUAL(resolve(&fake, "next", &found, &err), 0);
	test_check_string(found, second);
	CU_ASSERT_EQUAL(resolve(&fake, "v2", &found, &err), -ENOENT);
	test_check_contains(err.message, "no tag or branch 'v2'");
	CU_ASSERT_EQUAL(kernel_source_resolve(&folder, test_temp_folder(), &found, &err),
			-EOPNOTSUPP);
}

/* A night of one variant with the fake's kernel. */
struct fetched {
	struct nightly night;
	struct night_work work;
	struct nightly_request request;
};

static bool fetch(struct fake *fake, const char *results, struct fetched *fetched)
{
	struct error err = ERROR_INIT;
	struct campaign *campaign = &fetched->work.campaign;

	*fetched = (struct fetched){ .night = { .notes = STRVEC_INIT } };
	fetched->work = (struct night_work){
		.request = &fetched->request, .night = &fetched->night, .lock = -1,
		.options = { .cache_path = fake->cache_path, .results_dir = results },
	};
	campaign->name = string_copy("test");
	campaign->variants = memory_alloc_array(1, sizeof(*campaign->variants));
	campaign->variants_count = 1;
	campaign->variants[0].name = string_copy("stock");
	kernel_spec_copy(&campaign->variants[0].kernel, &fake->spec);
	if (!test_check(!run_store_open(results, &fetched->work.store, &err)))
		return false;
	CU_ASSERT_EQUAL(night_fetch(&fetched->work, &err), 0);
	return test_check_string(err.message, "");
}

static void fetched_release(struct fetched *fetched)
{
	campaign_release(&fetched->work.campaign);
	run_store_close(fetched->work.store);
	nightly_release(&fetched->night);
}

#define cleanup_fetched cleanup_with(fetched_release)

static bool build(struct fake *fake, const struct kernel_spec *spec, struct built_kernel *ret)
{
	static const struct build_options plain = { .label = "test" };
	struct error err = ERROR_INIT;
	int rc = kernel_build(fake->cache, spec, &plain, ret, &err);

	test_check_string(err.message, "");
	return !rc;
}

static void test_pins_what_moved(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel old = { .folder = NULL }, new = { .folder = NULL };
	cleanup_fetched struct fetched fetched = { .night = { .notes = STRVEC_INIT } };
	cleanup_free char *second = NULL, *text = NULL;
	const char *results = test_temp_folder();
	const struct kernel_base *base;

	if (!open_repository(&fake) || !build(&fake, &fake.spec, &old))
		return;
	fake_write(fake.source, "b.c", "b, edited\n");
	if (!commit(fake.source) || !fetch(&fake, results, &fetched))
		return;
	second = revision(fake.source, "HEAD");
	base = &fetched.work.campaign.variants[0].kernel.base;
	CU_ASSERT_TRUE(base->is_pinned);
	test_check_string(base->sources[0].ref, second + strlen("commit:"));
	CU_ASSERT_EQUAL(fetched.night.notes.count, 1);
	if (fetched.night.notes.count)
		test_check_contains(fetched.night.notes.items[0], second);
	/* and that is what is built */
	if (!build(&fake, &fetched.work.campaign.variants[0].kernel, &new))
		return;
	CU_ASSERT_FALSE(new.was_cached);
	CU_ASSERT_TRUE(strcmp(old.key, new.key) != 0);
	text = fake_read(new.folder, "vmlinux");
	test_check_contains(text, "b, edited");
}

static void test_leaves_what_did_not_move(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_fetched struct fetched before = { .night = { .notes = STRVEC_INIT } };
	cleanup_fetched struct fetched after = { .night = { .notes = STRVEC_INIT } };

	if (!open_repository(&fake))
		return;
	/* nothing is cached that could be old */
	if (!fetch(&fake, test_temp_folder(), &before))
		return;
	CU_ASSERT_FALSE(before.work.campaign.variants[0].kernel.base.is_pinned);
	if (!build(&fake, &fake.spec, &kernel) || !fetch(&fake, test_temp_folder(), &after))
		return;
	CU_ASSERT_FALSE(after.work.campaign.variants[0].kernel.base.is_pinned);
	test_check_string(after.work.campaign.variants[0].kernel.base.sources[0].ref, "next");
	CU_ASSERT_EQUAL(after.night.notes.count, 0);
}

/* As where there is no network: the cached source serves, and that is told. */
static void test_goes_on_without(void)
{
	cleanup_fake struct fake fake;
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_fetched struct fetched fetched = { .night = { .notes = STRVEC_INIT } };
	cleanup_free char *moved = NULL;

	if (!open_repository(&fake) || !build(&fake, &fake.spec, &kernel))
		return;
	moved = string_format("%s.away", fake.source);
	CU_ASSERT_EQUAL(rename(fake.source, moved), 0);
	if (!fetch(&fake, test_temp_folder(), &fetched))
		return;
	CU_ASSERT_FALSE(fetched.work.campaign.variants[0].kernel.base.is_pinned);
	CU_ASSERT_EQUAL(fetched.night.notes.count, 1);
	if (fetched.night.notes.count)
		test_check_contains(fetched.night.notes.items[0],
				    "could not be asked, so what is there is used");
	CU_ASSERT_EQUAL(rename(moved, fake.source), 0);
}

/* What a run keeps of its configs gives the same kernel again. */
static void test_config_keeps_the_pin(void)
{
	cleanup_place struct place place = place_make();
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	cleanup_with(campaign_release) struct campaign again = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	cleanup_free char *config = NULL;
	char key[SHA256_HEX_SIZE];
	struct error err = ERROR_INIT;
	int rc;

	place_write(place.root, "kernel/bases/demo.yaml",
		    "version: '7.3'\nsources:\n"
		    "  - {kind: git, url: /nowhere, ref: next}\n"
		    "  - {kind: debian, package: linux-source-7.3, suite: sid}\n"
		    "  - {kind: dir, path: /nonexistent}\n", 0666);
	if (!place_load(&place, &campaign))
		return;
	for (size_t i = 0; i < campaign.variants_count; i++) {
		struct kernel_base *base = &campaign.variants[i].kernel.base;

		free(base->sources[0].ref);
		base->sources[0].ref = string_copy("0123456789abcdef0123456789abcdef01234567");
		base->sources[1].package_version = string_copy("7.3.4-1~bpo13+1");
		base->is_pinned = true;
	}
	if (!place_prepare(&place, &campaign, &experiment))
		return;
	rc = run_store_open(place.results, &experiment.store, &err);
	if (!rc)
		rc = run_store_begin(experiment.store, &experiment.run, &err);
	experiment.run_folder = rc ? NULL : run_store_run_folder(experiment.store,
								 experiment.run.id);
	if (!rc)
		rc = experiment_save_config(&experiment, &err);
	if (!rc)
		config = path_join(experiment.run_folder, "config");
	if (!rc)
		rc = campaign_load(config, "test", &again, &err);
	test_check_string(err.message, "");
	if (!test_check(!rc))
		return;
	CU_ASSERT_EQUAL(kernel_spec_key(&again.variants[0].kernel, key, &err), 0);
	test_check_string(key, experiment.run.variants[0].kernel_key);
}

TEST_SUITE("nightly_fetch",
	   {"what a ref is by now", test_resolves},
	   {"pins what moved", test_pins_what_moved},
	   {"leaves what did not move", test_leaves_what_did_not_move},
	   {"goes on without a network", test_goes_on_without},
	   {"a run's configs keep it", test_config_keeps_the_pin})
