/* sample_project.c - a made-up project. */
#include "sample_project.h"

#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "memory.h"
#include "test.h"

void place_release(struct place *place)
{
	free(place->root);
	free(place->build);
	free(place->results);
	free(place->cache);
}

void place_write(const char *folder, const char *name, const char *text, mode_t mode)
{
	cleanup_free char *path = path_join(folder, name), *parent = path_folder(path);

	CU_ASSERT_EQUAL(folder_make(parent), 0);
	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), mode), 0);
}

static const char workload_script[] =
	"#!/bin/sh\n"
	"cat <<'END'\n"
	"{\"name\": \"spin\", \"purpose\": \"spins\", \"metrics\": [\n"
	"{\"name\": \"turn_ns\", \"unit\": \"ns\", \"better\": \"lower\", \"kind\": \"time\",\n"
	" \"secondary\": false, \"meaning\": \"one turn\"}],\n"
	"\"parameters\": [{\"name\": \"turns\", \"meaning\": \"how many\", \"is_number\": true,\n"
	" \"minimum\": 1, \"maximum\": 10, \"choices\": [], \"default_value\": \"2\"}],\n"
	"\"needs_options\": [], \"needs_devices\": [], \"needs_tools\": [],\n"
	"\"kernel_arguments\": [], \"needs_memory_mib\": 0, \"needs_vcpus\": 0}\n"
	"END\n";

static const char campaign_text[] =
	"purpose: a test\n"
	"variants:\n"
	"  - name: stock\n"
	"    kernel: {base: demo, fragments: [base]}\n"
	"  - name: other\n"
	"    kernel: {base: demo, fragments: [base]}\n"
	"    cmdline: [nosmt]\n"
	"    sysctls: [\"kernel.panic=1\"]\n"
	"baseline: stock\n"
	"cells:\n"
	"  - {guest: tiny, suite: turns}\n"
	"blocks_count: 3\n"
	"seed: 77\n";

struct place place_make(void)
{
	const char *folder = test_temp_folder();
	struct place place = {
		.root = path_join(folder, "project"),
		.build = path_join(folder, "build"),
		.results = path_join(folder, "results"),
		.cache = path_join(folder, "cache"),
	};

	place_write(place.build, "workloads/spin", workload_script, 0777);
	place_write(place.root, "kernel/bases/demo.yaml",
		   "version: \"7.3\"\nsources:\n  - {kind: dir, path: /nonexistent}\n", 0666);
	place_write(place.root, "kernel/fragments/base.config", "CONFIG_SMP=y\n", 0666);
	place_write(place.root, "configs/guests/tiny.yaml", "vcpus_count: 1\nmemory_mib: 128\n",
		   0666);
	place_write(place.root, "configs/suites/turns.yaml",
		   "rows:\n  - {workload: spin, arguments: {turns: 3}, timeout_s: 5}\n", 0666);
	place_write(place.root, "configs/campaigns/test.yaml", campaign_text, 0666);
	place.options = (struct experiment_options){
		.project_root = place.root,
		.build_dir = place.build,
		.results_dir = place.results,
		.cache_path = place.cache,
		.uri = "embed",
		.accelerator = CHOICE_TCG,
	};
	return place;
}

bool place_load(const struct place *place, struct campaign *ret_campaign)
{
	struct error err = ERROR_INIT;
	int rc = campaign_load(place->root, "test", ret_campaign, &err);

	test_check_string(err.message, "");
	return !rc;
}

bool place_prepare(const struct place *place, const struct campaign *campaign,
		   struct experiment *ret)
{
	struct error err = ERROR_INIT;
	int rc = experiment_prepare(campaign, &place->options, ret, &err);

	if (!rc)
		rc = experiment_make_plan(ret, &ret->run, &err);
	test_check_string(err.message, "");
	return !rc;
}
