/* test_experiment.c - whole runs of the program with real guests: to the end,
 * with guests that crash or lie, interrupted, killed, on a full disk; and what a
 * resume does then. The kernel is the baseline of the quick campaign, from the
 * cache (built if it is not there).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "boot_place.h"
#include "campaign.h"
#include "clock.h"
#include "experiment.h"
#include "files.h"
#include "kernel.h"
#include "memory.h"
#include "test.h"

/* kill(2) takes 0 and -1 for many processes: never those. */
static void send_signal(pid_t pid, int number)
{
	if (test_check(pid > 1))
		CU_ASSERT_EQUAL(kill(pid, number), 0);
}

static size_t count_finished(const struct stored_run *run)
{
	size_t count = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		count += run->trials[i].state == TRIAL_FINISHED;
	return count;
}

/* Whatever was finished before is there unchanged. */
static void check_kept(const struct stored_run *before, const struct stored_run *after)
{
	for (size_t i = 0; i < before->trials_count; i++) {
		const struct stored_trial *a = &before->trials[i], *b = &after->trials[i];

		CU_ASSERT_EQUAL(a->id, b->id);
		if (a->state != TRIAL_FINISHED)
			continue;
		CU_ASSERT_EQUAL(b->state, TRIAL_FINISHED);
		CU_ASSERT_EQUAL(a->outcome, b->outcome);
		CU_ASSERT_EQUAL(a->duration_ns, b->duration_ns);
		CU_ASSERT_EQUAL(a->started_wall_ns, b->started_wall_ns);
	}
}

/* Every cell of the plan has one trial that counts, and it passed. */
static void check_whole(const struct stored_run *run, size_t planned)
{
	size_t counting = 0;

	test_check_string(run->state, "finished");
	for (size_t i = 0; i < run->trials_count; i++) {
		CU_ASSERT_EQUAL(run->trials[i].state, TRIAL_FINISHED);
		if (run->trials[i].superseded)
			continue;
		counting++;
		CU_ASSERT_EQUAL(run->trials[i].outcome, OUTCOME_PASSED);
		if (run->trials[i].outcome != OUTCOME_PASSED)
			fprintf(stderr, "trial %zu: %s\n", i + 1, run->trials[i].reason);
	}
	CU_ASSERT_EQUAL(counting, planned);
}

static bool run_file_exists(const struct boot_place *place, const struct stored_run *run,
			    const char *name)
{
	cleanup_free char *path = string_format("%s/%s/%s", place->results, run->id, name);

	return path_exists(path);
}

/* --- tests ------------------------------------------------------------------------------ */

#define TWO_VARIANTS                                                           \
	"  - {name: one, cmdline: [sched_proxy_exec=0]}\n"                     \
	"  - {name: two, cmdline: [sched_proxy_exec=1, loglevel=6]}\n"

static void check_samples(const struct boot_place *place, const struct stored_run *run)
{
	cleanup_store struct run_store *store = boot_place_store(place);
	struct stored_samples *items = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	if (!store)
		return;
	CU_ASSERT_EQUAL(run_store_samples(store, run->id, 0, 0, "spin_ns", &items, &count, &err),
			0);
	CU_ASSERT_EQUAL(count, 3);
	for (size_t i = 0; i < count; i++)
		CU_ASSERT_EQUAL(items[i].count, 3);
	stored_samples_free(items, count);
}

static void check_artifacts(const struct boot_place *place, const struct stored_run *run)
{
	static const char *const there[] = {
		"campaign.yaml", "config/configs/campaigns/small.yaml", "kernels/one/config",
		"kernels/two/kernel.json", "trials/0001/console.log", "trials/0001/results.log",
		"trials/0001/domain.xml", "trials/0001/qemu.txt",
	};
	static const char *const gone[] = { "trials/0001/initrd.cpio", "trials/0001/plan.cpio",
					    "initrd", "state" };

	for (size_t i = 0; i < ARRAY_COUNT(there); i++)
		if (!test_check(run_file_exists(place, run, there[i])))
			fprintf(stderr, "missing: %s\n", there[i]);
	for (size_t i = 0; i < ARRAY_COUNT(gone); i++)
		if (!test_check(!run_file_exists(place, run, gone[i])))
			fprintf(stderr, "left behind: %s\n", gone[i]);
}

static void test_to_the_end(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_program struct program program = PROGRAM_INIT, again = PROGRAM_INIT;
	char latest[256] = "";
	cleanup_free char *link = path_join(place.results, "latest");

	boot_place_write_campaign(&place, TWO_VARIANTS, "control: true\nrepeats_max: 0\n");
	program = start(&place, "run", "small", "--blocks", "1");
	if (!program_check(&program, 0) || !boot_place_load_latest(&place, &run))
		return;
	check_whole(&run, 3);
	test_check_contains(program.text.data, "trial 3/3 ");
	test_check_contains(program.text.data, run.id);
	CU_ASSERT_TRUE(readlink(link, latest, sizeof(latest) - 1) > 0);
	test_check_string(latest, run.id);
	test_check_contains(run.trials[0].fingerprint, "accelerator=tcg\n");
	test_check_contains(run.trials[0].fingerprint, "\nvariant.cmdline=sched_proxy_exec=");
	check_samples(&place, &run);
	check_artifacts(&place, &run);
	again = start(&place, "show", "--trial", "1");
	program_check(&again, 0);
	test_check_contains(again.text.data, "outcome: passed");
	test_check_contains(again.text.data, "user space");
}

/* A kernel that dies is data; a guest that lies is repeated, and both leave the
 * run sound. */
static void test_bad_guests(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_program struct program program = PROGRAM_INIT;
	unsigned int crashed = 0, broken = 0, superseded = 0;

	boot_place_write_campaign(&place,
		       "  - {name: one}\n"
		       "  - {name: dies, cmdline: [kerngate.selftest_act=panic]}\n"
		       "  - {name: lies, cmdline: [kerngate.selftest_act=bad_crc]}\n",
		       "control: false\nrepeats_max: 1\n");
	program = start(&place, "run", "small", "--blocks", "1");
	if (!program_check(&program, 0) || !boot_place_load_latest(&place, &run))
		return;
	test_check_string(run.state, "finished");
	for (size_t i = 0; i < run.trials_count; i++) {
		crashed += run.trials[i].outcome == OUTCOME_CRASHED && !run.trials[i].superseded;
		broken += run.trials[i].outcome == OUTCOME_BROKEN;
		superseded += run.trials[i].outcome == OUTCOME_BROKEN && run.trials[i].superseded;
	}
	CU_ASSERT_EQUAL(crashed, 1);
	CU_ASSERT_EQUAL(broken, 2);
	CU_ASSERT_EQUAL(superseded, 1);
}

/* The harness itself: the supervisor's first child; -1 if there is none. */
static pid_t harness_of(pid_t supervisor)
{
	cleanup_free char *path = string_format("/proc/%d/task/%d/children", supervisor,
						supervisor);
	cleanup_free char *text = NULL;

	if (file_read(path, 4096, &text, NULL))
		return -1;
	return *text ? (pid_t)strtol(text, NULL, 10) : -1; /* the oldest comes first */
}

static void check_interrupted(const struct boot_place *place, struct stored_run *ret_run)
{
	if (!boot_place_load_latest(place, ret_run))
		return;
	test_check_string(ret_run->state, "interrupted");
	CU_ASSERT_TRUE(count_finished(ret_run) >= 1);
	CU_ASSERT_TRUE(count_finished(ret_run) < ret_run->trials_count);
}

/* As service managers and timeout(1) do it: every process of the program gets the signal,
 * some twice, and the supervisor passes its own on. A few milliseconds apart, or the
 * kernel would make one of them. */
static void stop_all(pid_t supervisor)
{
	const struct timespec pause = { .tv_nsec = 3 * NS_PER_MS };
	pid_t harness = harness_of(supervisor);

	for (int i = 0; i < 3; i++) {
		send_signal(harness, SIGTERM);
		(void)nanosleep(&pause, NULL);
	}
	send_signal(supervisor, SIGTERM);
}

/* One run that is stopped by Ctrl-C, by whoever stops a service, by kill -9, and then
 * ends. */
static void test_stopped_and_resumed(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run stopped = { .id = NULL }, killed = { .id = NULL },
				      whole = { .id = NULL };
	cleanup_program struct program first = PROGRAM_INIT, service = PROGRAM_INIT,
				       second = PROGRAM_INIT, third = PROGRAM_INIT;
	cleanup_free char *command = NULL, *hint = NULL;

	boot_place_write_campaign(&place, TWO_VARIANTS, "control: false\nrepeats_max: 0\n");
	first = start(&place, "run", "small", "--blocks", "4");
	CU_ASSERT_TRUE(program_read(&first, "trial 1/8 "));
	send_signal(first.pid, SIGINT);
	program_check(&first, 130);
	check_interrupted(&place, &stopped);
	command = string_format("run --resume %s", stopped.id);
	hint = boot_place_told(&place, command);
	test_check_contains(first.text.data, hint);

	service = start(&place, "run", "--resume");
	CU_ASSERT_TRUE(program_read(&service, "[boots] "));
	stop_all(service.pid);
	program_check(&service, 130);
	test_check_contains(service.text.data, hint);

	second = start(&place, "run", "--resume");
	CU_ASSERT_TRUE(program_read(&second, "resumed, "));
	CU_ASSERT_TRUE(program_read(&second, "\ntrial "));
	send_signal(harness_of(second.pid), SIGKILL);
	program_check(&second, 128 + SIGKILL);
	if (boot_place_load_latest(&place, &killed)) {
		test_check_string(killed.state, "running");
		CU_ASSERT_TRUE(count_finished(&killed) > count_finished(&stopped));
		CU_ASSERT_TRUE(count_finished(&killed) < 8);
		check_kept(&stopped, &killed);
	}
	third = start(&place, "run", "--resume", stopped.id ? stopped.id : "");
	if (program_check(&third, 0) && boot_place_load_latest(&place, &whole)) {
		check_whole(&whole, 8);
		check_kept(&killed, &whole);
		CU_ASSERT_EQUAL(whole.trials_count, 8);
	}
}

/* --- the end of a night ----------------------------------------------------------------- */

#define UNTIL_NS (40 * NS_PER_SECOND)

/* Processes below this one: QEMU and what it started. */
static bool has_children(void)
{
	cleanup_free char *path = string_format("/proc/self/task/%d/children", (int)gettid());
	cleanup_free char *text = NULL;

	return file_read(path, 4096, &text, NULL) || *text;
}

/* What is wrong; NULL: nothing. */
static const char *run_until(const struct boot_place *place)
{
	cleanup_free char *build = test_build_dir(), *run_id = NULL;
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	const uint64_t end_ns = clock_monotonic_ns() + UNTIL_NS;
	const struct experiment_options options = {
		.project_root = place->root, .build_dir = build, .results_dir = place->results,
		.uri = "embed", .accelerator = CHOICE_TCG, .blocks_count = 1,
		.deadline_ns = end_ns,
	};
	static struct error err;

	if (campaign_load(place->root, "small", &campaign, &err) ||
	    experiment_run(&campaign, &options, &run_id, &err))
		return err.message;
	if (clock_monotonic_ns() < end_ns)
		return "it did not wait for its end";
	if (clock_monotonic_ns() > end_ns + 20 * NS_PER_SECOND)
		return "it went on after its end";
	return has_children() ? "a guest is left" : NULL;
}

/* In a process of its own, for libvirt leaves its settings in the environment. Not the
 * program: only `kerngate nightly` gives a run such an end, and minutes later. */
static bool run_until_apart(const struct boot_place *place)
{
	int status = -1;
	pid_t child = fork();

	if (!child) {
		const char *wrong = run_until(place);

		if (wrong)
			fprintf(stderr, "%s\n", wrong);
		_exit(wrong != NULL);
	}
	return test_check(child > 0 && waitpid(child, &status, 0) == child && !status);
}

/* A guest that still runs then is ended, and its trial is as if it had not begun; what
 * was finished counts, and the rest may be had later. */
static void test_cut_off(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run cut = { .id = NULL };

	boot_place_write(&place, "configs/suites/short.yaml",
		   "rows:\n  - {workload: selftest, arguments: {rounds: 3}, timeout_s: 600}\n");
	boot_place_write_campaign(&place,
		       "  - {name: one}\n"
		       "  - {name: hangs, cmdline: [kerngate.selftest_act=hang]}\n",
		       "control: false\nrepeats_max: 0\n");
	if (!run_until_apart(&place) || !boot_place_load_latest(&place, &cut))
		return;
	test_check_string(cut.state, "finished");
	test_check_contains(cut.note, "the time for it was up");
	CU_ASSERT_EQUAL(cut.trials_count, 2);
	for (size_t i = 0; i < cut.trials_count; i++) {
		const struct stored_trial *trial = &cut.trials[i];
		bool hangs = !strcmp(cut.variants[trial->variant].name, "hangs");

		CU_ASSERT_EQUAL(trial->state, hangs ? TRIAL_PLANNED : TRIAL_FINISHED);
		CU_ASSERT_TRUE(hangs || trial->outcome == OUTCOME_PASSED);
	}
}

/* --- full disk ----------------------------------------------------------------------------- */

/* In a chroot the mounts cannot be made private, and a namespace of our own
 * would only change what /proc/self/exe says. */
static bool root_is_mount(void)
{
	struct statx info;

	return statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &info) == 0 &&
	       (info.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* A small disk of our own, gone with this process; NULL if we may not. */
static char *mount_small_disk(void)
{
	cleanup_free char *folder = path_join(test_temp_folder(), "disk");

	if (!root_is_mount() || unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    folder_make(folder) ||
	    mount("none", folder, "tmpfs", MS_NOSUID | MS_NODEV, "size=160m,mode=0755"))
		return NULL;
	return take_pointer(folder);
}

static void fill(const char *path)
{
	static char data[1 << 16];
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	while (write(fd, data, sizeof(data)) > 0)
		;
	CU_ASSERT_EQUAL(errno, ENOSPC);
}

static void full_disk(const char *disk)
{
	cleanup_free char *results = path_join(disk, "results"), *ballast = path_join(disk, "fill");
	cleanup_boot_place struct boot_place place = boot_place_make(results);
	cleanup_run struct stored_run stopped = { .id = NULL }, whole = { .id = NULL };
	cleanup_program struct program first = PROGRAM_INIT, second = PROGRAM_INIT;

	boot_place_write_campaign(&place, TWO_VARIANTS, "control: false\nrepeats_max: 0\n");
	first = start(&place, "run", "small", "--blocks", "2");
	CU_ASSERT_TRUE(program_read(&first, "trial 1/4 "));
	fill(ballast);
	program_check(&first, 2);
	test_check_contains(first.text.data, " run --resume ");
	CU_ASSERT_EQUAL(unlink(ballast), 0);
	if (!boot_place_load_latest(&place, &stopped))
		return;
	CU_ASSERT_TRUE(count_finished(&stopped) >= 1);
	CU_ASSERT_TRUE(count_finished(&stopped) < 4);
	second = start(&place, "run", "--resume");
	if (program_check(&second, 0) && boot_place_load_latest(&place, &whole)) {
		check_whole(&whole, 4);
		check_kept(&stopped, &whole);
	}
}

static void test_full_disk(void)
{
	cleanup_free char *disk = mount_small_disk();

	if (!disk) {
		test_skip("a disk of our own needs root, outside a chroot");
		return;
	}
	full_disk(disk);
	CU_ASSERT_EQUAL(umount2(disk, MNT_DETACH), 0);
}

TEST_SUITE("experiment",
	   {"runs to the end", test_to_the_end},
	   {"guests that die or lie", test_bad_guests},
	   {"stopped and resumed", test_stopped_and_resumed},
	   {"cut off at its end", test_cut_off},
	   {"full disk", test_full_disk})
