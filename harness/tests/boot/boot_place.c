/* boot_place.c - see boot_place.h. */
#include "boot_place.h"

#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "campaign.h"
#include "clock.h"
#include "files.h"
#include "memory.h"
#include "process.h"
#include "test.h"

#define DEADLINE_NS (150 * NS_PER_SECOND)
/* A cold cache compiles what the patches change, twice. */
#define BUILD_TIMEOUT_NS (1200 * NS_PER_SECOND)

/* --- a project with one small guest and one quick workload ----------------------- */

void boot_place_release(struct boot_place *place)
{
	free(place->root);
	free(place->results);
}

void boot_place_write(const struct boot_place *place, const char *name, const char *text)
{
	cleanup_free char *path = path_join(place->root, name), *parent = path_folder(path);

	CU_ASSERT_EQUAL(folder_make(parent), 0);
	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), 0644), 0);
}

/* The kernel that `kerngate build quick` makes first. */
static void add_kernel(struct strbuf *text)
{
	struct campaign quick = { .name = NULL };
	struct error err = ERROR_INIT;
	const struct kernel_spec *spec;

	if (!test_check(!campaign_load(test_root(), "quick", &quick, &err)))
		return;
	spec = &quick.variants[quick.baseline].kernel;
	strbuf_addf(text, "defaults:\n  kernel:\n    base: %s\n    fragments:\n",
		    spec->base.name);
	for (size_t i = 0; i < spec->fragments.count; i++)
		strbuf_addf(text, "      - %s\n", spec->fragments.items[i]);
	campaign_release(&quick);
}

void boot_place_write_campaign(const struct boot_place *place, const char *variants,
			       const char *more)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	add_kernel(&text);
	strbuf_addf(&text, "variants:\n%sbaseline: one\ncells:\n"
		    "  - {guest: tiny, suite: short}\nseed: 5\n%s",
		    variants, more);
	boot_place_write(place, "configs/campaigns/small.yaml", text.data);
}

struct boot_place boot_place_make(const char *results)
{
	cleanup_free char *kernel = path_join(test_root(), "kernel"), *link = NULL;
	struct boot_place place = { .folder = test_temp_folder() };

	place.root = path_join(place.folder, "project");
	place.results = results ? string_copy(results) : path_join(place.folder, "results");
	boot_place_write(&place, "configs/guests/tiny.yaml",
		   "vcpus_count: 1\nmemory_mib: 256\n");
	boot_place_write(&place, "configs/suites/short.yaml",
		   "rows:\n  - {workload: selftest, arguments: {rounds: 3}, timeout_s: 20}\n");
	link = path_join(place.root, "kernel");
	CU_ASSERT_EQUAL(symlink(kernel, link), 0);
	return place;
}

/* --- the program --------------------------------------------------------------------- */

static char *program_path(void)
{
	const char *named = getenv("KERNGATE");
	cleanup_free char *standard = path_join(test_root(), "build/check/kerngate");

	return path_absolute(named && *named ? named : standard);
}

void boot_place_use_fallocate(const struct boot_place *place)
{
	boot_place_write(place, "configs/guests/tiny.yaml", "vcpus_count: 1\nmemory_mib: 512\n");
	boot_place_write(place, "configs/suites/short.yaml",
			 "rows:\n  - {workload: hugetlb_fallocate, arguments: {size_mib: 32, "
			 "rounds: 3}, timeout_s: 60}\n");
}

bool boot_place_build(const struct boot_place *place)
{
	cleanup_free char *program = program_path();
	cleanup_free char *campaign = path_join(place->root, "configs/campaigns/small.yaml");
	const char *const argv[] = { program, "build", campaign, "--root", place->root, NULL };
	const struct process_options options = { .timeout_ns = BUILD_TIMEOUT_NS };
	struct error err = ERROR_INIT;

	if (test_check(!process_run(argv, &options, NULL, &err)))
		return true;
	test_check_string(err.message, "");
	return false;
}

static _Noreturn void execute(const struct boot_place *place, const char *path, int fd,
			      const char *const *arguments)
{
	cleanup_strvec struct strvec argv = STRVEC_INIT;

	strvec_push(&argv, "kerngate");
	strvec_push_all(&argv, arguments);
	strvec_push(&argv, "--root");
	strvec_push(&argv, place->root);
	strvec_push(&argv, "--results");
	strvec_push(&argv, place->results);
	strvec_push(&argv, "--accel");
	strvec_push(&argv, "tcg");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0)
		execv(path, argv.items);
	_exit(126);
}

char *boot_place_told(const struct boot_place *place, const char *command)
{
	return string_format("kerngate --root %s --results %s --accel tcg %s", place->root,
			     place->results, command);
}

struct program boot_place_start(const struct boot_place *place, const char *const *arguments)
{
	struct program program = PROGRAM_INIT;
	cleanup_free char *path = program_path();
	int ends[2];

	if (!test_check(!pipe2(ends, O_CLOEXEC)))
		return program;
	program.fd = ends[0];
	program.pid = fork();
	if (!program.pid)
		execute(place, path, ends[1], arguments);
	(void)close(ends[1]);
	return program;
}

bool program_read(struct program *program, const char *part)
{
	uint64_t until_ns = clock_monotonic_ns() + DEADLINE_NS;

	if (program->fd < 0)
		return false;
	while (!part || !strstr(program->text.data, part)) {
		struct pollfd source = { .fd = program->fd, .events = POLLIN };
		uint64_t now_ns = clock_monotonic_ns();
		char data[4096];
		ssize_t length;

		if (now_ns >= until_ns ||
		    poll(&source, 1, (int)((until_ns - now_ns) / NS_PER_MS)) <= 0)
			return false;
		length = read(program->fd, data, sizeof(data));
		if (length <= 0)
			return !part;
		strbuf_add(&program->text, data, (size_t)length);
	}
	return true;
}

/* Exit status, or 128 + signal. */
static int program_end(struct program *program)
{
	int status = 0;

	if (!test_check(program->pid > 1))
		return -1;
	if (!test_check(program_read(program, NULL)))
		(void)kill(program->pid, SIGTERM);
	CU_ASSERT_EQUAL(waitpid(program->pid, &status, 0), program->pid);
	(void)close(program->fd);
	program->fd = -1;
	CU_ASSERT_PTR_NULL(strstr(program->text.data, "Sanitizer"));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void program_release(struct program *program)
{
	strbuf_release(&program->text);
}

bool program_check(struct program *program, int expected)
{
	int status = program_end(program);

	if (status != expected)
		fprintf(stderr, "exit status %d, said:\n%s\n", status, program->text.data);
	return test_check(status == expected);
}

/* --- what is stored -------------------------------------------------------------------- */

struct run_store *boot_place_store(const struct boot_place *place)
{
	struct run_store *store = NULL;
	struct error err = ERROR_INIT;

	if (!test_check(!run_store_open(place->results, &store, &err)))
		fprintf(stderr, "%s\n", err.message);
	return store;
}

bool boot_place_load_latest(const struct boot_place *place, struct stored_run *ret_run)
{
	cleanup_store struct run_store *store = boot_place_store(place);
	struct error err = ERROR_INIT;

	return store && test_check(!run_store_load(store, NULL, ret_run, &err));
}

/* --- one boot --------------------------------------------------------------------------- */

struct program boot_place_start_once(const struct boot_place *place)
{
	boot_place_write_campaign(place, "  - {name: one}\n",
				  "control: false\nrepeats_max: 0\n");
	return start(place, "run", "small", "--blocks", "1");
}

bool boot_place_load_ended(const struct boot_place *place, enum outcome outcome,
			   struct stored_run *ret_run)
{
	if (!boot_place_load_latest(place, ret_run) ||
	    !test_check(ret_run->trials_count > 0))
		return false;
	if (ret_run->trials[0].outcome != outcome)
		fprintf(stderr, "the trial: %s\n", ret_run->trials[0].reason);
	return test_check(ret_run->trials[0].outcome == outcome);
}

bool boot_place_run_once(const struct boot_place *place, enum outcome outcome,
			 struct stored_run *ret_run)
{
	cleanup_program struct program program = boot_place_start_once(place);

	return program_check(&program, 0) && boot_place_load_ended(place, outcome, ret_run);
}

void boot_place_check_refused(const struct boot_place *place, const char *complaint)
{
	cleanup_program struct program program = boot_place_start_once(place);

	program_check(&program, 2);
	test_check_contains(program.text.data, complaint);
}

void boot_place_check_row_refused(const char *row, const char *complaint)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_strbuf struct strbuf suite = STRBUF_INIT;

	strbuf_addf(&suite, "rows:\n  - {%s}\n", row);
	boot_place_write(&place, "configs/suites/short.yaml", suite.data);
	boot_place_check_refused(&place, complaint);
}

/* --- samples ---------------------------------------------------------------------------- */

void boot_place_check_range(const struct boot_place *place, const struct stored_run *run,
			    uint32_t row, const char *metric, size_t expected, double least,
			    double most)
{
	cleanup_store struct run_store *store = boot_place_store(place);
	struct stored_samples *items = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	if (!store || !test_check(!run_store_samples(store, run->id, 0, row, metric, &items,
						     &count, &err)))
		return;
	CU_ASSERT_EQUAL(count, expected ? 1 : 0);
	for (size_t i = 0; i < count; i++) {
		CU_ASSERT_EQUAL(items[i].count, expected);
		for (size_t k = 0; k < items[i].count; k++)
			if (!test_check(items[i].values[k] >= least &&
					items[i].values[k] <= most))
				fprintf(stderr, "row %u, %s: %g\n", row, metric,
					items[i].values[k]);
	}
	stored_samples_free(items, count);
}

void boot_place_check_samples(const struct boot_place *place, const struct stored_run *run,
			      uint32_t row, const char *metric, size_t expected)
{
	boot_place_check_range(place, run, row, metric, expected, DBL_TRUE_MIN, INFINITY);
}
