/* exact_guest.c - see exact_guest.h. */
#include "exact_guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "guest_lines.h"
#include "kernel.h"
#include "memory.h"
#include "process.h"
#include "test.h"

#define TRIAL "exact"
#define MEMORY_MIB 384
#define FILE_BYTES_MAX (16u << 20)
#define GUEST_TIMEOUT_NS (UINT64_C(300) * 1000000000)
#define TRY_TIMEOUT_NS (UINT64_C(20) * 1000000000)

/* --- emulators and objects -------------------------------------------------------- */

char *exact_emulator(void)
{
	return process_find_program("qemu-system-x86_64");
}

unsigned int exact_emulator_api(const char *emulator)
{
	const char *argv[] = { emulator, "-version", NULL };
	struct process_options options = { .capture = true,
					   .timeout_ns = TRY_TIMEOUT_NS };
	cleanup_free char *text = NULL;
	const char *version;
	unsigned int major, minor;

	if (process_run(argv, &options, &text, NULL) < 0)
		return 0;
	version = strstr(text, "version ");
	if (!version || sscanf(version, "version %u.%u", &major, &minor) != 2)
		return 0;
	return major > 9 || (major == 9 && minor >= 1) ? 3 : 1;
}

char *exact_plugin_path(unsigned int api)
{
	cleanup_free char *name = string_format("build/plugin/count-api%u.so", api);

	return path_join(test_root(), name);
}

int exact_plugin_try(unsigned int api, const char *arguments, struct error *err)
{
	cleanup_free char *emulator = exact_emulator();
	cleanup_free char *object = exact_plugin_path(api);
	cleanup_free char *plugin = string_format("%s%s", object, arguments);
	const char *argv[] = { emulator, "-machine", "none", "-display", "none",
			       "-nodefaults", "-plugin", plugin, NULL };
	struct process_options options = { .capture = true,
					   .timeout_ns = TRY_TIMEOUT_NS };

	return process_run(argv, &options, NULL, err);
}

/* --- the guest's files ------------------------------------------------------------ */

static void cleanup_suite(struct suite *suite)
{
	for (size_t i = 0; i < suite->rows_count; i++) {
		free(suite->rows[i].name);
		free(suite->rows[i].workload);
		strvec_release(&suite->rows[i].arguments);
	}
	free(suite->rows);
}

static void suite_make(const struct exact_row *rows, struct suite *ret_suite)
{
	size_t count = 0;

	while (rows[count].name)
		count++;
	*ret_suite = (struct suite){
		.rows = memory_alloc_array(count, sizeof(*ret_suite->rows)),
		.rows_count = count,
	};
	for (size_t i = 0; i < count; i++) {
		ret_suite->rows[i] = (struct suite_row){
			.name = string_copy(rows[i].name),
			.workload = string_copy(rows[i].workload),
			.timeout_s = rows[i].timeout_s ? rows[i].timeout_s : 60,
		};
		strvec_push_all(&ret_suite->rows[i].arguments, rows[i].arguments);
	}
}

static int catalog_load(const struct suite *suite, struct exact_run *run,
			struct error *err)
{
	cleanup_free char *folder = path_join(test_root(), "build/workloads");
	int rc = workload_catalog_load(folder, &run->catalog, err);

	run->rows_count = suite->rows_count;
	if (rc == 0 && suite->rows_count > EXACT_ROWS_MAX)
		rc = error_set(err, -E2BIG, "at most %d rows", EXACT_ROWS_MAX);
	for (size_t i = 0; i < suite->rows_count && rc == 0; i++)
		rc = workload_catalog_find(&run->catalog, suite->rows[i].workload,
					   &run->workloads[i], err);
	return rc;
}

static int initrd_write(const struct suite *suite, const struct exact_run *run,
			const char *folder, const char *path, struct error *err)
{
	cleanup_free char *init = path_join(test_root(), "build/guest_init");
	cleanup_free char *common = path_join(folder, "common.cpio");
	cleanup_free char *plan = path_join(folder, "plan.cpio");
	const struct strvec no_sysctls = STRVEC_INIT;
	int rc = guest_image_write_common(&run->catalog, init, suite, false, common,
					  err);

	if (rc == 0)
		rc = guest_image_write_plan(suite, TRIAL, &no_sysctls, 0, plan, err);
	return rc ? rc : guest_image_join(common, plan, path, err);
}

/* --- QEMU ------------------------------------------------------------------------- */

static void add_machine(struct strvec *argv, uint32_t vcpus_count)
{
	static const char *const fixed[] = {
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
		"-machine", "q35,hpet=off", "-accel", "tcg", "-cpu", "max,erms=off",
		"-seed", "1", "-rtc", "base=2026-01-01T00:00:00,clock=vm",
		"-uuid", "00000000-0000-4000-8000-000000000001", NULL,
	};

	strvec_push_all(argv, fixed);
	strvec_push(argv, "-m");
	strvec_pushf(argv, "%d", MEMORY_MIB);
	strvec_push(argv, "-icount");
	strvec_pushf(argv, "shift=%d,sleep=off,rr=record,rrfile=/dev/null", EXACT_SHIFT);
	strvec_push(argv, "-smp");
	strvec_pushf(argv, "1,maxcpus=%u,sockets=1,dies=1,cores=%u,threads=1",
		     vcpus_count, vcpus_count);
	for (uint32_t i = 1; i < vcpus_count; i++) {
		strvec_push(argv, "-device");
		strvec_pushf(argv, "max-x86_64-cpu,socket-id=0,die-id=0,core-id=%u,"
			     "thread-id=0,erms=off", i);
	}
}

static void add_guest(struct strvec *argv, const char *kernel, const char *folder,
		      const char *cmdline)
{
	strvec_push(argv, "-kernel");
	strvec_push(argv, kernel);
	strvec_push(argv, "-initrd");
	strvec_pushf(argv, "%s/initrd.cpio", folder);
	strvec_push(argv, "-append");
	strvec_pushf(argv, "console=ttyS0 printk.time=1 panic=-1 oops=panic "
		     "no_timer_check rdinit=/init tsc=reliable nokaslr %s",
		     cmdline ? cmdline : "");
	strvec_push(argv, "-serial");
	strvec_pushf(argv, "file:%s/console.log", folder);
	strvec_push(argv, "-serial");
	strvec_pushf(argv, "file:%s/results.log", folder);
}

static int add_plugin(struct strvec *argv, const char *emulator, const char *folder,
		      const struct exact_order *order, struct error *err)
{
	unsigned int api = exact_emulator_api(emulator);
	cleanup_free char *object = exact_plugin_path(api);

	if (api == 0)
		return error_set(err, -EINVAL, "%s: no version", emulator);
	if (order->vcpus_count > 1) {
		cleanup_free char *folder_of = path_folder(object);

		strvec_push(argv, "-plugin");
		strvec_pushf(argv, "%s/turns-api%u.so%s", folder_of, api,
			     order->turns ? order->turns : "");
	}
	strvec_push(argv, "-plugin");
	strvec_pushf(argv, "%s,out=%s/counts%s%s%s%s", object, folder,
		     *order->plugin ? "," : "", order->plugin,
		     order->map_path ? ",map=" : "",
		     order->map_path ? order->map_path : "");
	return 0;
}

static int emulate(const struct exact_order *order, const char *folder,
		   struct error *err)
{
	cleanup_free char *emulator = order->emulator ? string_copy(order->emulator) :
							exact_emulator();
	cleanup_free char *kernel = test_kernel(err);
	cleanup_strvec struct strvec argv = STRVEC_INIT;
	struct process_options options = { .capture = true,
					   .timeout_ns = GUEST_TIMEOUT_NS };
	int rc = 0;

	if (!kernel)
		return -ENOENT;
	if (!emulator)
		return error_set(err, -ENOENT, "no qemu-system-x86_64");
	strvec_push(&argv, emulator);
	add_machine(&argv, order->vcpus_count);
	add_guest(&argv, kernel, folder, order->cmdline);
	if (order->plugin)
		rc = add_plugin(&argv, emulator, folder, order, err);
	return rc ? rc : process_run((const char *const *)argv.items, &options, NULL,
				     err);
}

/* --- what it wrote ------------------------------------------------------------------ */

static int text_load(const char *folder, const char *name, char **ret_text,
		     struct error *err)
{
	cleanup_free char *path = path_join(folder, name);
	int rc = file_read(path, FILE_BYTES_MAX, ret_text, NULL);

	return rc < 0 ? error_set_errno(err, rc, "%s", path) : 0;
}

static void results_read(const struct suite *suite, struct exact_run *run)
{
	const char *names[EXACT_ROWS_MAX];
	struct guest_expectation expectation = {
		.trial_id = TRIAL, .rows_count = suite->rows_count,
		.workloads = run->workloads, .row_names = names,
	};
	struct guest_lines *lines;

	for (size_t i = 0; i < suite->rows_count; i++)
		names[i] = suite->rows[i].name;
	lines = guest_lines_new(&expectation);
	guest_lines_feed(lines, run->results, strlen(run->results));
	guest_lines_finish(lines, &run->result);
	guest_lines_free(lines);
}

static int outputs_read(const struct exact_order *order, const struct suite *suite,
			const char *folder, struct exact_run *run, struct error *err)
{
	int rc = text_load(folder, "console.log", &run->console, err);

	if (rc == 0)
		rc = text_load(folder, "results.log", &run->results, err);
	if (rc < 0)
		return rc;
	results_read(suite, run);
	if (!order->plugin)
		return 0;
	rc = text_load(folder, "counts", &run->counts_text, err);
	return rc ? rc : plugin_counts_parse(run->counts_text, strlen(run->counts_text),
					     &run->counts, err);
}

int exact_guest_run(const struct exact_order *order, struct exact_run *ret_run,
		    struct error *err)
{
	struct exact_run run = EXACT_RUN_INIT;
	cleanup_with(cleanup_suite) struct suite suite = { .rows = NULL };
	const char *folder = test_temp_folder();
	cleanup_free char *initrd = path_join(folder, "initrd.cpio");
	int rc;

	suite_make(order->rows, &suite);
	rc = catalog_load(&suite, &run, err);
	if (rc == 0)
		rc = initrd_write(&suite, &run, folder, initrd, err);
	if (rc == 0)
		rc = emulate(order, folder, err);
	if (rc == 0)
		rc = outputs_read(order, &suite, folder, &run, err);
	if (rc < 0)
		exact_run_release(&run);
	else
		*ret_run = run;
	return rc;
}

void exact_run_release(struct exact_run *run)
{
	free(run->console);
	free(run->results);
	free(run->counts_text);
	plugin_counts_release(&run->counts);
	trial_result_release(&run->result);
	workload_catalog_release(&run->catalog);
	*run = EXACT_RUN_INIT;
}
