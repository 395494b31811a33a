/* boot.c - `kerngate boot`: a kernel of a campaign in a guest, to look at (its
 * console, a shell in it) or to see how long it and the harness take. Nothing
 * is stored and nothing compared: that is `kerngate run`.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "boot_shell.h"
#include "campaign.h"
#include "clock.h"
#include "command.h"
#include "files.h"
#include "fleet.h"
#include "guest_image.h"
#include "host_info.h"
#include "kernel_builder.h"
#include "log.h"
#include "memory.h"
#include "process.h"

#define DEFAULT_CAMPAIGN "quick"
#define DEFAULT_GUEST "up"
#define BOOTS_MAX 1000
#define CPUS_MAX 1024
#define SHOW_INTERVAL_NS (100 * NS_PER_MS)

enum { EXIT_BOOT_FAILED = 1 };

struct boot_options {
	const char *campaign, *guest, *append; /* borrowed */
	bool shell;
	uint64_t count;
};

/* Spans of one boot. */
enum { SPAN_CREATE, SPAN_BOOT, SPAN_TOTAL, SPAN_OWN, SPANS_COUNT };

struct boot_command {
	const struct globals *globals;       /* borrowed */
	const struct boot_options *options;  /* borrowed */
	struct campaign campaign;
	const struct variant *variant;       /* in the campaign */
	struct guest_spec guest;
	struct built_kernel kernel;
	enum accelerator accelerator;
	uint32_t cpus[CPUS_MAX], cpus_count;
	char *folder;                        /* temporary; owned */
	char *initrd, *cmdline;              /* owned */
	uint64_t *spans[SPANS_COUNT];        /* of each boot that passed; owned */
	uint64_t passed_count;
};

static void boot_command_release(struct boot_command *boot)
{
	if (boot->folder)
		(void)!folder_remove(boot->folder);
	campaign_release(&boot->campaign);
	guest_spec_release(&boot->guest);
	built_kernel_release(&boot->kernel);
	for (size_t i = 0; i < SPANS_COUNT; i++)
		free(boot->spans[i]);
	free(boot->folder);
	free(boot->initrd);
	free(boot->cmdline);
}

/* --- preparations ---------------------------------------------------------------- */

static void cleanup_cache(struct kernel_cache **cache)
{
	kernel_cache_close(*cache);
}

static int get_kernel(struct boot_command *boot, struct error *err)
{
	cleanup_with(cleanup_cache) struct kernel_cache *cache = NULL;
	const struct build_options options = { .label = boot->variant->name };
	int code = kernel_cache_open(boot->globals->cache_path,
				     boot->globals->cache_max_bytes, &cache,
				     err);

	if (code == 0)
		code = kernel_build(cache, &boot->variant->kernel, &options,
				    &boot->kernel, err);
	progress_clear();
	return code;
}

static int check_host(struct boot_command *boot, struct error *err)
{
	uint64_t available_mib = host_info_memory_available_mib();
	struct accelerator_probe probe;
	int code;

	boot->cpus_count = host_info_cpus(boot->cpus, CPUS_MAX);
	if (boot->guest.memory_reserve && boot->guest.memory_mib > available_mib)
		return error_set(err, -ENOMEM, "guest %s wants %" PRIu64 " MiB, "
				 "the host has %" PRIu64 " MiB to give",
				 boot->guest.name, boot->guest.memory_mib,
				 available_mib);
	code = accelerator_choose(boot->globals->accelerator,
				  &boot->accelerator, &probe, err);
	if (code == 0 && boot->globals->accelerator == CHOICE_AUTO)
		log_info("accelerator: %s (%s)",
			 accelerator_name(boot->accelerator), probe.reason);
	return code;
}

static int make_folder(struct boot_command *boot, struct error *err)
{
	const char *place = getenv("TMPDIR");

	boot->folder = string_format("%s/kerngate-boot-XXXXXX",
				     place && *place == '/' ? place : "/tmp");
	if (mkdtemp(boot->folder))
		return 0;
	error_set_errno(err, -errno, "%s: cannot make a folder", boot->folder);
	free(take_pointer(boot->folder));
	return err->code;
}

/* The init of this build and a plan without rows: it boots, says so, powers
 * off. With a shell the plan only sets the variant's sysctls. */
static int make_initrd(struct boot_command *boot, struct error *err)
{
	cleanup_free char *init = path_join(boot->globals->build_dir,
					    "guest_init");
	cleanup_free char *common = path_join(boot->folder, "common.cpio");
	cleanup_free char *plan = path_join(boot->folder, "plan.cpio");
	const struct workload_catalog catalog = { .count = 0 };
	const struct suite suite = { .rows_count = 0 };
	int code;

	boot->initrd = path_join(boot->folder, "initrd.cpio");
	code = guest_image_write_common(&catalog, init, &suite,
					boot->options->shell, common, err);
	if (code == 0)
		code = guest_image_write_plan(&suite, "boot",
					      &boot->variant->sysctls, 0,
					      plan, err);
	if (code == 0)
		code = guest_image_join(common, plan, boot->initrd, err);
	return code;
}

static void make_cmdline(struct boot_command *boot)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < boot->variant->cmdline.count; i++)
		strbuf_addf(&text, "%s ", boot->variant->cmdline.items[i]);
	if (boot->options->append)
		strbuf_addf(&text, "%s ", boot->options->append);
	if (boot->options->shell) {
		cleanup_free char *arguments = boot_shell_arguments();

		strbuf_addf(&text, "kerngate.shell%s", arguments);
	}
	boot->cmdline = strbuf_detach(&text);
}

static int prepare(struct boot_command *boot, const char *variant,
		   struct error *err)
{
	const struct boot_options *options = boot->options;
	const char *root = boot->globals->project_root;
	size_t index;
	int code = campaign_load(root, options->campaign, &boot->campaign, err);

	if (code == 0)
		code = campaign_find_variant(&boot->campaign, variant, &index,
					     err);
	if (code < 0)
		return code;
	boot->variant = &boot->campaign.variants[index];
	code = guest_spec_load(root, options->guest, &boot->guest, err);
	if (code == 0)
		code = check_host(boot, err);
	if (code == 0)
		code = get_kernel(boot, err);
	if (code == 0)
		code = make_folder(boot, err);
	if (code == 0)
		code = make_initrd(boot, err);
	make_cmdline(boot);
	return code;
}

/* --- boots ------------------------------------------------------------------------ */

/* Prints what the console file has grown by. */
static void show_console(const char *path, long *offset)
{
	cleanup_fclose FILE *file = fopen(path, "re");
	char block[4096];
	size_t length;

	if (!file || fseek(file, *offset, SEEK_SET) < 0)
		return;
	while ((length = fread(block, 1, sizeof(block), file)) > 0) {
		(void)!fwrite(block, 1, length, stdout);
		*offset += (long)length;
	}
	(void)fflush(stdout);
}

static int wait_for_boot(struct boot_command *boot, struct fleet *fleet,
			 const char *folder, struct fleet_done *ret_done,
			 struct error *err)
{
	cleanup_free char *console = path_join(folder, "console.log");
	bool shown = boot->options->count == 1;
	long offset = 0;
	int code;

	do {
		code = fleet_wait(fleet, shown ? SHOW_INTERVAL_NS : UINT64_MAX,
				  ret_done, err);
		if (shown)
			show_console(console, &offset);
	} while (code == 0);
	return code < 0 ? code : 0;
}

static void note_times(struct boot_command *boot,
		       const struct trial_times *times)
{
	uint64_t total_ns = times->stopped_ns - times->create_ns;
	const uint64_t values[SPANS_COUNT] = {
		[SPAN_CREATE] = times->user_space_ns - times->create_ns,
		[SPAN_BOOT] = times->user_space_ns - times->first_byte_ns,
		[SPAN_TOTAL] = total_ns,
		/* All but the guest's own time, from its first byte to the last
		 * thing it does before it powers off. */
		[SPAN_OWN] = total_ns -
			     (times->end_marker_ns - times->first_byte_ns),
	};

	for (size_t i = 0; i < SPANS_COUNT; i++)
		boot->spans[i][boot->passed_count] = values[i];
	boot->passed_count++;
}

static int boot_once(struct boot_command *boot, struct fleet *fleet,
		     uint64_t number, struct error *err)
{
	const struct guest_expectation expectation = { .trial_id = "boot" };
	cleanup_free char *folder = string_format("%s/%" PRIu64, boot->folder,
						  number);
	cleanup_free char *name = string_format("boot-%d-%" PRIu64,
						(int)getpid(), number);
	const struct fleet_job job = {
		.name = name,
		.guest = &boot->guest,
		.kernel_path = boot->kernel.image_path,
		.initrd_path = boot->initrd,
		.cmdline = boot->cmdline,
		.folder = folder,
		.expectation = &expectation,
	};
	struct fleet_done done = { .result = TRIAL_RESULT_INIT };
	int code = fleet_start(fleet, &job, err);

	if (code == 0)
		code = wait_for_boot(boot, fleet, folder, &done, err);
	if (code < 0)
		return code;
	if (done.result.outcome == OUTCOME_PASSED)
		note_times(boot, &done.result.times);
	else
		log_warning("boot %" PRIu64 ": %s: %s", number,
			    outcome_name(done.result.outcome),
			    done.result.reason);
	trial_result_release(&done.result);
	(void)!folder_remove(folder);
	return 0;
}

static int compare_spans(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static double median_s(const uint64_t *sorted, uint64_t count)
{
	uint64_t middle_ns = count % 2 ? sorted[count / 2] :
		(sorted[count / 2 - 1] + sorted[count / 2]) / 2;

	return (double)middle_ns / (double)NS_PER_SECOND;
}

static void print_spans(struct boot_command *boot)
{
	static const char *const labels[SPANS_COUNT] = {
		[SPAN_CREATE] = "create to user space",
		[SPAN_BOOT] = "first byte to user space",
		[SPAN_TOTAL] = "create to stopped",
		[SPAN_OWN] = "the harness's own cost",
	};
	uint64_t count = boot->passed_count;

	printf("%s (%s), guest %s, %s: %" PRIu64 " of %" PRIu64
	       " boots passed\n", boot->variant->name, boot->kernel.release,
	       boot->guest.name, accelerator_name(boot->accelerator), count,
	       boot->options->count);
	if (count == 0)
		return;
	printf("%-26s %9s %9s %9s\n", "", "min", "median", "max");
	for (size_t i = 0; i < SPANS_COUNT; i++) {
		uint64_t *values = boot->spans[i];

		qsort(values, count, sizeof(*values), compare_spans);
		printf("%-26s %7.3f s %7.3f s %7.3f s\n", labels[i],
		       (double)values[0] / (double)NS_PER_SECOND,
		       median_s(values, count),
		       (double)values[count - 1] / (double)NS_PER_SECOND);
	}
}

static void cleanup_fleet(struct fleet **fleet)
{
	fleet_close(*fleet);
}

static int boot_all(struct boot_command *boot,
		    const struct fleet_options *options, struct error *err)
{
	cleanup_with(cleanup_fleet) struct fleet *fleet = NULL;
	uint64_t count = boot->options->count;
	int code = fleet_open(options, &fleet, err);

	for (size_t i = 0; i < SPANS_COUNT; i++)
		boot->spans[i] = memory_alloc_array(count, sizeof(uint64_t));
	for (uint64_t i = 0; code == 0 && i < count; i++) {
		if (count > 1)
			progress_update("boot", boot->variant->name, i, count,
					UINT64_MAX, boot->guest.name);
		code = boot_once(boot, fleet, i + 1, err);
	}
	progress_clear();
	if (code == 0)
		print_spans(boot);
	return code;
}

static int boot_guest(struct boot_command *boot, struct error *err)
{
	cleanup_free char *state = path_join(boot->folder, "state");
	const struct fleet_options options = {
		.uri = boot->globals->uri,
		.state_dir = state,
		.accelerator = boot->accelerator,
		.cpus = boot->cpus,
		.cpus_count = boot->cpus_count,
	};
	cleanup_free char *name = string_format("shell-%d", (int)getpid());
	const struct fleet_job job = {
		.name = name,
		.guest = &boot->guest,
		.kernel_path = boot->kernel.image_path,
		.initrd_path = boot->initrd,
		.cmdline = boot->cmdline,
		.folder = boot->folder,
	};

	if (boot->options->shell)
		return boot_shell(&options, &job, err);
	return boot_all(boot, &options, err);
}

/* --- the command ------------------------------------------------------------------ */

static int exit_status(const struct boot_command *boot, int code)
{
	if (code == -EINTR || code == -ECANCELED)
		return EXIT_INTERRUPTED;
	if (code < 0)
		return EXIT_HARNESS;
	if (!boot->options->shell && boot->passed_count < boot->options->count)
		return EXIT_BOOT_FAILED;
	return EXIT_OK;
}

static int run(const struct globals *globals, int argc, char **argv,
	       struct error *err)
{
	struct boot_options options = { .campaign = DEFAULT_CAMPAIGN,
					.guest = DEFAULT_GUEST, .count = 1 };
	const struct option_info infos[] = {
		{ "--campaign", OPTION_TEXT, &options.campaign, 0, 0 },
		{ "--guest", OPTION_TEXT, &options.guest, 0, 0 },
		{ "--append", OPTION_TEXT, &options.append, 0, 0 },
		{ "--shell", OPTION_FLAG, &options.shell, 0, 0 },
		{ "--count", OPTION_NUMBER, &options.count, 1, BOOTS_MAX },
		{ .name = NULL },
	};
	cleanup_with(boot_command_release) struct boot_command boot = {
		.globals = globals, .options = &options
	};
	int status = command_parse_options(infos, &argc, argv, err), code;

	if (status == 0)
		status = command_check_operands(argc, argv, 1, err);
	if (status != 0)
		return status;
	if (argc < 2)
		return command_usage_error(err, "needs a variant");
	if (options.shell && options.count > 1)
		return command_usage_error(err, "--shell and --count do not go "
					   "together");
	command_catch_interrupts();
	code = prepare(&boot, argv[1], err);
	if (code == 0)
		code = boot_guest(&boot, err);
	return exit_status(&boot, code);
}

const struct command command_boot = {
	.name = "boot",
	.summary = "boot a kernel in a guest: its console, a shell, or its times",
	.usage = "boot VARIANT [--campaign NAME] [--guest SHAPE] [--append ARGS]\n"
		 "                     [--count N | --shell]",
	.help = "Builds the kernel of a variant if it is not in the cache and boots it to user\n"
		"space and off again, showing its console. Nothing is stored.\n"
		"\n"
		"  --campaign NAME     that has the variant (default: quick)\n"
		"  --guest SHAPE       of configs/guests (default: up)\n"
		"  --append ARGUMENTS  for the kernel, after the variant's own\n"
		"  --count N           boot N times, one after the other, and print only times:\n"
		"                      to user space, and the harness's own cost on top of the\n"
		"                      guest (create to stopped, less first byte to end)\n"
		"  --shell             a shell in the guest at this terminal; `exit` powers it\n"
		"                      off, Ctrl-] ends it. Input that is no terminal is typed\n"
		"                      into the shell once it is there\n"
		"\n"
		"exit status: 0 every boot reached user space and powered off, 1 one did not,\n"
		"2 the harness could not do its job, 64 wrong usage, 130 interrupted.\n"
		"\n"
		"examples:\n"
		"  kerngate boot stock --count 10\n"
		"  kerngate boot patched --shell --guest smp2\n"
		"  echo 'uname -a' | kerngate boot stock --shell\n",
	.supervised = true,
	.run = run,
};
